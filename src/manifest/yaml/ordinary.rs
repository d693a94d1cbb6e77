//! A quick reader for ordinary manifests: about three times as fast as libyaml, for the part of YAML that most files keep to.
//!
//! It knows block mappings and sequences, scalars with few escapes, literal and simple folded blocks, one-line flow collections of simple
//! items, anchors, and comments. [`read`] gives None as soon as it meets anything else, **including every error**, and libyaml then
//! reads the file from its start: what is valid, what it means and what is wrong with it is decided there alone. So each rule here must be
//! narrower than YAML's; when in doubt, a case belongs to libyaml. Tests hold the two against each other.

mod anchors;
mod block_scalar;
mod inline;
mod lines;
#[cfg(test)]
mod tests;
mod versions;

pub(super) use versions::Version;

use anchors::Anchors;
use versions::{Around, Comparison};

use super::compose::has_equal_keys;
use super::core_schema::plain_type;
use super::{Node, Scalar, ScalarType, interner};

/// A larger text might exceed the node budget, which is not counted here: every node but an empty one takes a byte, and an empty one
/// belongs to a key, a dash or a document marker.
const MAX_BYTES: usize = 400_000;
/// Levels of nesting; well below the limit, which libyaml's reader judges.
const MAX_LEVEL: u32 = 60;
/// Anchors of a document: they are searched one by one.
const MAX_ANCHORS: usize = 50;
/// Bytes of a key. YAML itself allows 1024 characters.
const MAX_KEY: usize = 200;

/// The documents of a text, or None when it is for libyaml to read.
pub(super) fn read(text: &str) -> Option<Vec<Node>> {
    Some(read_version(text, None)?.0)
}

/// As [`read`]; what the text shares with an older version of the file is not read again.
pub(super) fn read_version(text: &str, older: Option<&Version>) -> Option<(Vec<Node>, Version)> {
    if text.len() > MAX_BYTES || !is_plain_text(text) {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        line: Line::default(),
        next: 0,
        anchors: Anchors::default(),
        comparison: Comparison::new(text, older),
    };
    let mut documents = Vec::new();
    reader.advance()?;
    if matches!(reader.line.what, What::Content) {
        documents.push(reader.document()?);
    }
    loop {
        match reader.line.what {
            What::End => return Some((documents, reader.comparison.finish(text))),
            What::Content => return None,
            What::DocumentStart => {
                reader.advance()?;
                let node = if matches!(reader.line.what, What::Content) { reader.document()? } else { empty() };
                documents.push(node);
            }
        }
    }
}

/// Line feeds and characters that need no thought: no tabs, carriage returns, other controls, Unicode line breaks or byte-order marks.
fn is_plain_text(text: &str) -> bool {
    let plain_ascii = |byte: &u8| matches!(byte, b'\n' | b' '..=b'~');
    let ordinary = |character: char| match character {
        '\n' | ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => ('\u{a0}'..'\u{10000}').contains(&character) || ('\u{1f000}'..'\u{1fb00}').contains(&character),
    };
    text.as_bytes().iter().all(plain_ascii) || text.chars().all(ordinary)
}

#[derive(Clone, Copy, Default)]
enum What {
    Content,
    /// `---` alone on its line.
    DocumentStart,
    #[default]
    End,
}

/// What is left of the current line.
#[derive(Clone, Copy, Default)]
struct Line {
    what: What,
    /// The column of `start`, in bytes: before it are only spaces and dashes.
    indent: usize,
    start: usize,
    end: usize,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    line: Line,
    /// Where the line after the current one starts.
    next: usize,
    anchors: Anchors<'a>,
    comparison: Comparison<'a>,
}

impl<'a> Reader<'a> {
    /// Goes to the next line with content. None for lines that are none of ours.
    fn advance(&mut self) -> Option<()> {
        loop {
            if self.next >= self.bytes.len() {
                self.line = Line::default();
                return Some(());
            }
            let (begin, end) = self.raw_line();
            let start = begin + spaces(&self.bytes[begin..end]);
            if start == end || self.bytes[start] == b'#' {
                continue;
            }
            let content = &self.bytes[start..end];
            let what = match (start - begin, content) {
                (0, b"---") => What::DocumentStart,
                (0, [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..] | [b'%', ..]) => return None,
                _ => What::Content,
            };
            self.line = Line { what, indent: start - begin, start, end };
            return Some(());
        }
    }

    /// Takes the next line whatever it holds: where it begins and ends.
    fn raw_line(&mut self) -> (usize, usize) {
        let begin = self.next;
        let end = self.text[begin..].find('\n').map_or(self.bytes.len(), |length| begin + length);
        self.next = end + 1;
        (begin, end)
    }

    fn is_content(&self) -> bool {
        matches!(self.line.what, What::Content)
    }

    /// Whether the current line starts an item of a sequence.
    fn at_dash(&self) -> bool {
        self.is_content() && matches!(&self.bytes[self.line.start..self.line.end], [b'-'] | [b'-', b' ', ..])
    }

    fn document(&mut self) -> Option<Node> {
        self.anchors.start_document();
        self.whole_block(None, 1)
    }

    /// The collection that starts with the current line.
    fn block(&mut self, level: u32) -> Option<Node> {
        if level > MAX_LEVEL {
            return None;
        }
        let indent = self.line.indent;
        if self.at_dash() { self.sequence(indent, level) } else { self.mapping(indent, level) }
    }

    fn sequence(&mut self, indent: usize, level: u32) -> Option<Node> {
        let mut items = Vec::new();
        while self.at_dash() && self.line.indent == indent {
            let dash = self.line.start;
            let start = dash + 1 + spaces(&self.bytes[dash + 1..self.line.end]);
            if start < self.line.end && self.key(start).is_some() {
                self.line.indent += start - dash;
                self.line.start = start;
                items.push(self.block(level + 1)?);
            } else {
                items.push(self.value(dash + 1, indent, false, level + 1)?);
            }
        }
        // A line further to the right continues nothing that is known here.
        let over = !self.is_content() || self.line.indent <= indent;
        over.then(|| Node::sequence(None, items))
    }

    fn mapping(&mut self, indent: usize, level: u32) -> Option<Node> {
        let mut entries = Vec::new();
        while self.is_content() && self.line.indent == indent {
            let (key, colon) = self.key(self.line.start)?;
            let value = self.value(colon + 1, indent, true, level + 1)?;
            entries.push((Node::Scalar(key), value));
        }
        let over = !self.is_content() || self.line.indent < indent;
        (over && !has_equal_keys(&entries)).then(|| Node::mapping(None, entries))
    }

    /// A key at `start` and where its colon stands; the colon ends the line or a space follows it.
    fn key(&self, start: usize) -> Option<(Scalar, usize)> {
        let rest = &self.bytes[start..self.line.end];
        let (key, length) = match rest {
            [quote @ (b'"' | b'\''), ..] => {
                let text = self.quoted(start, *quote)?;
                (Scalar::new(ScalarType::Str, interner::share(text)), text.len() + 2)
            }
            [first, ..] if is_word(first) && *first != b'-' => {
                let length = rest.iter().take_while(|byte| is_word(byte)).count();
                let text = &self.text[start..start + length];
                (Scalar::new(plain_type(text), interner::share(text)), length)
            }
            _ => return None,
        };
        let ends = matches!(rest.get(length..), Some([b':'] | [b':', b' ', ..]));
        (ends && length <= MAX_KEY).then_some((key, start + length))
    }

    /// What stands behind a colon or dash, and the lines that belong to it. `indent` is that of the collection around it.
    fn value(&mut self, after: usize, indent: usize, in_mapping: bool, level: u32) -> Option<Node> {
        let start = after + spaces(&self.bytes[after..self.line.end]);
        let first = if start < self.line.end { self.bytes[start] } else { b'#' };
        if first == b'#' {
            return self.nested(indent, in_mapping, level);
        }
        if matches!(first, b'|' | b'>') {
            return self.block_scalar(start, indent);
        }
        if first == b'&'
            && let Some(name) = self.anchor_name(start)
            && self.rest_is_comment(start + 1 + name.len()).is_some()
        {
            return self.anchored_block(name, indent, level);
        }
        let (node, end) = match first {
            quote @ (b'"' | b'\'') if self.quoted(start, quote).is_none() => self.quoted_lines(start, quote, indent)?,
            _ => self.inline(start, level)?,
        };
        self.rest_is_comment(end)?;
        let is_plain = !matches!(first, b'"' | b'\'' | b'&' | b'*' | b'[' | b'{');
        let fills_line = end + spaces(&self.bytes[end..self.line.end]) == self.line.end;
        let next = self.next;
        self.advance()?;
        if is_plain && fills_line && self.is_content() && self.line.indent > indent {
            self.next = next;
            return self.plain_lines(&self.text[start..end], indent);
        }
        Some(node)
    }

    /// The value on the lines below; none if they do not belong to it.
    fn nested(&mut self, indent: usize, in_mapping: bool, level: u32) -> Option<Node> {
        self.advance()?;
        if !self.is_content() {
            return Some(empty());
        }
        let below = self.line.indent > indent;
        let beside = in_mapping && self.line.indent == indent && self.at_dash();
        let around = Around { indent, dashes_belong: beside };
        if below || beside { self.whole_block(Some(around), level) } else { Some(empty()) }
    }
}

fn plain(text: &str) -> Node {
    Node::Scalar(Scalar::new(plain_type(text), interner::share(text)))
}

/// The null that stands where nothing is written.
fn empty() -> Node {
    plain("")
}

fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == b' ').count()
}

/// Characters of a word that means the same everywhere.
fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}
