//! libyaml's emitter behind a safe interface. With `events`, the only `unsafe` code of the room.
//!
//! This is the emitter that serde_yaml writes with. It is driven directly because serde_yaml's serializer has no way to write a number by
//! its source text (`1.10`, `0644`) or a tag that is a URI.

use std::ffi::{CStr, CString, c_void};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null, null_mut};

use unsafe_libyaml as unsafe_yaml;

/// How a scalar is asked to look. libyaml quotes instead where the text cannot be written so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// How tags are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tags {
    Short,
    InFull,
}

/// The emitter would not take an event: a text of more than 2 GiB, or events in an order that makes no document.
#[derive(Debug)]
pub(super) struct Refused;

/// Writes one document.
pub(super) struct Emitter {
    emitter: NonNull<unsafe_yaml::yaml_emitter_t>,
    /// Where libyaml's output goes; a raw pointer because libyaml keeps a copy of it.
    output: NonNull<Vec<u8>>,
}

/// An event that was initialised and belongs to us until the emitter takes it.
type RawEvent = MaybeUninit<unsafe_yaml::yaml_event_t>;

impl Emitter {
    /// An emitter that has begun a document: block style, two spaces, no line is broken. Tags are written short (`!a`, `!!binary`) where
    /// they can be, or all in full (`!<!a>`).
    pub fn new(tags: Tags) -> Result<Self, Refused> {
        let memory = Box::into_raw(Box::new(MaybeUninit::<unsafe_yaml::yaml_emitter_t>::uninit())).cast();
        let output = Box::into_raw(Box::<Vec<u8>>::default());
        // SAFETY: pointers out of `Box::into_raw` are not null.
        let (emitter, output) = unsafe { (NonNull::new_unchecked(memory), NonNull::new_unchecked(output)) };
        // SAFETY: `memory` is valid for writes and aligned; initialising writes the whole struct and cannot fail but by running out of
        // memory, which aborts. Neither box moves or is freed before `drop`, so the pointers the emitter keeps stay good.
        unsafe {
            let _ = unsafe_yaml::yaml_emitter_initialize(memory);
            unsafe_yaml::yaml_emitter_set_unicode(memory, true);
            unsafe_yaml::yaml_emitter_set_width(memory, -1);
            unsafe_yaml::yaml_emitter_set_output(memory, append, output.as_ptr().cast());
        }
        let mut this = Self { emitter, output };
        // SAFETY: the event is writable memory; null stands for no directives.
        this.emit(|event| unsafe {
            unsafe_yaml::yaml_stream_start_event_initialize(event, unsafe_yaml::YAML_UTF8_ENCODING).ok
        })?;
        let mut directives = match tags {
            Tags::Short => Vec::new(),
            Tags::InFull => [c"!", c"!!"].map(stands_for_nothing).to_vec(),
        };
        let directives = directives.as_mut_ptr_range();
        // SAFETY: the event is writable memory; null stands for no version. The directives are alive and are copied, not written to.
        this.emit(|event| unsafe {
            unsafe_yaml::yaml_document_start_event_initialize(event, null_mut(), directives.start, directives.end, true)
                .ok
        })?;
        Ok(this)
    }

    /// A scalar; without a tag it is read back by the rules of its style.
    pub fn scalar(&mut self, tag: Option<&str>, text: &str, style: Style) -> Result<(), Refused> {
        let length = i32::try_from(text.len()).map_err(|_| Refused)?;
        let tag = zero_terminated(tag)?;
        let style = match style {
            Style::Plain => unsafe_yaml::YAML_PLAIN_SCALAR_STYLE,
            Style::SingleQuoted => unsafe_yaml::YAML_SINGLE_QUOTED_SCALAR_STYLE,
            Style::DoubleQuoted => unsafe_yaml::YAML_DOUBLE_QUOTED_SCALAR_STYLE,
            Style::Literal => unsafe_yaml::YAML_LITERAL_SCALAR_STYLE,
        };
        let implicit = tag.is_none();
        let tag = pointer(tag.as_ref());
        // SAFETY: the tag is null or ends with zero, the text holds `length` bytes, both are copied before this returns.
        self.emit(|event| unsafe {
            unsafe_yaml::yaml_scalar_event_initialize(
                event,
                null(),
                tag,
                text.as_ptr(),
                length,
                implicit,
                implicit,
                style,
            )
            .ok
        })
    }

    pub fn sequence_start(&mut self, tag: Option<&str>) -> Result<(), Refused> {
        let tag = zero_terminated(tag)?;
        let (implicit, tag) = (tag.is_none(), pointer(tag.as_ref()));
        // SAFETY: the tag is null or ends with zero and is copied before this returns.
        self.emit(|event| unsafe {
            unsafe_yaml::yaml_sequence_start_event_initialize(
                event,
                null(),
                tag,
                implicit,
                unsafe_yaml::YAML_BLOCK_SEQUENCE_STYLE,
            )
            .ok
        })
    }

    pub fn sequence_end(&mut self) -> Result<(), Refused> {
        // SAFETY: the event is writable memory.
        self.emit(|event| unsafe { unsafe_yaml::yaml_sequence_end_event_initialize(event).ok })
    }

    pub fn mapping_start(&mut self, tag: Option<&str>) -> Result<(), Refused> {
        let tag = zero_terminated(tag)?;
        let (implicit, tag) = (tag.is_none(), pointer(tag.as_ref()));
        // SAFETY: as for `sequence_start`.
        self.emit(|event| unsafe {
            unsafe_yaml::yaml_mapping_start_event_initialize(
                event,
                null(),
                tag,
                implicit,
                unsafe_yaml::YAML_BLOCK_MAPPING_STYLE,
            )
            .ok
        })
    }

    pub fn mapping_end(&mut self) -> Result<(), Refused> {
        // SAFETY: the event is writable memory.
        self.emit(|event| unsafe { unsafe_yaml::yaml_mapping_end_event_initialize(event).ok })
    }

    /// Ends the document and gives its text.
    pub fn finish(mut self) -> Result<Vec<u8>, Refused> {
        // SAFETY: the event is writable memory.
        self.emit(|event| unsafe { unsafe_yaml::yaml_document_end_event_initialize(event, true).ok })?;
        // SAFETY: as above.
        self.emit(|event| unsafe { unsafe_yaml::yaml_stream_end_event_initialize(event).ok })?;
        // SAFETY: `output` is alive, and libyaml touches it only during `yaml_emitter_emit`.
        Ok(std::mem::take(unsafe { self.output.as_mut() }))
    }

    fn emit(&mut self, initialize: impl FnOnce(*mut unsafe_yaml::yaml_event_t) -> bool) -> Result<(), Refused> {
        let mut event = RawEvent::uninit();
        if !initialize(event.as_mut_ptr()) {
            return Err(Refused);
        }
        // SAFETY: the emitter is initialised and `initialize` filled the event, which the emitter takes over (it frees it even if it fails).
        let outcome = unsafe { unsafe_yaml::yaml_emitter_emit(self.emitter.as_ptr(), event.as_mut_ptr()) };
        if outcome.ok { Ok(()) } else { Err(Refused) }
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        // SAFETY: both pointers came from `Box::into_raw` of these types and are freed only here, the emitter's own memory first.
        unsafe {
            unsafe_yaml::yaml_emitter_delete(self.emitter.as_ptr());
            drop(Box::from_raw(self.emitter.as_ptr().cast::<MaybeUninit<unsafe_yaml::yaml_emitter_t>>()));
            drop(Box::from_raw(self.output.as_ptr()));
        }
    }
}

/// A short form that stands for something else: libyaml then has none for the tags there are.
fn stands_for_nothing(handle: &'static CStr) -> unsafe_yaml::yaml_tag_directive_t {
    // SAFETY: it is a struct of two pointers, and null is one.
    let mut directive: unsafe_yaml::yaml_tag_directive_t = unsafe { std::mem::zeroed() };
    directive.handle = handle.as_ptr().cast_mut().cast();
    directive.prefix = c"kubestats:none:".as_ptr().cast_mut().cast();
    directive
}

fn zero_terminated(tag: Option<&str>) -> Result<Option<CString>, Refused> {
    tag.map(CString::new).transpose().map_err(|_| Refused)
}

fn pointer(tag: Option<&CString>) -> *const u8 {
    tag.map_or(null(), |tag| tag.as_ptr().cast())
}

/// libyaml's write handler; 1 means success.
///
/// # Safety
/// `output` is the vector given to `yaml_emitter_set_output` and `size` bytes can be read at `buffer`.
unsafe fn append(output: *mut c_void, buffer: *mut u8, size: u64) -> i32 {
    let Ok(size) = usize::try_from(size) else {
        return 0;
    };
    // SAFETY: the caller promises it.
    unsafe { (*output.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(buffer, size)) };
    1
}
