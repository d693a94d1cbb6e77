//! What holds for any input, stated once: the tests beside this file, the fuzz targets and the seeds of both run these.
//!
//! Nothing here is random, and nothing but the public interface is used, so a finding of a fuzz target is one call away from a test.
#![allow(dead_code, reason = "each fuzz target runs one of these")]

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use kubestats::manifest::kinds::{MAX_TEXT_BYTES, facts, values_keys};
use kubestats::manifest::redact::Redactor;
use kubestats::manifest::resources::{Resource, resources};
use kubestats::manifest::yaml::{MAX_DEPTH, MAX_NODES, Node, ScalarType, Versions, read, read_by_libyaml};
use kubestats::model::{Facts, MAX_IMAGES, MAX_REFERENCES, MAX_VALUES_KEYS, MAX_VARIABLES};
use kubestats::scan::changes::changes;

/// Reading ends within its budgets with documents or a reason, and the quick reader reads exactly what libyaml does.
pub fn reading_keeps_its_budgets(bytes: &[u8]) {
    let documents = read(bytes);
    let by_libyaml = read_by_libyaml(bytes);
    // Equal data may differ in the order of keys and in spelling; the two readers must not.
    let exact = |documents: &[Node]| documents.iter().map(|node| node.to_json_within(1 << 20)).collect::<Vec<_>>();
    assert_eq!(documents.as_deref().map(exact), by_libyaml.as_deref().map(exact));
    assert_eq!(documents, by_libyaml);
    if let Ok(documents) = &documents {
        let size = documents.iter().map(size).fold(Size::default(), Size::beside);
        assert!(size.nodes <= MAX_NODES && size.levels <= MAX_DEPTH, "{size:?}");
    }
    assert_eq!(resources(bytes).is_err(), documents.is_err());
    versions_are_read_as_if_alone(bytes);
}

/// A text read against versions of itself, and they against it, is what it is alone.
fn versions_are_read_as_if_alone(bytes: &[u8]) {
    let exact = |documents: &[Node]| documents.iter().map(|node| node.to_json_within(1 << 20)).collect::<Vec<_>>();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').take(2_000).collect();
    let picked = usize::try_from(hash(&bytes) % 1_000_000).unwrap() % lines.len().max(1);
    let mut versions = Versions::default();
    for edit in 0..4 {
        let mut edited = lines.clone();
        match edit {
            0 if !lines.is_empty() => drop(edited.remove(picked)),
            1 => edited.insert(picked, b" "),
            2 => edited.insert(picked, b"x: 1\n"),
            _ => {}
        }
        for version in [edited.concat(), lines.concat()] {
            let (next, alone) = (versions.read(&version), read_by_libyaml(&version));
            assert_eq!(
                next.as_deref().map(exact),
                alone.as_deref().map(exact),
                "{}",
                String::from_utf8_lossy(&version)
            );
            assert_eq!(next, alone);
        }
    }
}

/// Whatever was read is the same data after it was written as YAML or as JSON and read again.
pub fn written_data_are_read_back(bytes: &[u8]) {
    for node in read(bytes).unwrap_or_default() {
        let small = node.size().text < 256 << 10 && size(&node).nodes < 10_000;
        if small {
            yaml_is_exact(&node);
            json_is_exact(&node);
        }
    }
}

/// The YAML form: one document of the same data, and written the same again.
pub fn yaml_is_exact(node: &Node) {
    let yaml = node.to_yaml();
    let back = read(yaml.as_bytes());
    assert_eq!(back.as_deref(), Ok(std::slice::from_ref(node)), "{yaml}");
    assert_eq!(back.map(|documents| hash(&documents[0])), Ok(hash(node)), "{yaml}");
}

/// The JSON form: JSON by anybody's measure, of the same data, and written the same again.
pub fn json_is_exact(node: &Node) {
    let json = node.to_json();
    let back = Node::from_json(&json);
    assert_eq!(back.as_ref(), Ok(node), "{json}");
    assert_eq!(back.as_ref().map(hash), Ok(hash(node)), "{json}");
    assert_eq!(back.map(|node| node.to_json()).as_deref(), Ok(&*json));
    assert_eq!(node.to_json_within(json.len()).as_deref(), Some(&*json));
    assert_eq!(node.to_json_within(json.len() - 1), None);
    // serde_json has a limit of its own: 128 levels, of which a node may take four. (As a `Value` it would refuse 1e999, too,
    // which is JSON.)
    if size(node).levels < 32 {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok(), "{json}");
    }
}

/// Any text as stored JSON: refused, or data that can be written and read like any other.
pub fn stored_json_is_stable(text: &str) {
    let Ok(node) = Node::from_json(text) else { return };
    if size(&node).levels <= MAX_DEPTH {
        json_is_exact(&node);
        yaml_is_exact(&node);
    }
}

/// Each document of a stream against the one before: changes exactly when the data differ, and none that is not true.
pub fn changes_are_what_differs(bytes: &[u8]) {
    let documents = read(bytes).unwrap_or_default();
    let small: Vec<Node> = documents.into_iter().filter(|node| size(node).nodes < 10_000).collect();
    for pair in small.windows(2) {
        check_changes(&pair[0], &pair[1]);
        check_changes(&pair[1], &pair[0]);
        assert_eq!(changes(&pair[0], &pair[0].clone()), Default::default());
    }
}

/// See [`changes_are_what_differs`].
pub fn check_changes(before: &Node, after: &Node) {
    let found = changes(before, after);
    assert_eq!(found.list.is_empty(), before == after, "{} -> {}", before.to_json(), after.to_json());
    for change in &found.list {
        assert_ne!(change.before, change.after);
        let Some(value) = change.after.as_deref().filter(|value| !value.starts_with("{\"!!omitted\"")) else {
            continue;
        };
        // Tokens name keys by their text, which two keys may share: 1 and "1".
        if let Some(there) = after.pointer(&change.pointer).filter(|_| !keys_share_texts(after)) {
            assert_eq!(there.to_json(), value, "{}", change.pointer);
        }
    }
}

/// Facts of all resources in a file; see [`check_facts`].
pub fn facts_keep_their_bounds(bytes: &[u8]) {
    resources(bytes).unwrap_or_default().iter().for_each(check_facts);
}

/// Facts are bounded, sorted, can be stored, and are the same for the same data.
pub fn check_facts(resource: &Resource) {
    let found = facts(resource);
    let values_keys = values_keys(&resource.identity, &resource.data);
    let Facts { images, references, variables, .. } = &found;
    assert!(values_keys.len() <= MAX_VALUES_KEYS && values_keys.is_sorted_by(|one, two| one < two));
    assert!(images.len() <= MAX_IMAGES && images.is_sorted_by(|one, two| one < two));
    assert!(variables.len() <= MAX_VARIABLES && variables.is_sorted_by(|one, two| one.0 < two.0));
    assert!(references.len() <= MAX_REFERENCES);
    assert!(images.iter().all(|image| !image.repository.is_empty()), "{images:?}");
    let json = serde_json::to_value(&found).unwrap();
    assert!(longest_text(&json) <= 2 * MAX_TEXT_BYTES, "{json}");
    assert_eq!(serde_json::from_value::<Facts>(json).unwrap(), found);
    assert_eq!(facts(&Resource { data: reversed(&resource.data), ..resource.clone() }), found);
}

fn longest_text(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(longest_text).max().unwrap_or_default(),
        serde_json::Value::Object(entries) => entries.values().map(longest_text).max().unwrap_or_default(),
        _ => 0,
    }
}

/// The same data with the keys of all mappings in reverse.
fn reversed(node: &Node) -> Node {
    match node {
        Node::Scalar(_) => node.clone(),
        Node::Sequence(list) => Node::sequence(list.tag().cloned(), list.items().iter().map(reversed).collect()),
        Node::Mapping(mapping) => {
            let entries = mapping.entries().iter().rev();
            Node::mapping(
                mapping.tag().cloned(),
                entries.map(|(key, value)| (reversed(key), reversed(value))).collect(),
            )
        }
    }
}

/// A token between the two halves of any text, at many places of a resource, is in nothing that is kept of it.
pub fn planted_credentials_are_redacted(text: &str) {
    // Its patterns take longer to compile than a text to redact.
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(b"a key of tests"));
    let redactor = &*REDACTOR;
    let token = planted_token();
    if leaks(text, &token) {
        // A piece that stands in the text already is no secret.
        return;
    }
    let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or_default();
    let (before, after) = text.split_at(middle);
    // A token starts where a word starts.
    let glue = if before.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_') { " " } else { "" };
    let line = format!("{before}{glue}{token}{after}");

    let message = redactor.text(&line);
    assert!(!leaks(&message, &token), "{line:?} -> {message:?}");

    for kind in ["ConfigMap", "Secret"] {
        let redacted = redactor.resource(resource_with(kind, &line)).data.to_json();
        assert!(!leaks(&redacted, &token), "{kind} with {line:?} -> {redacted}");
    }
}

/// Put together here so that no scanner takes this file for a leak.
fn planted_token() -> String {
    format!("gh{}_{}", 'p', "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2")
}

/// Whether a fourth of the token can be read.
fn leaks(kept: &str, token: &str) -> bool {
    token.as_bytes().windows(10).any(|piece| kept.as_bytes().windows(10).any(|part| part == piece))
}

/// A resource that holds a text as value, key, item, tagged text and inside JSON.
fn resource_with(kind: &str, text: &str) -> Resource {
    let string = |text: &str| Node::string(text);
    let mapping = |entries: Vec<(Node, Node)>| Node::mapping(None, entries);
    let inner = mapping(vec![(string("kind"), string("A")), (string("note"), string(text))]);
    let spaced = inner.to_json().replacen(':', ": ", 1);
    let tagged = kubestats::manifest::yaml::Scalar::new(ScalarType::Custom("!x".into()), text);
    let data = vec![
        (string("text"), string(text)),
        (string(&format!("{text} ")), string("key")),
        (string("items"), Node::sequence(Some("!list".into()), vec![string(text), Node::Scalar(tagged)])),
        (string("json"), string(&inner.to_json())),
        (string("spaced"), string(&spaced)),
        (string("password"), string(text)),
    ];
    let entries = vec![
        (string("apiVersion"), string("v1")),
        (string("kind"), string(kind)),
        (string("metadata"), mapping(vec![(string("name"), string("a")), (string("note"), string(text))])),
        (string("data"), mapping(data)),
    ];
    let yaml = mapping(entries).to_yaml();
    let mut found = resources(yaml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    found.remove(0)
}

/// Nodes and levels with aliases expanded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Size {
    pub nodes: u64,
    pub levels: u32,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, levels: self.levels.max(other.levels) }
    }
}

pub fn size(node: &Node) -> Size {
    let inside = match node {
        Node::Scalar(_) => Size::default(),
        Node::Sequence(sequence) => sequence.items().iter().map(size).fold(Size::default(), Size::beside),
        Node::Mapping(mapping) => {
            let entries = mapping.entries().iter().map(|(key, value)| size(key).beside(size(value)));
            entries.fold(Size::default(), Size::beside)
        }
    };
    Size { nodes: inside.nodes + 1, levels: inside.levels + 1 }
}

fn keys_share_texts(node: &Node) -> bool {
    match node {
        Node::Scalar(_) => false,
        Node::Sequence(sequence) => sequence.items().iter().any(keys_share_texts),
        Node::Mapping(mapping) => {
            let text = |key: &Node| match key.as_scalar() {
                Some(key) if *key.scalar_type() == ScalarType::Null => "null".to_owned(),
                Some(key) => key.text().to_owned(),
                None => key.to_json(),
            };
            let mut seen = HashSet::new();
            mapping.entries().iter().any(|(key, value)| !seen.insert(text(key)) || keys_share_texts(value))
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
