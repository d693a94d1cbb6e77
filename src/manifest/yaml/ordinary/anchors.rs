//! Anchors, and the aliases that stand for them.

use super::super::Node;
use super::{MAX_ANCHORS, MAX_LEVEL, Reader};

/// Nodes that aliases of collections may add to a file: few enough that the node budget cannot be exceeded.
const MAX_ALIASED: usize = 100_000;

/// Anchors of one document, in the order in which they are set.
#[derive(Default)]
pub(super) struct Anchors<'a> {
    /// The newest of a name counts. None while the node is being read: an alias of it would be inside itself.
    set: Vec<(&'a str, Option<Node>)>,
    /// Nodes that aliases of collections stand for, in the whole text.
    aliased: usize,
    /// Anchors and aliases so far, in the whole text.
    pub used: usize,
}

impl<'a> Anchors<'a> {
    pub fn start_document(&mut self) {
        self.set.clear();
    }

    /// Announces an anchor; [`Anchors::set`] takes the answer. None when there are too many of them.
    pub fn announce(&mut self, name: &'a str) -> Option<usize> {
        self.used += 1;
        self.set.push((name, None));
        (self.set.len() <= MAX_ANCHORS).then(|| self.set.len() - 1)
    }

    pub fn set(&mut self, at: usize, node: &Node) {
        self.set[at].1 = Some(node.clone());
    }

    /// The node that an alias at `level` stands for.
    pub fn alias(&mut self, name: &str, level: u32) -> Option<Node> {
        self.used += 1;
        let (_, node) = self.set.iter().rev().find(|(known, _)| *known == name)?;
        let node = node.clone()?;
        if node.as_scalar().is_none() {
            let (nodes, levels) = extent(&node);
            self.aliased += nodes;
            if self.aliased > MAX_ALIASED || level + levels > MAX_LEVEL {
                return None;
            }
        }
        Some(node)
    }
}

/// Nodes and levels of a tree, aliases expanded.
fn extent(node: &Node) -> (usize, u32) {
    let around = |parts: &mut dyn Iterator<Item = &Node>| {
        let parts = parts.map(extent);
        let (nodes, levels) = parts.fold((0, 0), |(nodes, levels), (more, deep)| (nodes + more, levels.max(deep)));
        (nodes + 1, levels + 1)
    };
    match node {
        Node::Scalar(_) => (1, 1),
        Node::Sequence(sequence) => around(&mut sequence.items().iter()),
        Node::Mapping(mapping) => around(&mut mapping.entries().iter().flat_map(|(key, value)| [key, value])),
    }
}

impl<'a> Reader<'a> {
    /// The name behind `&` or `*`; a space or the end of the line follows it.
    pub(super) fn anchor_name(&self, start: usize) -> Option<&'a str> {
        let rest = &self.bytes[start + 1..self.line.end];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let ends = matches!(rest.get(length), None | Some(b' '));
        (length > 0 && ends).then(|| &self.text[start + 1..start + 1 + length])
    }

    /// An anchor that ends its line, and the collection on the lines below.
    pub(super) fn anchored_block(&mut self, name: &'a str, indent: usize, level: u32) -> Option<Node> {
        let at = self.anchors.announce(name)?;
        self.advance()?;
        if !self.is_content() || self.line.indent <= indent {
            return None;
        }
        let node = self.block(level)?;
        self.anchors.set(at, &node);
        Some(node)
    }
}
