//! Replaces secrets by keyed digests before anything is stored or shown.
//!
//! A secret becomes the string `redacted:<rule>:<32 hex digits>`, the first 16 bytes of HMAC-SHA256 under the installation's key over the
//! scalar's type and text. So two redacted trees are equal exactly when the raw ones are (the chance of a collision is 2⁻⁶⁴ among four
//! billion secrets), and a change of a secret is still seen, while nobody without the key can try guesses.
//!
//! What is a secret:
//! * every value under `data` and `stringData` of a core `Secret`, but empty ones (rule `secret`);
//! * every line of a text (the whole text, if it has one line), and every key, that holds a credential of the list in `rules`;
//! * SOPS ciphertext (rule `sops`), and the ciphertext of a `SealedSecret` (rule `sealed`): it says nothing but that it changed, and is new
//!   from its first byte to its last whenever it does;
//! * a random-looking literal under a key that names a secret, as `value` beside a `name` that does, or assigned to such a name on a line
//!   of a text (rule `named`);
//! * all of the above inside JSON that is embedded in a string, such as the annotation last-applied-configuration. If such JSON is not
//!   written the way we write it, its text cannot be kept and all of it is replaced (rule `embedded`);
//! * a string that holds a manifest of a core `Secret`, as patches do, and one that looks like it but is no YAML (rule `embedded`);
//! * the `literals` of a `secretGenerator`, and the `patch` of a target of kind `Secret` (rule `secret`).

mod embedded;
mod named;
mod rules;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::resources::Resource;
use super::yaml::{Mapping, Node, Scalar, ScalarType};

/// Replaces secrets by digests under one key. Cheap to share between threads.
#[derive(Clone)]
pub struct Redactor {
    /// The state after the key: nothing else of the key is kept.
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// `key` is the installation's; any length, 32 random bytes are right.
    pub fn new(key: &[u8]) -> Self {
        Self { keyed: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    /// The resource with every secret in its data replaced; parts without one are shared with the original. The identity stays.
    pub fn resource(&self, resource: Resource) -> Resource {
        match self.node(&resource.data) {
            Some(data) => Resource { data, ..resource },
            None => resource,
        }
    }

    /// A text (a commit subject, an error message) with every credential in it replaced.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.replace(text, secrets_in(text)).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A document with every secret replaced; None when it has none.
    fn node(&self, node: &Node) -> Option<Node> {
        self.node_within(node, EMBEDDED_LEVELS)
    }

    fn node_within(&self, node: &Node, embedded_levels: u32) -> Option<Node> {
        let mut walk = Walk { redactor: self, long_texts: HashMap::new(), embedded_levels };
        walk.value(None, node)
    }

    fn digest(&self, rule: &str, scalar_type: &str, text: &str) -> String {
        let mut mac = self.keyed.clone();
        mac.update(&(scalar_type.len() as u64).to_le_bytes());
        mac.update(scalar_type.as_bytes());
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("redacted:{rule}:{hex}")
    }

    /// `text` with each range replaced by its digest; None without ranges.
    fn replace(&self, text: &str, spans: Vec<(&str, Range<usize>)>) -> Option<String> {
        if spans.is_empty() {
            return None;
        }
        let (mut replaced, mut end) = (String::new(), 0);
        for (rule, range) in spans {
            replaced.push_str(&text[end..range.start]);
            replaced.push_str(&self.digest(rule, "str", &text[range.clone()]));
            end = range.end;
        }
        replaced.push_str(&text[end..]);
        Some(replaced)
    }

    /// As [`Redactor::text`], but whole lines: what stands beside a credential often belongs to it.
    fn lines(&self, text: &str) -> Option<String> {
        let mut spans: Vec<(&str, Range<usize>)> = Vec::new();
        for (rule, range) in secrets_in(text) {
            let start = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
            let end = text[range.end..].find('\n').map_or(text.len(), |newline| range.end + newline);
            match spans.last_mut() {
                Some((_, last)) if start < last.end => last.end = end,
                _ => spans.push((rule, start..end)),
            }
        }
        self.replace(text, spans)
    }

    /// A string that is a document, if it holds a secret.
    fn embedded(&self, text: &str, levels: u32) -> Option<String> {
        self.embedded_json(text, levels)
            .or_else(|| embedded::holds_secret(text).then(|| self.digest("embedded", "str", text)))
    }

    /// A string that is a JSON document, if it holds a secret.
    fn embedded_json(&self, text: &str, levels: u32) -> Option<String> {
        let json = text.trim_end();
        if levels == 0 || !(json.starts_with('{') && json.ends_with('}')) {
            return None;
        }
        let document = Node::from_json(json).ok()?;
        let redacted = self.node_within(&document, levels - 1)?;
        // Only text that can be written again exactly may be taken apart: two spellings of one document must stay different.
        if document.to_json_within(json.len()).as_deref() != Some(json) {
            return Some(self.digest("embedded", "str", text));
        }
        Some(redacted.to_json() + &text[json.len()..])
    }
}

/// Rule and byte range of every credential and assigned secret in a text, in order, without overlaps: where two overlap, all that either
/// covers goes by the name of the first.
fn secrets_in(text: &str) -> Vec<(&'static str, Range<usize>)> {
    let mut found = rules::credentials(text);
    found.extend(named::assignments(text).into_iter().map(|range| ("named", range)));
    // Stable: of two that start together the one found first names both.
    found.sort_by_key(|(_, range)| range.start);
    found.dedup_by(|(_, next), (_, range)| {
        let overlap = next.start < range.end;
        if overlap {
            range.end = range.end.max(next.end);
        }
        overlap
    });
    found
}

/// Redaction of one document. Every step gives None for "nothing to replace", so untouched parts are never copied.
struct Walk<'a> {
    redactor: &'a Redactor,
    /// What became of long texts, by address: aliases may refer to one text a million times.
    long_texts: HashMap<*const u8, Option<Arc<str>>>,
    /// How much deeper JSON inside JSON is taken apart.
    embedded_levels: u32,
}

/// JSON in a string, and JSON in a string of that: deeper nesting is only searched as text. It bounds the recursion.
const EMBEDDED_LEVELS: u32 = 2;

/// Bytes from which on a text is looked up in `long_texts`; shorter ones are, too, where reading them takes long.
const LONG: usize = 1024;

impl Walk<'_> {
    /// A node under `key`.
    fn value(&mut self, key: Option<&str>, node: &Node) -> Option<Node> {
        match node {
            Node::Scalar(scalar) => self.scalar(key, scalar),
            Node::Sequence(sequence) => {
                let items = map_changed(sequence.items(), |item| self.value(key, item))?;
                Some(Node::sequence(sequence.tag().cloned(), items))
            }
            // What a mapping holds is secret or not whatever it stands under.
            Node::Mapping(mapping) if mapping.is_harmless() => None,
            Node::Mapping(mapping) => {
                let replaced = self.object(mapping);
                // Where JSON is not taken apart, less is found.
                if replaced.is_none() && self.embedded_levels == EMBEDDED_LEVELS {
                    mapping.note_harmless();
                }
                replaced
            }
        }
    }

    fn object(&mut self, mapping: &Mapping) -> Option<Node> {
        if is_core_secret(mapping) {
            return self.mapping(mapping, |walk, key, value| match key.as_str() {
                Some("data" | "stringData") => walk.all("secret", value),
                key => walk.value(key, value),
            });
        }
        if is_sealed_secret(mapping) {
            return self.mapping(mapping, |walk, key, value| match (key.as_str(), value) {
                (Some("spec"), Node::Mapping(spec)) => walk.mapping(spec, |walk, key, value| match key.as_str() {
                    // `data` is what the first versions of the controller wrote.
                    Some("encryptedData" | "data") => walk.all("sealed", value),
                    key => walk.value(key, value),
                }),
                (key, value) => walk.value(key, value),
            });
        }
        let name = mapping.get("name").and_then(Node::as_str);
        let patches_secret = is_of_kind(mapping.get("target"), "Secret");
        self.mapping(mapping, |walk, key, value| match (key.as_str(), name) {
            (Some("patch"), _) if patches_secret => walk.all("secret", value),
            (Some("secretGenerator"), _) => walk.generators(value),
            (Some("value"), Some(name)) => walk.value(Some(name), value),
            (key, _) => walk.value(key, value),
        })
    }

    /// The list below `secretGenerator` of a kustomization.
    fn generators(&mut self, node: &Node) -> Option<Node> {
        let Node::Sequence(generators) = node else { return self.value(None, node) };
        let generators = map_changed(generators.items(), |generator| match generator {
            Node::Mapping(generator) => self.mapping(generator, |walk, key, value| match key.as_str() {
                Some("literals") => walk.all("secret", value),
                key => walk.value(key, value),
            }),
            other => self.value(None, other),
        })?;
        Some(Node::sequence(None, generators))
    }

    fn mapping(
        &mut self,
        mapping: &Mapping,
        mut value_of: impl FnMut(&mut Self, &Node, &Node) -> Option<Node>,
    ) -> Option<Node> {
        let entries = map_changed(mapping.entries(), |(key, value)| {
            let (new_key, new_value) = (self.value(None, key), value_of(self, key, value));
            let changed = new_key.is_some() || new_value.is_some();
            changed.then(|| (new_key.unwrap_or_else(|| key.clone()), new_value.unwrap_or_else(|| value.clone())))
        })?;
        Some(Node::mapping(mapping.tag().cloned(), entries))
    }

    fn scalar(&mut self, key: Option<&str>, scalar: &Scalar) -> Option<Node> {
        let text = scalar.text();
        if !matches!(scalar.scalar_type(), ScalarType::Str | ScalarType::Custom(_)) {
            return None;
        }
        if key.is_some_and(|key| named::is_secret(key, text)) {
            return Some(self.secret("named", scalar));
        }
        let replaced = if text.len() < LONG && !embedded::mentions_secret(text) {
            self.text(text)?
        } else {
            let known = self.long_texts.get(&text.as_ptr()).cloned();
            known.unwrap_or_else(|| {
                let replaced = self.text(text);
                self.long_texts.insert(text.as_ptr(), replaced.clone());
                replaced
            })?
        };
        Some(Node::Scalar(Scalar::new(scalar.scalar_type().clone(), replaced)))
    }

    fn text(&self, text: &str) -> Option<Arc<str>> {
        self.redactor.embedded(text, self.embedded_levels).or_else(|| self.redactor.lines(text)).map(Arc::from)
    }

    /// Every scalar below is a secret.
    fn all(&mut self, rule: &str, node: &Node) -> Option<Node> {
        match node {
            Node::Scalar(scalar) if scalar.text().is_empty() || *scalar.scalar_type() == ScalarType::Null => None,
            Node::Scalar(scalar) => Some(self.secret(rule, scalar)),
            Node::Sequence(sequence) => {
                let items = map_changed(sequence.items(), |item| self.all(rule, item))?;
                Some(Node::sequence(sequence.tag().cloned(), items))
            }
            Node::Mapping(mapping) => self.mapping(mapping, |walk, _, value| walk.all(rule, value)),
        }
    }

    /// A scalar that is a secret as a whole.
    fn secret(&self, rule: &str, scalar: &Scalar) -> Node {
        let text = scalar.text();
        let rule = if text.starts_with("ENC[") && text.ends_with(']') { "sops" } else { rule };
        // Texts of equal booleans may differ in case.
        let (scalar_type, text) = match scalar.scalar_type() {
            ScalarType::Custom(tag) => (&**tag, Cow::Borrowed(text)),
            ScalarType::Bool => ("bool", Cow::Owned(text.to_lowercase())),
            ScalarType::Int => ("int", Cow::Borrowed(text)),
            ScalarType::Float => ("float", Cow::Borrowed(text)),
            ScalarType::Str | ScalarType::Null => ("str", Cow::Borrowed(text)),
        };
        Node::string(self.redactor.digest(rule, scalar_type, &text))
    }
}

/// A `Secret` of the core group, wherever it stands: a file's resource, or an object inside another's values.
fn is_core_secret(mapping: &Mapping) -> bool {
    let text = |key| mapping.get(key).and_then(Node::as_str);
    text("kind") == Some("Secret") && text("apiVersion").is_some_and(|version| !version.contains('/'))
}

fn is_of_kind(node: Option<&Node>, kind: &str) -> bool {
    node.and_then(|node| node.get("kind")).and_then(Node::as_str) == Some(kind)
}

/// A secret of the Sealed Secrets controller (`bitnami.com`), encrypted for one cluster.
fn is_sealed_secret(mapping: &Mapping) -> bool {
    let text = |key| mapping.get(key).and_then(Node::as_str);
    text("kind") == Some("SealedSecret")
        && text("apiVersion").is_some_and(|version| version.starts_with("bitnami.com/"))
}

/// The items with those replaced for which `change` gives something; None when there are none.
fn map_changed<T: Clone>(items: &[T], mut change: impl FnMut(&T) -> Option<T>) -> Option<Vec<T>> {
    let mut changed: Option<Vec<T>> = None;
    for (at, item) in items.iter().enumerate() {
        match (change(item), &mut changed) {
            (Some(new), Some(all)) => all.push(new),
            (Some(new), none) => {
                let mut all = Vec::with_capacity(items.len());
                all.extend_from_slice(&items[..at]);
                all.push(new);
                *none = Some(all);
            }
            (None, Some(all)) => all.push(item.clone()),
            (None, None) => {}
        }
    }
    changed
}

#[cfg(test)]
mod tests;
