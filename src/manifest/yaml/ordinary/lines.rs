//! Scalars that go on over several lines: texts in quotes, and plain ones.
//!
//! A line break between two lines is a space; `n` of them are `n - 1` line feeds. Spaces around them do not count.

use super::super::Node;
use super::{Reader, plain, spaces};

impl Reader<'_> {
    /// What stands between two quotes, and where it ends in what is then the current line; without backslashes in double quotes.
    /// `indent` is that of the collection around it.
    pub(super) fn quoted_lines(&mut self, start: usize, quote: u8, indent: usize) -> Option<(Node, usize)> {
        let mut text = String::new();
        let mut at = start + 1;
        loop {
            if let Some(end) = self.quoted_line(at, quote, &mut text)? {
                return Some((Node::string(text), end));
            }
            let (begin, breaks) = self.next_line(indent)?;
            join(&mut text, breaks);
            at = begin;
        }
    }

    /// Appends what the current line has of a quoted text from `at` on. Some(None) when the text goes on, else where it ends.
    fn quoted_line(&self, mut at: usize, quote: u8, text: &mut String) -> Option<Option<usize>> {
        loop {
            let rest = &self.bytes[at..self.line.end];
            let Some(length) = rest.iter().position(|byte| *byte == quote || (*byte == b'\\' && quote == b'"')) else {
                text.push_str(self.text[at..self.line.end].trim_end_matches(' '));
                return Some(None);
            };
            if rest[length] == b'\\' {
                return None;
            }
            text.push_str(&self.text[at..at + length]);
            let after = at + length + 1;
            let is_quoted_quote = quote == b'\'' && rest.get(length + 1) == Some(&quote);
            if !is_quoted_quote {
                return Some(Some(after));
            }
            text.push('\'');
            at = after + 1;
        }
    }

    /// A plain scalar that starts with `first` and goes on behind `self.next`, in words that could be nothing else.
    pub(super) fn plain_lines(&mut self, first: &str, indent: usize) -> Option<Node> {
        let mut text = first.to_owned();
        loop {
            let before = self.next;
            let Some((begin, breaks)) = self.next_line(indent) else {
                self.next = before;
                self.advance()?;
                return Some(plain(&text));
            };
            if !matches!(self.bytes[begin], b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'(' | b'"' | b'\'' | b'`' | b'/')
            {
                return None;
            }
            // As on a first line: no key, no comment.
            let end = self.plain_end(begin)?;
            if end != self.bytes[..self.line.end].trim_ascii_end().len() {
                return None;
            }
            join(&mut text, breaks);
            text.push_str(&self.text[begin..end]);
        }
    }

    /// Makes the next line that is not blank the current one, if it stands to the right of `indent`: where its content begins, and the
    /// line breaks before it.
    fn next_line(&mut self, indent: usize) -> Option<(usize, usize)> {
        let mut breaks = 0;
        while self.next < self.bytes.len() {
            let (begin, end) = self.raw_line();
            let own = spaces(&self.bytes[begin..end]);
            breaks += 1;
            if begin + own < end {
                self.line.end = end;
                return (own > indent).then_some((begin + own, breaks));
            }
        }
        None
    }
}

fn join(text: &mut String, breaks: usize) {
    match breaks {
        1 => text.push(' '),
        more => text.extend(std::iter::repeat_n('\n', more - 1)),
    }
}
