//! libyaml's events as borrowed Rust values. The only `unsafe` code of reading.
//!
//! [`Events`] owns one libyaml parser and the event it produced last; both are freed when they are replaced or dropped.
//! An event borrows its text from the parser, so nothing is copied here. After the first error the stream is over:
//! libyaml's behaviour after an error is not specified, so [`Events::next`] repeats the error instead of asking again.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, addr_of};

use unsafe_libyaml as unsafe_yaml;

use super::{Position, Unparsable};

/// One event of the stream, in the order of the text. Texts live until the next call of [`Events::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias { anchor: &'a [u8] },
    Scalar { properties: Properties<'a>, text: &'a str, plain: bool },
    SequenceStart(Properties<'a>),
    SequenceEnd,
    MappingStart(Properties<'a>),
    MappingEnd,
}

/// Anchor and tag of a node. libyaml gives the tag `!` of a plain or quoted scalar as no tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Properties<'a> {
    pub anchor: Option<&'a [u8]>,
    pub tag: Option<&'a str>,
}

/// The events of one UTF-8 text.
pub(super) struct Events<'input> {
    parser: NonNull<unsafe_yaml::yaml_parser_t>,
    current: MaybeUninit<unsafe_yaml::yaml_event_t>,
    /// Whether `current` holds an event that must be deleted.
    filled: bool,
    failure: Option<Unparsable>,
    input: PhantomData<&'input str>,
}

impl<'input> Events<'input> {
    /// Starts reading `text`. A byte-order mark at its start is skipped.
    pub fn new(text: &'input str) -> Self {
        let memory = Box::into_raw(Box::new(MaybeUninit::<unsafe_yaml::yaml_parser_t>::uninit())).cast();
        // SAFETY: a pointer out of `Box::into_raw` is not null.
        let parser: NonNull<unsafe_yaml::yaml_parser_t> = unsafe { NonNull::new_unchecked(memory) };
        // SAFETY: `memory` is valid for writes and aligned; `yaml_parser_initialize` writes the whole struct, and only running
        // out of memory could make it fail (its allocator aborts in that case). The parser keeps pointers to itself and into
        // `text`: the box never moves, and `'input` keeps `text` borrowed as long as `self` lives.
        unsafe {
            let _ = unsafe_yaml::yaml_parser_initialize(parser.as_ptr());
            unsafe_yaml::yaml_parser_set_encoding(parser.as_ptr(), unsafe_yaml::YAML_UTF8_ENCODING);
            unsafe_yaml::yaml_parser_set_input_string(parser.as_ptr(), text.as_ptr(), text.len() as u64);
        }
        Self { parser, current: MaybeUninit::uninit(), filled: false, failure: None, input: PhantomData }
    }

    /// The next event and where it starts. Behind the end of the stream it is [`Event::StreamEnd`] again.
    ///
    /// # Errors
    /// The text is no YAML; the same error for ever after.
    pub fn next(&mut self) -> Result<(Event<'_>, Position), Unparsable> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.discard();
        // SAFETY: the parser was initialised in `new` and has not failed; `current` is writable and holds nothing that would leak.
        let outcome = unsafe { unsafe_yaml::yaml_parser_parse(self.parser.as_ptr(), self.current.as_mut_ptr()) };
        if outcome.fail {
            let failure = self.problem();
            self.failure = Some(failure.clone());
            return Err(failure);
        }
        self.filled = true;
        // SAFETY: `yaml_parser_parse` succeeded, so it filled `current`.
        let event = unsafe { self.current.assume_init_ref() };
        let start = position(event.start_mark);
        match borrow(event) {
            Some(event) => Ok((event, start)),
            None => Err(start.unparsable("a tag is not valid UTF-8")),
        }
    }

    fn discard(&mut self) {
        if std::mem::take(&mut self.filled) {
            // SAFETY: `current` holds an event of `yaml_parser_parse` that was not deleted yet (`filled` is cleared first), and no
            // borrow of it is alive because `self` is borrowed mutably.
            unsafe { unsafe_yaml::yaml_event_delete(self.current.as_mut_ptr()) };
        }
    }

    /// What libyaml says about its failure. Its messages are constants and never hold the text it read.
    fn problem(&self) -> Unparsable {
        // SAFETY: the parser is initialised; the error fields of `yaml_parser_t` are read through the public prefix it derefs to.
        let (problem, context, mark) = unsafe {
            let prefix = &**addr_of!(*self.parser.as_ptr());
            (constant(prefix.problem), constant(prefix.context), prefix.problem_mark)
        };
        let message = match (problem, context) {
            (Some(problem), Some(context)) => format!("{problem} ({context})"),
            (Some(problem), None) => problem.to_owned(),
            (None, _) => "not YAML".to_owned(),
        };
        position(mark).unparsable(message)
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        self.discard();
        // SAFETY: `parser` came from `Box::into_raw` of this type's layout and is initialised; it is freed only here.
        unsafe {
            unsafe_yaml::yaml_parser_delete(self.parser.as_ptr());
            drop(Box::from_raw(self.parser.as_ptr().cast::<MaybeUninit<unsafe_yaml::yaml_parser_t>>()));
        }
    }
}

fn position(mark: unsafe_yaml::yaml_mark_t) -> Position {
    let one_based = |zero_based: u64| u32::try_from(zero_based.saturating_add(1)).unwrap_or(u32::MAX);
    Position { line: one_based(mark.line), column: one_based(mark.column) }
}

/// None when a text is not UTF-8, which only the `%` escapes of a tag can bring about.
fn borrow(event: &unsafe_yaml::yaml_event_t) -> Option<Event<'_>> {
    // SAFETY (all blocks below): libyaml sets the union field that belongs to the event's type; its pointers are null or point to
    // memory of this event that stays untouched until `yaml_event_delete`; anchors and tags end with a zero byte, and a scalar's
    // `value` is never null and holds `length` bytes.
    Some(match event.type_ {
        unsafe_yaml::YAML_STREAM_START_EVENT => Event::StreamStart,
        unsafe_yaml::YAML_DOCUMENT_START_EVENT => Event::DocumentStart,
        unsafe_yaml::YAML_DOCUMENT_END_EVENT => Event::DocumentEnd,
        unsafe_yaml::YAML_SEQUENCE_END_EVENT => Event::SequenceEnd,
        unsafe_yaml::YAML_MAPPING_END_EVENT => Event::MappingEnd,
        unsafe_yaml::YAML_ALIAS_EVENT => {
            // SAFETY: see above.
            let anchor = unsafe { bytes(event.data.alias.anchor) };
            Event::Alias { anchor: anchor.unwrap_or_default() }
        }
        unsafe_yaml::YAML_SCALAR_EVENT => {
            // SAFETY: see above.
            let (scalar, value, properties) = unsafe {
                let scalar = &event.data.scalar;
                let length = usize::try_from(scalar.length).ok()?;
                (scalar, std::slice::from_raw_parts(scalar.value, length), properties(scalar.anchor, scalar.tag))
            };
            Event::Scalar {
                properties: properties?,
                text: std::str::from_utf8(value).ok()?,
                plain: scalar.style == unsafe_yaml::YAML_PLAIN_SCALAR_STYLE,
            }
        }
        unsafe_yaml::YAML_SEQUENCE_START_EVENT => {
            // SAFETY: see above.
            let start = unsafe { properties(event.data.sequence_start.anchor, event.data.sequence_start.tag) };
            Event::SequenceStart(start?)
        }
        unsafe_yaml::YAML_MAPPING_START_EVENT => {
            // SAFETY: see above.
            let start = unsafe { properties(event.data.mapping_start.anchor, event.data.mapping_start.tag) };
            Event::MappingStart(start?)
        }
        // libyaml repeats an empty event behind the end of the stream.
        _ => Event::StreamEnd,
    })
}

/// # Safety
/// As [`bytes`], for both pointers.
unsafe fn properties<'a>(anchor: *const u8, tag: *const u8) -> Option<Properties<'a>> {
    // SAFETY: the caller promises it.
    let (anchor, tag) = unsafe { (bytes(anchor), bytes(tag)) };
    let tag = tag.map(std::str::from_utf8).transpose().ok()?;
    Some(Properties { anchor, tag })
}

/// # Safety
/// `text` is null or points to a zero-terminated text that outlives `'a` unchanged.
unsafe fn bytes<'a>(text: *const u8) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller promises it.
    Some(unsafe { CStr::from_ptr(text.cast()) }.to_bytes())
}

/// # Safety
/// `text` is null or one of libyaml's constant messages.
unsafe fn constant(text: *const i8) -> Option<&'static str> {
    // SAFETY: the caller promises it; constants live for ever.
    let text = unsafe { bytes(text.cast()) }?;
    std::str::from_utf8(text).ok()
}
