//! From events to nodes: anchors, aliases, merge keys, duplicate keys, and the budgets that keep hostile files cheap.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::core_schema;
use super::events::{Event, Events, Properties};
use super::interner;
use super::ordinary;
use super::{Mapping, Node, Position, Scalar, ScalarType, Unparsable};

/// Bytes of a file; a larger one is unparsable.
pub const MAX_BYTES: usize = 4 << 20;
/// Nodes of a file (keys count), aliases expanded.
pub const MAX_NODES: u64 = 1_000_000;
/// Levels of nesting, aliases expanded; a document's root is level 1.
pub const MAX_DEPTH: u32 = 100;

/// Reads a stream of YAML documents in UTF-8, or in UTF-16 with a byte-order mark. An empty stream has no documents.
///
/// # Errors
/// The whole stream is unparsable: not YAML, not the encoding, an alias without anchor or inside its own anchor, `<<` of something that is
/// no mapping, two equal keys in one mapping, or over [`MAX_BYTES`], [`MAX_NODES`] or [`MAX_DEPTH`].
pub fn read(bytes: &[u8]) -> Result<Vec<Node>, Unparsable> {
    read_text(bytes, |text| ordinary::read(text).map_or_else(|| read_events(text), Ok))
}

/// Reads the versions of one file, each against the one before it: what they share is not read again and is the same nodes, so
/// comparing versions is cheap. Any order of any texts gives what [`read`] gives, only more slowly.
#[derive(Debug, Default)]
pub struct Versions {
    newest: Option<ordinary::Version>,
}

impl Versions {
    /// As [`read`].
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Node>, Unparsable> {
        read_text(bytes, |text| match ordinary::read_version(text, self.newest.as_ref()) {
            Some((documents, version)) => {
                self.newest = Some(version);
                Ok(documents)
            }
            None => read_events(text),
        })
    }

    /// Bytes of text that are kept; their nodes take some eight times as many.
    pub fn text_bytes(&self) -> usize {
        self.newest.as_ref().map_or(0, |version| version.text().len())
    }
}

/// As [`read`], without the quick reader for ordinary files: what every file means is decided here, and [`read`] must not differ in
/// anything but speed. Tests and fuzz targets hold the two against each other.
///
/// # Errors
/// As [`read`].
pub fn read_by_libyaml(bytes: &[u8]) -> Result<Vec<Node>, Unparsable> {
    read_text(bytes, read_events)
}

fn read_text(bytes: &[u8], read: impl FnOnce(&str) -> Result<Vec<Node>, Unparsable>) -> Result<Vec<Node>, Unparsable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unparsable::too_large());
    }
    let text = decode(bytes)?;
    // libyaml would count a mark as the first column, and the first line as indented.
    read(text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// Lines with a `%TAG` directive. libyaml compares each with all before it, so a file full of them would take minutes; real files have
/// none. The only rule here that the data's rules do not know.
const MAX_TAG_DIRECTIVES: usize = 1000;

/// The documents of a text, by libyaml.
pub(super) fn read_events(text: &str) -> Result<Vec<Node>, Unparsable> {
    if text.contains("%TAG") {
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        if lines.filter(|line| line.starts_with("%TAG")).count() > MAX_TAG_DIRECTIVES {
            return Err(Position::default().unparsable("more than 1,000 %TAG directives"));
        }
    }
    let mut composer = Composer { events: Events::new(text), anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    loop {
        match composer.events.next()?.0 {
            Event::StreamEnd => return Ok(documents),
            Event::DocumentStart => {
                composer.anchors.clear();
                documents.extend(composer.build(1)?.map(|built| built.node));
            }
            _ => {}
        }
    }
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Unparsable> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            place(before).unparsable("the file is not valid UTF-8")
        }),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unparsable> {
    let invalid = || Position::default().unparsable("the file is not valid UTF-16");
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(invalid());
    }
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| invalid())
}

/// The place right behind `before`.
fn place(before: &[u8]) -> Position {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: narrow(line), column: narrow(column) }
}

struct Composer<'input> {
    events: Events<'input>,
    /// None while the anchored node is being built: an alias to it would be inside itself.
    anchors: HashMap<Box<[u8]>, Option<Built>>,
    /// Nodes so far in the whole stream, aliases expanded.
    nodes: u64,
}

/// A finished node with what the budgets need to know of it.
#[derive(Clone)]
struct Built {
    node: Node,
    /// Nodes in it, itself included, aliases expanded, `<<` and its value counted as written.
    size: u64,
    /// Levels in it; a scalar has 1.
    depth: u32,
    /// An untagged plain `<<`: as a key it merges.
    merge: bool,
}

impl Composer<'_> {
    /// The node that starts with the next event; None when that event ends the collection (or document) around it.
    fn build(&mut self, level: u32) -> Result<Option<Built>, Unparsable> {
        let (event, start) = self.events.next()?;
        match event {
            Event::Alias { anchor } => {
                let built = self.anchors.get(anchor).cloned().flatten();
                let built =
                    built.ok_or_else(|| start.unparsable("an alias without anchor, or inside its own anchor"))?;
                self.nodes += built.size;
                check_depth(level.saturating_add(built.depth - 1), start)?;
                check_nodes(self.nodes, start)?;
                Ok(Some(Built { merge: false, ..built }))
            }
            Event::Scalar { properties, text, plain } => {
                let merge = plain && properties.tag.is_none() && text == "<<";
                let built = Built { node: Node::Scalar(scalar(properties.tag, text, plain)), size: 1, depth: 1, merge };
                if let Some(anchor) = properties.anchor {
                    self.anchors.insert(anchor.into(), Some(Built { merge: false, ..built.clone() }));
                }
                self.nodes += 1;
                check_depth(level, start)?;
                check_nodes(self.nodes, start)?;
                Ok(Some(built))
            }
            Event::SequenceStart(properties) => {
                let owned = OwnedProperties::new(properties);
                self.collection(owned, level, start, |this, tag| this.sequence(tag, level + 1)).map(Some)
            }
            Event::MappingStart(properties) => {
                let owned = OwnedProperties::new(properties);
                self.collection(owned, level, start, |this, tag| this.mapping(tag, level + 1, start)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn collection(
        &mut self,
        properties: OwnedProperties,
        level: u32,
        start: Position,
        children: impl FnOnce(&mut Self, Option<Arc<str>>) -> Result<Built, Unparsable>,
    ) -> Result<Built, Unparsable> {
        self.nodes += 1;
        check_depth(level, start)?;
        check_nodes(self.nodes, start)?;
        if let Some(anchor) = &properties.anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        let built = children(self, properties.tag)?;
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, Some(built.clone()));
        }
        Ok(built)
    }

    fn sequence(&mut self, tag: Option<Arc<str>>, level: u32) -> Result<Built, Unparsable> {
        let mut items = Vec::new();
        let (mut size, mut depth) = (1, 0);
        while let Some(item) = self.build(level)? {
            size += item.size;
            depth = depth.max(item.depth);
            items.push(item.node);
        }
        Ok(Built { node: Node::sequence(tag, items), size, depth: depth + 1, merge: false })
    }

    fn mapping(&mut self, tag: Option<Arc<str>>, level: u32, start: Position) -> Result<Built, Unparsable> {
        let mut entries = Vec::new();
        let mut merge = None;
        let (mut size, mut depth) = (1, 0);
        while let Some(key) = self.build(level)? {
            // The parser gives an empty scalar for a missing value, so there always is one.
            let value = self.build(level)?.ok_or_else(|| start.unparsable("a key without value"))?;
            size += key.size + value.size;
            depth = depth.max(key.depth).max(value.depth);
            if key.merge {
                merge.get_or_insert(entries.len());
            }
            entries.push((key.node, value.node));
        }
        check_keys(&entries, start)?;
        if let Some(at) = merge {
            entries = merged(entries, at, start)?;
        }
        Ok(Built { node: Node::mapping(tag, entries), size, depth: depth + 1, merge: false })
    }
}

struct OwnedProperties {
    anchor: Option<Box<[u8]>>,
    tag: Option<Arc<str>>,
}

impl OwnedProperties {
    fn new(properties: Properties<'_>) -> Self {
        Self {
            anchor: properties.anchor.map(Box::from),
            tag: properties.tag.and_then(core_schema::collection_tag).map(Arc::from),
        }
    }
}

fn scalar(tag: Option<&str>, text: &str, plain: bool) -> Scalar {
    let scalar_type = match tag {
        None if plain => core_schema::plain_type(text),
        None | Some("!") => ScalarType::Str,
        Some(tag) => core_schema::tagged_type(tag).unwrap_or_else(|| ScalarType::Custom(Arc::from(tag))),
    };
    Scalar::new(scalar_type, interner::share(text))
}

fn check_depth(level: u32, start: Position) -> Result<(), Unparsable> {
    if level > MAX_DEPTH { Err(start.unparsable("nested deeper than 100 levels")) } else { Ok(()) }
}

fn check_nodes(nodes: u64, start: Position) -> Result<(), Unparsable> {
    if nodes > MAX_NODES { Err(start.unparsable("more than 1,000,000 nodes with aliases expanded")) } else { Ok(()) }
}

fn check_keys(entries: &[(Node, Node)], start: Position) -> Result<(), Unparsable> {
    if has_equal_keys(entries) {
        Err(start.unparsable("two equal keys in the mapping that starts here"))
    } else {
        Ok(())
    }
}

/// Whether two keys are the same data.
#[expect(clippy::mutable_key_type, reason = "the hash that a node keeps does not change what it is")]
pub(super) fn has_equal_keys(entries: &[(Node, Node)]) -> bool {
    /// Up to this many keys, comparing every pair is quicker than hashing.
    const FEW: usize = 16;
    let few = entries.len() <= FEW && entries.iter().all(|(key, _)| matches!(key, Node::Scalar(_)));
    if few {
        return entries
            .iter()
            .enumerate()
            .any(|(at, (key, _))| entries[..at].iter().any(|(earlier, _)| earlier == key));
    }
    let mut seen = HashSet::with_capacity(entries.len());
    !entries.iter().all(|(key, _)| seen.insert(key))
}

/// Puts the entries that `<<` (at `at`) refers to in its place. Own keys win, then earlier sources.
#[expect(clippy::mutable_key_type, reason = "the hash that a node keeps does not change what it is")]
fn merged(entries: Vec<(Node, Node)>, at: usize, start: Position) -> Result<Vec<(Node, Node)>, Unparsable> {
    let no_mapping = || start.unparsable("<< of something that is no mapping");
    let (_, value) = &entries[at];
    let sources: Vec<&Mapping> = match value {
        Node::Mapping(mapping) => vec![mapping.as_ref()],
        Node::Sequence(sequence) => {
            sequence.items().iter().map(|item| item.as_mapping().ok_or_else(no_mapping)).collect::<Result<_, _>>()?
        }
        Node::Scalar(_) => return Err(no_mapping()),
    };
    let own = entries.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, (key, _))| key);
    let mut seen: HashSet<&Node> = own.collect();
    let mut result = entries[..at].to_vec();
    for (key, value) in sources.into_iter().flat_map(Mapping::entries) {
        if seen.insert(key) {
            result.push((key.clone(), value.clone()));
        }
    }
    result.extend_from_slice(&entries[at + 1..]);
    Ok(result)
}
