//! Values that begin and end on one line.

use super::super::Node;
use super::super::compose::has_equal_keys;
use super::super::interner;
use super::{MAX_KEY, MAX_LEVEL, Reader, is_word, plain, spaces};

impl<'a> Reader<'a> {
    /// A value within one line and where it ends.
    pub(super) fn inline(&mut self, start: usize, level: u32) -> Option<(Node, usize)> {
        match self.bytes[start] {
            b'&' => {
                let name = self.anchor_name(start)?;
                let at = start + 1 + name.len();
                let value = at + spaces(&self.bytes[at..self.line.end]);
                if value == at
                    || value == self.line.end
                    || matches!(self.bytes[value], b'&' | b'*' | b'[' | b'{' | b'#' | b'|' | b'>')
                {
                    return None;
                }
                let anchor = self.anchors.announce(name)?;
                let (node, end) = self.inline(value, level)?;
                self.anchors.set(anchor, &node);
                Some((node, end))
            }
            b'*' => {
                let name = self.anchor_name(start)?;
                Some((self.anchors.alias(name, level)?, start + 1 + name.len()))
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

    /// The text between two quotes on this line, without escapes.
    pub(super) fn quoted(&self, start: usize, quote: u8) -> Option<&'a str> {
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
        match &self.bytes[start..self.line.end] {
            [b'?' | b':' | b',' | b']' | b'}' | b'#' | b'!' | b'%' | b'@' | b'`', ..] | [b'-'] | [b'-', b' ', ..] => {
                None
            }
            _ => self.plain_rest_end(start),
        }
    }

    /// Where a plain scalar ends that does not begin at `start`, but goes on there.
    pub(super) fn plain_rest_end(&self, start: usize) -> Option<usize> {
        let rest = &self.bytes[start..self.line.end];
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

    pub(super) fn rest_is_comment(&self, end: usize) -> Option<()> {
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
                let followed =
                    matches!(self.byte(after)?, b',' | b']' | b'}') || (after == end && self.byte(end)? == b':');
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
}
