//! A quick reader for ordinary manifests: about three times as fast as libyaml, for the part of YAML that most files keep to.
//!
//! It knows block mappings and sequences, one-line scalars, literal and simple folded blocks, one-line flow collections of simple items,
//! anchors on scalars, and comments. [`read`] gives None as soon as it meets anything else, **including every error**, and libyaml then
//! reads the file from its start: what is valid, what it means and what is wrong with it is decided there alone. So each rule here must be
//! narrower than YAML's; when in doubt, a case belongs to libyaml. Tests hold the two against each other.

use super::compose::has_equal_keys;
use super::core_schema::plain_type;
use super::{Node, Scalar, ScalarType, interner};

/// A larger text might exceed the node budget, which is not counted here: every node but an empty one takes a byte, and an empty one
/// belongs to a key, a dash or a document marker.
const MAX_BYTES: usize = 400_000;
/// Levels of nesting; well below the limit, which libyaml's reader judges.
const MAX_LEVEL: u32 = 60;
/// Bytes of a key. YAML itself allows 1024 characters.
const MAX_KEY: usize = 200;

/// The documents of a text, or None when it is for libyaml to read.
pub(super) fn read(text: &str) -> Option<Vec<Node>> {
    if text.len() > MAX_BYTES || !is_plain_text(text) {
        return None;
    }
    let mut reader = Reader { text, bytes: text.as_bytes(), line: Line::default(), next: 0, anchors: Vec::new() };
    let mut documents = Vec::new();
    reader.advance()?;
    if matches!(reader.line.what, What::Content) {
        documents.push(reader.document()?);
    }
    loop {
        match reader.line.what {
            What::End => return Some(documents),
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
    /// Anchored scalars of the document; the newest of a name counts.
    anchors: Vec<(&'a str, Node)>,
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
        self.anchors.clear();
        self.block(1)
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
        let (node, end) = self.inline(start, level)?;
        self.rest_is_comment(end)?;
        self.advance()?;
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
        if below || beside { self.block(level) } else { Some(empty()) }
    }

    /// A value within one line and where it ends.
    fn inline(&mut self, start: usize, level: u32) -> Option<(Node, usize)> {
        match self.bytes[start] {
            b'&' => {
                let name = self.anchor_name(start)?;
                let at = start + 1 + name.len();
                let value = at + spaces(&self.bytes[at..self.line.end]);
                if value == at || value == self.line.end || matches!(self.bytes[value], b'&' | b'*' | b'[' | b'{' | b'#' | b'|' | b'>') {
                    return None;
                }
                let (node, end) = self.inline(value, level)?;
                self.anchors.push((name, node.clone()));
                Some((node, end))
            }
            b'*' => {
                let name = self.anchor_name(start)?;
                let (_, node) = self.anchors.iter().rev().find(|(known, _)| *known == name)?;
                Some((node.clone(), start + 1 + name.len()))
            }
            b'[' | b'{' => self.flow(start, level),
            quote @ (b'"' | b'\'') => {
                let text = self.quoted(start, quote)?;
                Some((Node::string(interner::share(text)), start + text.len() + 2))
            }
            _ => {
                let end = self.plain_end(start)?;
                Some((plain(&self.text[start..end]), end))
            }
        }
    }

    fn anchor_name(&self, start: usize) -> Option<&'a str> {
        let rest = &self.bytes[start + 1..self.line.end];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let ends = matches!(rest.get(length), None | Some(b' '));
        (length > 0 && ends).then(|| &self.text[start + 1..start + 1 + length])
    }

    /// The text between two quotes on this line, without escapes.
    fn quoted(&self, start: usize, quote: u8) -> Option<&'a str> {
        let rest = &self.bytes[start + 1..self.line.end];
        let length = rest.iter().position(|byte| *byte == quote || *byte == b'\\')?;
        let backslash = rest[length] == b'\\';
        if backslash && quote == b'"' {
            return None;
        }
        let length = if backslash { rest.iter().position(|byte| *byte == quote)? } else { length };
        // '' is an escape.
        (rest.get(length + 1) != Some(&quote)).then(|| &self.text[start + 1..start + 1 + length])
    }

    /// Where a plain scalar ends: at a comment or the end of the line.
    fn plain_end(&self, start: usize) -> Option<usize> {
        let rest = &self.bytes[start..self.line.end];
        match rest {
            [b'?' | b':' | b',' | b']' | b'}' | b'#' | b'!' | b'%' | b'@' | b'`', ..] | [b'-'] | [b'-', b' ', ..] => return None,
            _ => {}
        }
        let mut end = rest.len();
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                b':' if matches!(rest.get(at + 1), None | Some(b' ')) => return None,
                b'#' if at > 0 && rest[at - 1] == b' ' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        Some(start + rest[..end].iter().rposition(|byte| *byte != b' ')? + 1)
    }

    fn rest_is_comment(&self, end: usize) -> Option<()> {
        let rest = &self.bytes[end..self.line.end];
        let blank = spaces(rest);
        (blank == rest.len() || (blank > 0 && rest[blank] == b'#')).then_some(())
    }

    /// `[a, "b"]` or `{a: b}` on one line, with simple words, quoted texts and such collections inside.
    fn flow(&self, start: usize, level: u32) -> Option<(Node, usize)> {
        if level > MAX_LEVEL {
            return None;
        }
        let is_mapping = self.bytes[start] == b'{';
        let close = if is_mapping { b'}' } else { b']' };
        let (mut items, mut entries) = (Vec::new(), Vec::new());
        let mut at = self.skip(start + 1);
        if self.byte(at)? != close {
            loop {
                let (item, end) = self.flow_item(at, level + 1)?;
                at = end;
                if is_mapping {
                    if self.byte(at)? != b':' || self.byte(at + 1)? != b' ' || item.as_scalar().is_none() {
                        return None;
                    }
                    let (value, end) = self.flow_item(self.skip(at + 1), level + 1)?;
                    entries.push((item, value));
                    at = end;
                } else {
                    items.push(item);
                }
                at = self.skip(at);
                match self.byte(at)? {
                    b',' if matches!(self.byte(at + 1)?, b' ' | b'"' | b'\'') => at = self.skip(at + 1),
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        let node = match is_mapping {
            true if has_equal_keys(&entries) => return None,
            true => Node::mapping(None, entries),
            false => Node::sequence(None, items),
        };
        Some((node, at + 1))
    }

    fn flow_item(&self, start: usize, level: u32) -> Option<(Node, usize)> {
        match self.byte(start)? {
            b'[' | b'{' => self.flow(start, level),
            quote @ (b'"' | b'\'') => {
                let text = self.quoted(start, quote)?;
                let end = start + text.len() + 2;
                let followed = matches!(self.byte(end)?, b' ' | b',' | b':' | b']' | b'}');
                followed.then(|| (Node::string(interner::share(text)), end))
            }
            first if is_word(&first) && first != b'-' => {
                let length = self.bytes[start..self.line.end].iter().take_while(|byte| is_word(byte)).count();
                let end = start + length;
                let after = end + spaces(&self.bytes[end..self.line.end]);
                let followed = matches!(self.byte(after)?, b',' | b']' | b'}') || (after == end && self.byte(end)? == b':');
                (followed && length <= MAX_KEY).then(|| (plain(&self.text[start..end]), end))
            }
            _ => None,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        (at < self.line.end).then(|| self.bytes[at])
    }

    fn skip(&self, at: usize) -> usize {
        at + spaces(&self.bytes[at.min(self.line.end)..self.line.end])
    }

    /// `|`, `|-`, `|+`, `>` or `>-` and the lines below it.
    fn block_scalar(&mut self, start: usize, indent: usize) -> Option<Node> {
        let (folded, keep, strip) = match &self.bytes[start..self.line.end] {
            b"|" => (false, false, false),
            b"|-" => (false, false, true),
            b"|+" => (false, true, false),
            b">" => (true, false, false),
            b">-" => (true, false, true),
            _ => return None,
        };
        let mut text = String::new();
        let mut breaks = 0;
        let mut width = None;
        while self.next < self.bytes.len() {
            let before = self.next;
            let (begin, end) = self.raw_line();
            let own = spaces(&self.bytes[begin..end]);
            let blank = begin + own == end;
            if blank && width.is_none_or(|width| own <= width) {
                // How far white space may stand out before the first line is a matter of its own.
                if (own > 0 && width.is_none()) || folded {
                    return None;
                }
                breaks += 1;
                continue;
            }
            if own < width.unwrap_or(indent + 1) {
                self.next = before;
                break;
            }
            if self.next > self.bytes.len() {
                return None;
            }
            let width = *width.get_or_insert(own);
            if folded && own > width {
                return None;
            }
            if folded && !text.is_empty() {
                text.push(' ');
            } else {
                text.extend(std::iter::repeat_n('\n', breaks));
            }
            text.push_str(&self.text[begin + width..end]);
            breaks = 1;
        }
        width?;
        let at_end = if keep { breaks } else { usize::from(!strip) };
        text.extend(std::iter::repeat_n('\n', at_end));
        self.advance()?;
        Some(Node::string(text))
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
