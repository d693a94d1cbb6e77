//! Versions of one file, read against each other: they differ in a line or two, and the rest need not be read again.
//!
//! Two texts share what stands before their first difference and behind their last. A block collection that lies in there as a whole is
//! the same one in both, unless it goes on in the newer text; its node is taken from the older one. What versions share is therefore
//! one node, and comparing them ends there.

use super::super::Node;
use super::{Reader, What, spaces};

/// Bytes of text from which on a block is remembered: smaller ones are read as quickly as they are found.
const SMALLEST: usize = 24;

/// A text and where its blocks stand.
#[derive(Debug)]
pub(in super::super) struct Version {
    text: Box<str>,
    blocks: Vec<Block>,
}

/// A block collection that its text alone tells: it uses and sets no anchors.
#[derive(Debug, Clone)]
struct Block {
    /// Whole lines, in bytes.
    start: usize,
    end: usize,
    level: u32,
    /// None while it is being read, and when its text does not tell it.
    node: Option<Node>,
}

impl Version {
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What a text shares with an older version, and the blocks that are found meanwhile.
pub(super) struct Comparison<'a> {
    older: Option<&'a Version>,
    /// Bytes that both texts start with.
    start: usize,
    /// Where the bytes begin that both texts end with: in this text, and in the older one.
    end: usize,
    older_end: usize,
    /// In the order of their starts.
    blocks: Vec<Block>,
}

impl<'a> Comparison<'a> {
    pub fn new(text: &str, older: Option<&'a Version>) -> Self {
        let before = older.map(Version::text).unwrap_or_default();
        let start = common_start(text.as_bytes(), before.as_bytes());
        let end = common_end(&text.as_bytes()[start..], &before.as_bytes()[start..]);
        let blocks = Vec::with_capacity(older.map_or(0, |older| older.blocks.len() + 4));
        Self { older, start, end: text.len() - end, older_end: before.len() - end, blocks }
    }

    /// What is left when the text has been read.
    pub fn finish(self, text: &str) -> Version {
        Version { text: text.into(), blocks: self.blocks }
    }

    /// The block of the older text that begins where `start` is in this one: its place in the list, and its end here.
    fn shared(&self, start: usize, level: u32) -> Option<(usize, usize)> {
        let older = self.older?;
        let older_start = if start >= self.end { start - self.end + self.older_end } else { start };
        let at = older.blocks.binary_search_by_key(&older_start, |block| block.start).ok()?;
        let block = &older.blocks[at];
        let end = block.end - older_start + start;
        // At another level other parts of it might be nested too deeply.
        (block.level == level && (start >= self.end || end <= self.start)).then_some((at, end))
    }

    /// Takes over a block of the older text and all blocks in it.
    fn take(&mut self, at: usize, start: usize) -> Option<Node> {
        let older = &self.older?.blocks;
        let node = older[at].node.clone()?;
        let (older_start, older_end) = (older[at].start, older[at].end);
        let inside = older[at..].iter().take_while(|block| block.start < older_end);
        let moved = |place: usize| place - older_start + start;
        let inside = inside.map(|block| Block { start: moved(block.start), end: moved(block.end), ..block.clone() });
        self.blocks.extend(inside);
        Some(node)
    }
}

/// Bytes that are compared at once.
const STRIDE: usize = 32;

/// Bytes that two texts start with.
fn common_start(one: &[u8], two: &[u8]) -> usize {
    let strides = one.chunks_exact(STRIDE).zip(two.chunks_exact(STRIDE));
    let equal = strides.take_while(|(one, two)| one == two).count() * STRIDE;
    equal + one[equal..].iter().zip(&two[equal..]).take_while(|(one, two)| one == two).count()
}

/// Bytes that two texts end with.
fn common_end(one: &[u8], two: &[u8]) -> usize {
    let strides = one.rchunks_exact(STRIDE).zip(two.rchunks_exact(STRIDE));
    let equal = strides.take_while(|(one, two)| one == two).count() * STRIDE;
    let (one, two) = (&one[..one.len() - equal], &two[..two.len() - equal]);
    equal + one.iter().rev().zip(two.iter().rev()).take_while(|(one, two)| one == two).count()
}

/// The mapping in which a block is a value.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub indent: usize,
    /// Dashes in the column of the keys belong to the block.
    pub dashes_belong: bool,
}

impl Reader<'_> {
    /// The collection that starts with the current line and fills the lines up to the next one that is not its own; `around` is None
    /// for a document's root.
    pub(super) fn whole_block(&mut self, around: Option<Around>, level: u32) -> Option<Node> {
        let start = self.line_begin();
        if let Some((at, end)) = self.comparison.shared(start, level)
            && self.ends_block(end, around)
            && let Some(node) = self.comparison.take(at, start)
        {
            self.next = end;
            self.advance()?;
            return Some(node);
        }
        let (at, anchors_used) = (self.comparison.blocks.len(), self.anchors.used);
        self.comparison.blocks.push(Block { start, end: start, level, node: None });
        let node = self.block(level)?;
        let end = self.line_begin();
        if end - start < SMALLEST {
            self.comparison.blocks.truncate(at);
        } else {
            let block = &mut self.comparison.blocks[at];
            block.end = end;
            block.node = (self.anchors.used == anchors_used).then(|| node.clone());
        }
        Some(node)
    }

    /// Whether a block that comes to `end` is over there: the text ends, or a line with content begins that stands no further to the
    /// right than what is around the block.
    fn ends_block(&self, end: usize, around: Option<Around>) -> bool {
        let Some(rest) = self.bytes.get(end..) else { return false };
        let indent = spaces(rest);
        let is_over = match (&rest[indent..], around) {
            ([], _) => return indent == 0,
            ([b'\n' | b'#', ..], _) => false,
            ([b'-'] | [b'-', b' ' | b'\n', ..], Some(around)) if around.dashes_belong => indent < around.indent,
            (_, Some(around)) => indent <= around.indent,
            ([b'-', b'-', b'-', ..], None) => indent == 0,
            (_, None) => false,
        };
        is_over && end > 0 && self.bytes[end - 1] == b'\n'
    }

    /// Where the current line begins, or the text ends.
    fn line_begin(&self) -> usize {
        match self.line.what {
            What::End => self.bytes.len(),
            What::Content | What::DocumentStart => self.line.start - self.line.indent,
        }
    }
}
