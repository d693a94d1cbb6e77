//! Literal and folded blocks.

use super::super::Node;
use super::{Reader, spaces};

impl Reader<'_> {
    /// `|`, `|-`, `|+`, `>` or `>-` and the lines below it.
    pub(super) fn block_scalar(&mut self, start: usize, indent: usize) -> Option<Node> {
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
