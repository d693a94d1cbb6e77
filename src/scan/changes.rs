//! What changed between two versions of one resource, field by field.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::manifest::yaml::{Lookup, Mapping, Node, Scalar, ScalarType, Sequence, push_token};
use crate::model::Change;

/// Changes kept of one event.
pub const MAX_CHANGES: usize = 100;
/// Bytes of JSON kept of one value.
pub const MAX_VALUE_BYTES: usize = 16 << 10;

/// The changes of one event. Values are the exact JSON form of [`Node::to_json`], so values that differ print differently
/// (`1.10` and `1.1`, `"1"` and `1`). A value over [`MAX_VALUE_BYTES`] stands as
/// `{"!!omitted":"20480 bytes, sha256 <32 hex digits>"}` for a scalar, or `{"!!omitted":"a mapping of 7"}`; no mapping is
/// written like that. A pointer leads to the value in the version after; for something removed, in the version before.
///
/// The list is in the order of the version after; what a mapping or list lost follows what it kept and gained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// At most [`MAX_CHANGES`].
    pub list: Vec<Change>,
    /// Changes beyond those.
    pub omitted: u32,
}

/// What differs between two versions; empty exactly when they are the same data.
///
/// * Mappings are compared key by key, whatever their order.
/// * Lists in which every item is a mapping with a scalar `name` of its own (containers, environment variables) are compared by name, unless
///   the items they share stand in another order. All other lists are compared by index after their common start and end.
/// * What was added or removed is one change with the whole subtree, or, if that is over [`MAX_VALUE_BYTES`], one for each part of it.
pub fn changes(before: &Node, after: &Node) -> Changes {
    let mut walk = Walk { found: Changes::default(), pointer: String::new() };
    walk.compare(before, after);
    walk.found
}

struct Walk {
    found: Changes,
    /// Where the walk is.
    pointer: String,
}

impl Walk {
    fn compare(&mut self, before: &Node, after: &Node) {
        if is_unchanged(before, after) {
            return;
        }
        match (before, after) {
            (Node::Mapping(one), Node::Mapping(two)) if one.tag() == two.tag() => self.compare_mappings(one, two),
            (Node::Sequence(one), Node::Sequence(two)) if one.tag() == two.tag() => self.compare_sequences(one, two),
            _ => self.push(Some(before), Some(after)),
        }
    }

    fn compare_mappings(&mut self, before: &Mapping, after: &Mapping) {
        let (in_before, in_after) = (Lookup::new(before), Lookup::new(after));
        for (at, (key, value)) in after.entries().iter().enumerate() {
            match in_before.value(key, at) {
                Some(old) if is_unchanged(old, value) => {}
                Some(old) => self.at(&key.display_key(), |walk| walk.compare(old, value)),
                None => self.at(&key.display_key(), |walk| walk.whole(value, Side::Added)),
            }
        }
        for (at, (key, value)) in before.entries().iter().enumerate() {
            if in_after.value(key, at).is_none() {
                self.at(&key.display_key(), |walk| walk.whole(value, Side::Removed));
            }
        }
    }

    fn compare_sequences(&mut self, before: &Sequence, after: &Sequence) {
        let (before, after) = (before.items(), after.items());
        match names(before).zip(names(after)) {
            Some((old, new)) if same_order(&old, &new) => self.compare_named(before, &old, after, &new),
            _ => self.compare_indexed(before, after),
        }
    }

    fn compare_named(&mut self, before: &[Node], old: &[&Scalar], after: &[Node], new: &[&Scalar]) {
        let positions: HashMap<&Scalar, usize> = old.iter().copied().zip(0..).collect();
        for (at, (name, item)) in new.iter().zip(after).enumerate() {
            self.at(&at.to_string(), |walk| match positions.get(name).and_then(|at| before.get(*at)) {
                Some(earlier) => walk.compare(earlier, item),
                None => walk.whole(item, Side::Added),
            });
        }
        let kept: HashSet<&Scalar> = new.iter().copied().collect();
        for (at, (name, item)) in old.iter().zip(before).enumerate() {
            if !kept.contains(name) {
                self.at(&at.to_string(), |walk| walk.whole(item, Side::Removed));
            }
        }
    }

    fn compare_indexed(&mut self, before: &[Node], after: &[Node]) {
        let start = before.iter().zip(after).take_while(|(one, two)| one == two).count();
        let (before, after) = (&before[start..], &after[start..]);
        let end = before.iter().rev().zip(after.iter().rev()).take_while(|(one, two)| one == two).count();
        let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
        for index in 0..before.len().max(after.len()) {
            self.at(&(start + index).to_string(), |walk| match (before.get(index), after.get(index)) {
                (Some(one), Some(two)) => walk.compare(one, two),
                (None, Some(added)) => walk.whole(added, Side::Added),
                (Some(removed), None) => walk.whole(removed, Side::Removed),
                (None, None) => {}
            });
        }
    }

    /// A subtree that only one version has.
    fn whole(&mut self, node: &Node, side: Side) {
        if self.is_full() || node.as_scalar().is_some() || node.to_json_within(MAX_VALUE_BYTES).is_some() {
            return match side {
                Side::Added => self.push(None, Some(node)),
                Side::Removed => self.push(Some(node), None),
            };
        }
        match node {
            Node::Scalar(_) => {}
            Node::Sequence(sequence) => {
                for (at, item) in sequence.items().iter().enumerate() {
                    self.at(&at.to_string(), |walk| walk.whole(item, side));
                }
            }
            Node::Mapping(mapping) => {
                for (key, value) in mapping.entries() {
                    self.at(&key.display_key(), |walk| walk.whole(value, side));
                }
            }
        }
    }

    /// Runs `walk` one step further down.
    fn at(&mut self, token: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        push_token(&mut self.pointer, token);
        walk(self);
        self.pointer.truncate(length);
    }

    fn is_full(&self) -> bool {
        self.found.list.len() >= MAX_CHANGES
    }

    fn push(&mut self, before: Option<&Node>, after: Option<&Node>) {
        if self.is_full() {
            self.found.omitted = self.found.omitted.saturating_add(1);
            return;
        }
        self.found.list.push(Change {
            pointer: self.pointer.clone(),
            before: before.map(value),
            after: after.map(value),
        });
    }
}

/// Whether that can be seen at a glance; where not, nodes are compared part by part.
fn is_unchanged(before: &Node, after: &Node) -> bool {
    match (before, after) {
        (Node::Scalar(one), Node::Scalar(two)) => one == two,
        _ => before.is_shared_with(after),
    }
}

#[derive(Clone, Copy)]
enum Side {
    Added,
    Removed,
}

fn value(node: &Node) -> String {
    node.to_json_within(MAX_VALUE_BYTES).unwrap_or_else(|| {
        let description = match node {
            Node::Scalar(scalar) => describe(scalar),
            Node::Sequence(sequence) => format!("a sequence of {}", sequence.items().len()),
            Node::Mapping(mapping) => format!("a mapping of {}", mapping.entries().len()),
        };
        let tag = match node {
            Node::Scalar(_) => None,
            Node::Sequence(sequence) => sequence.tag(),
            Node::Mapping(mapping) => mapping.tag(),
        };
        let tag = tag.map(|tag| format!(", tag {tag:.100}")).unwrap_or_default();
        serde_json::json!({ "!!omitted": description + &tag }).to_string()
    })
}

/// The size of a long text, and a digest so that two of them can be told apart.
fn describe(scalar: &Scalar) -> String {
    let mut hasher = Sha256::new();
    if let ScalarType::Custom(tag) = scalar.scalar_type() {
        hasher.update(tag.as_bytes());
        hasher.update([0]);
    }
    hasher.update(scalar.text());
    let digest: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes, sha256 {digest}", scalar.text().len())
}

/// The names of a list's items; None unless every item is a mapping with a scalar `name` that no other item has.
fn names(items: &[Node]) -> Option<Vec<&Scalar>> {
    let names: Vec<&Scalar> = items.iter().map(|item| item.get("name")?.as_scalar()).collect::<Option<_>>()?;
    let distinct: HashSet<&Scalar> = names.iter().copied().collect();
    (distinct.len() == names.len()).then_some(names)
}

/// Whether the names that both lists have stand in the same order.
fn same_order(old: &[&Scalar], new: &[&Scalar]) -> bool {
    let (in_old, in_new): (HashSet<_>, HashSet<_>) = (old.iter().collect(), new.iter().collect());
    let kept = old.iter().filter(|name| in_new.contains(name));
    kept.eq(new.iter().filter(|name| in_old.contains(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::read;

    fn between(before: &str, after: &str) -> Changes {
        let node = |yaml: &str| read(yaml.as_bytes()).unwrap().remove(0);
        changes(&node(before), &node(after))
    }

    fn check(before: &str, after: &str, expected: &[(&str, Option<&str>, Option<&str>)]) {
        let found = between(before, after);
        let found: Vec<_> = found
            .list
            .iter()
            .map(|change| (change.pointer.as_str(), change.before.as_deref(), change.after.as_deref()))
            .collect();
        assert_eq!(found, expected, "{before} -> {after}");
    }

    #[test]
    fn equal_data_have_no_changes() {
        check("{a: 1, b: [x]}", "{b: ['x'], a: 1} # same", &[]);
    }

    #[test]
    fn mappings_by_key() {
        check(
            "{a: 1, b: 2, c: 3}",
            "{c: 3, b: 5, d: 4}",
            &[("/b", Some("2"), Some("5")), ("/d", None, Some("4")), ("/a", Some("1"), None)],
        );
        check("{a/b: {'~': 1}}", "{a/b: {'~': 2}}", &[("/a~1b/~0", Some("1"), Some("2"))]);
        check("{a: {b: 1}}", "{}", &[("/a", Some("{\"b\":1}"), None)]);
        check("{a: 1}", "[1]", &[("", Some("{\"a\":1}"), Some("[1]"))]);
    }

    #[test]
    fn values_that_differ_print_differently() {
        check("{a: 1.10}", "{a: 1.1}", &[("/a", Some("1.10"), Some("1.1"))]);
        check("{a: 1}", "{a: '1'}", &[("/a", Some("1"), Some("\"1\""))]);
        check("{a: 0644}", "{a: '0644'}", &[("/a", Some("{\"!!int\":\"0644\"}"), Some("\"0644\""))]);
        check("{a: !x b}", "{a: b}", &[("/a", Some("{\"!x\":\"b\"}"), Some("\"b\""))]);
        check("{a: !x [b]}", "{a: [b]}", &[("/a", Some("{\"!x\":[\"b\"]}"), Some("[\"b\"]"))]);
    }

    #[test]
    fn lists_of_named_items_by_name() {
        let before = "[{name: a, v: 1}, {name: b, v: 1}, {name: c, v: 1}]";
        check(
            before,
            "[{name: x}, {name: b, v: 2}, {name: c, v: 1}]",
            &[
                ("/0", None, Some("{\"name\":\"x\"}")),
                ("/1/v", Some("1"), Some("2")),
                ("/0", Some("{\"name\":\"a\",\"v\":1}"), None),
            ],
        );
        check(
            "[{name: a, v: 1}, {name: b, v: 2}]",
            "[{name: b, v: 2}, {name: a, v: 1}]",
            &[
                ("/0/name", Some("\"a\""), Some("\"b\"")),
                ("/0/v", Some("1"), Some("2")),
                ("/1/name", Some("\"b\""), Some("\"a\"")),
                ("/1/v", Some("2"), Some("1")),
            ],
        );
    }

    #[test]
    fn other_lists_by_index_within_their_common_start_and_end() {
        check("[a, b, c, d]", "[a, x, c, d]", &[("/1", Some("\"b\""), Some("\"x\""))]);
        check("[a, c]", "[a, b, c]", &[("/1", None, Some("\"b\""))]);
        check("[a, b, c]", "[a, c]", &[("/1", Some("\"b\""), None)]);
        check("[a, a]", "[a]", &[("/1", Some("\"a\""), None)]);
        check("[{name: a}, {name: a}]", "[{name: a}, {name: b}]", &[("/1/name", Some("\"a\""), Some("\"b\""))]);
    }

    #[test]
    fn there_are_caps() {
        let many: String = (0..150).map(|number| format!("k{number}: 1\n")).collect();
        let found = between("{}", &many);
        assert_eq!((found.list.len(), found.omitted), (100, 50));
        let (long, longer) = ("x".repeat(20_000), "x".repeat(20_001));
        let found = between(&format!("{{a: {long}}}"), &format!("{{a: {longer}}}"));
        assert!(found.list[0].before.as_deref().unwrap().starts_with("{\"!!omitted\":\"20000 bytes, sha256 "));
        assert_ne!(found.list[0].before, found.list[0].after);
        let found = between("{}", &format!("{{a: {{b: 1, c: {long}}}}}"));
        assert_eq!(found.list.iter().map(|change| change.pointer.as_str()).collect::<Vec<_>>(), ["/a/b", "/a/c"]);
    }
}
