//! The data of one YAML document as a tree, and when two trees are the same data.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// One YAML node, anchors and aliases resolved, merge keys applied. Cheap to clone: children stand behind [`Arc`].
///
/// `==` is "same data": mappings whatever their order, scalars by type and text (booleans by value, null by type), tags included.
/// A tree that was read is at most [`MAX_DEPTH`](super::MAX_DEPTH) levels deep, so walking it may recurse.
#[derive(Debug, Clone)]
pub enum Node {
    Scalar(Scalar),
    Sequence(Arc<Sequence>),
    Mapping(Arc<Mapping>),
}

/// A scalar: its type and its text as the source gives it (escapes, folding and quotes undone).
#[derive(Debug, Clone)]
pub struct Scalar {
    scalar_type: ScalarType,
    text: Arc<str>,
}

/// The type of a scalar by the YAML 1.2 core schema, or its own tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ScalarType {
    Null,
    Bool,
    Int,
    Float,
    Str,
    /// A tag outside the core schema as the parser resolves it: `!name` or a URI.
    Custom(Arc<str>),
}

/// A list of nodes.
#[derive(Debug)]
pub struct Sequence {
    tag: Option<Arc<str>>,
    items: Vec<Node>,
    hash: OnceLock<u64>,
}

/// Pairs of key and value in source order; no two keys are the same data. Merged entries stand where `<<` stood.
#[derive(Debug)]
pub struct Mapping {
    tag: Option<Arc<str>>,
    entries: Vec<(Node, Node)>,
    hash: OnceLock<u64>,
    harmless: AtomicBool,
}

impl Node {
    /// A string.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::Scalar(Scalar::new(ScalarType::Str, text))
    }

    /// A sequence; `tag` is None for an ordinary one.
    pub fn sequence(tag: Option<Arc<str>>, items: Vec<Node>) -> Self {
        Self::Sequence(Arc::new(Sequence { tag, items, hash: OnceLock::new() }))
    }

    /// A mapping; `tag` is None for an ordinary one. The caller sees to it that no two keys are equal.
    pub fn mapping(tag: Option<Arc<str>>, entries: Vec<(Node, Node)>) -> Self {
        Self::Mapping(Arc::new(Mapping { tag, entries, hash: OnceLock::new(), harmless: AtomicBool::new(false) }))
    }

    pub fn as_scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    pub fn as_sequence(&self) -> Option<&Sequence> {
        if let Self::Sequence(sequence) = self { Some(sequence) } else { None }
    }

    pub fn as_mapping(&self) -> Option<&Mapping> {
        if let Self::Mapping(mapping) = self { Some(mapping) } else { None }
    }

    /// The tag, unless it says no more than the kind of collection or the core type.
    pub fn tag(&self) -> Option<&Arc<str>> {
        match self {
            Self::Scalar(Scalar { scalar_type: ScalarType::Custom(tag), .. }) => Some(tag),
            Self::Scalar(_) => None,
            Self::Sequence(sequence) => sequence.tag(),
            Self::Mapping(mapping) => mapping.tag(),
        }
    }

    /// The text of a string scalar.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.scalar_type == ScalarType::Str).map(Scalar::text)
    }

    /// The value under a string key; None when there is none or this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// Whether both are one collection in memory, and so the same data; says nothing of scalars. Costs nothing.
    pub(crate) fn is_shared_with(&self, other: &Node) -> bool {
        match (self, other) {
            (Self::Sequence(one), Self::Sequence(two)) => Arc::ptr_eq(one, two),
            (Self::Mapping(one), Self::Mapping(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    /// How large the tree is with aliases expanded.
    pub fn size(&self) -> Size {
        let mut size = Size::default();
        self.add_to(&mut size);
        size
    }

    fn add_to(&self, size: &mut Size) {
        size.nodes += 1;
        size.text += self.tag().map_or(0, |tag| tag.len() as u64);
        match self {
            Self::Scalar(scalar) => size.text += scalar.text.len() as u64,
            Self::Sequence(sequence) => sequence.items.iter().for_each(|item| item.add_to(size)),
            Self::Mapping(mapping) => mapping.entries.iter().for_each(|(key, value)| {
                key.add_to(size);
                value.add_to(size);
            }),
        }
    }
}

/// Sizes of a tree, with aliases expanded.
#[derive(Debug, Default, Clone, Copy)]
pub struct Size {
    /// Scalars and collections; keys count.
    pub nodes: u64,
    /// Bytes of all texts and tags: what `to_json` and `to_yaml` would at least write. The node budget does not bound it (one long text may
    /// be referred to very often), so ask before writing trees of unknown origin.
    pub text: u64,
}

impl Size {
    /// Bytes of memory, if nothing is shared. A list of a million digits was seen to take 44 bytes for each.
    pub fn memory(self) -> u64 {
        const NODE: u64 = 48;
        self.nodes * NODE + self.text
    }
}

impl Scalar {
    pub fn new(scalar_type: ScalarType, text: impl Into<Arc<str>>) -> Self {
        Self { scalar_type, text: text.into() }
    }

    pub fn scalar_type(&self) -> &ScalarType {
        &self.scalar_type
    }

    /// The source text: `010`, `True`, `1.10`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The source text, shared.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }
}

impl Sequence {
    pub fn tag(&self) -> Option<&Arc<str>> {
        self.tag.as_ref()
    }

    pub fn items(&self) -> &[Node] {
        &self.items
    }
}

impl Mapping {
    pub fn tag(&self) -> Option<&Arc<str>> {
        self.tag.as_ref()
    }

    pub fn entries(&self) -> &[(Node, Node)] {
        &self.entries
    }

    /// The value under a string key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(candidate, _)| candidate.as_str() == Some(key)).map(|(_, value)| value)
    }
}

/// A note that the redactor leaves: versions of a file share most of their nodes, and each is searched once.
impl Mapping {
    /// Whether it is known that nothing in here is a secret.
    pub(crate) fn is_harmless(&self) -> bool {
        self.harmless.load(Ordering::Relaxed)
    }

    pub(crate) fn note_harmless(&self) {
        self.harmless.store(true, Ordering::Relaxed);
    }
}

/// Finds keys of one mapping in about constant time each, whoever chose them.
pub(crate) struct Lookup<'a> {
    entries: &'a [(Node, Node)],
    index: OnceLock<HashMap<&'a Node, usize>>,
}

impl<'a> Lookup<'a> {
    /// Below this many entries, comparing with each is quicker than hashing.
    const SMALL: usize = 12;

    pub fn new(mapping: &'a Mapping) -> Self {
        Self { entries: &mapping.entries, index: OnceLock::new() }
    }

    /// The position of `key`; `hint` is looked at first, because two versions of a mapping mostly agree in order. Keys that are collections
    /// are found by their hashes alone: comparing with the wrong one at every level of keys within keys would double the work each time.
    #[expect(clippy::mutable_key_type, reason = "the hash that a node keeps does not change what it is")]
    pub fn position(&self, key: &Node, hint: usize) -> Option<usize> {
        if matches!(key, Node::Scalar(_)) {
            if self.entries.get(hint).is_some_and(|(candidate, _)| candidate == key) {
                return Some(hint);
            }
            if self.entries.len() <= Self::SMALL {
                return self.entries.iter().position(|(candidate, _)| candidate == key);
            }
        }
        let index =
            self.index.get_or_init(|| self.entries.iter().enumerate().map(|(at, (key, _))| (key, at)).collect());
        index.get(key).copied()
    }

    /// The value under `key`; see [`Lookup::position`].
    pub fn value(&self, key: &Node, hint: usize) -> Option<&'a Node> {
        self.position(key, hint).map(|at| &self.entries[at].1)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(one), Self::Scalar(two)) => one == two,
            (Self::Sequence(one), Self::Sequence(two)) => {
                Arc::ptr_eq(one, two) || (one.tag == two.tag && one.items == two.items)
            }
            (Self::Mapping(one), Self::Mapping(two)) => Arc::ptr_eq(one, two) || one == two,
            _ => false,
        }
    }
}

impl Eq for Node {}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        if self.tag != other.tag || self.entries.len() != other.entries.len() {
            return false;
        }
        let lookup = Lookup::new(other);
        self.entries.iter().enumerate().all(|(at, (key, value))| lookup.value(key, at) == Some(value))
    }
}

impl Eq for Mapping {}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.scalar_type == other.scalar_type
            && match self.scalar_type {
                ScalarType::Null => true,
                ScalarType::Bool => self.text == other.text || self.text.to_lowercase() == other.text.to_lowercase(),
                _ => self.text == other.text,
            }
    }
}

impl Eq for Scalar {}

/// The seed of the hashes that are kept inside nodes: random, because hostile files choose the texts.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Agrees with `==`. Hashes of collections are computed once and kept, so hashing nested keys stays linear.
impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Scalar(scalar) => scalar.hash(state),
            Self::Sequence(sequence) => {
                state.write_u64(*sequence.hash.get_or_init(|| SEED.hash_one((&sequence.tag, &sequence.items))))
            }
            Self::Mapping(mapping) => state.write_u64(*mapping.hash.get_or_init(|| hash_mapping(mapping))),
        }
    }
}

/// The sum over the entries, so that order does not count.
fn hash_mapping(mapping: &Mapping) -> u64 {
    let entries = mapping.entries.iter().map(|entry| SEED.hash_one(entry)).fold(0, u64::wrapping_add);
    SEED.hash_one((&mapping.tag, entries))
}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scalar_type.hash(state);
        match self.scalar_type {
            ScalarType::Null => {}
            ScalarType::Bool => self.text.to_lowercase().hash(state),
            _ => self.text.hash(state),
        }
    }
}
