//! Scalars that go on over several lines: texts in quotes, and plain ones.
//!
//! A line break between two lines is a space; `n` of them are `n - 1` line feeds. Spaces around them do not count.

use super::super::Node;
use super::{Reader, plain, spaces};

/// How a line of a quoted text ends.
enum Line {
    /// With the closing quote; the place behind it.
    Ends(usize),
    GoesOn,
    /// With a backslash: its line break does not count.
    GoesOnUnbroken,
}

impl Reader<'_> {
    /// What stands between two quotes, and where it ends in what is then the current line; with the most usual escapes.
    /// `indent` is that of the collection around it.
    pub(super) fn quoted_lines(&mut self, start: usize, quote: u8, indent: usize) -> Option<(Node, usize)> {
        let mut text = String::new();
        let mut at = start + 1;
        loop {
            let line = self.quoted_line(at, quote, &mut text)?;
            if let Line::Ends(end) = line {
                return Some((Node::string(text), end));
            }
            let (begin, breaks) = self.next_line(indent)?;
            match line {
                Line::GoesOnUnbroken => text.extend(std::iter::repeat_n('\n', breaks - 1)),
                _ => join(&mut text, breaks),
            }
            at = begin;
        }
    }

    /// Appends what the current line has of a quoted text from `at` on.
    fn quoted_line(&self, mut at: usize, quote: u8, text: &mut String) -> Option<Line> {
        loop {
            let rest = &self.bytes[at..self.line.end];
            let Some(length) = rest.iter().position(|byte| *byte == quote || (*byte == b'\\' && quote == b'"')) else {
                text.push_str(self.text[at..self.line.end].trim_end_matches(' '));
                return Some(Line::GoesOn);
            };
            text.push_str(&self.text[at..at + length]);
            let after = at + length + 1;
            text.push(match (rest[length], rest.get(length + 1)) {
                (b'\\', Some(b'"')) => '"',
                (b'\\', Some(b'\\')) => '\\',
                (b'\\', Some(b'n')) => '\n',
                (b'\\', Some(b't')) => '\t',
                (b'\\', Some(b' ')) => ' ',
                (b'\\', None) => return Some(Line::GoesOnUnbroken),
                (b'\\', _) => return None,
                (b'\'', Some(b'\'')) => '\'',
                _ => return Some(Line::Ends(after)),
            });
            at = after + 1;
        }
    }

    /// A plain scalar that starts with `first` and goes on behind `self.next`.
    pub(super) fn plain_lines(&mut self, first: &str, indent: usize) -> Option<Node> {
        let mut text = first.to_owned();
        loop {
            let before = self.next;
            let Some((begin, breaks)) = self.next_line(indent) else {
                self.next = before;
                self.advance()?;
                return Some(plain(&text));
            };
            // As on a first line: no key, no comment.
            let end = self.plain_rest_end(begin)?;
            if self.bytes[begin] == b'#' || end + spaces(&self.bytes[end..self.line.end]) != self.line.end {
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
