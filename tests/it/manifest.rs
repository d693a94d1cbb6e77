//! Reading, comparing and writing manifests, held against random input and against serde_yaml.

use std::collections::HashSet;
use std::sync::Arc;

use kubestats::manifest::redact::Redactor;
use kubestats::manifest::resources::resources;
use kubestats::manifest::yaml::{Node, Scalar, ScalarType, read};
use kubestats::scan::changes::changes;
use proptest::collection::vec;
use proptest::prelude::*;

/// Texts with all that is special in YAML, JSON and tags.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,6}",
        "[-+.0-9eExo_:]{0,6}",
        "[ \\t\\n\\r#:,&*!|>'\"%@`{}\\[\\]?~a<=\\\\-]{0,8}",
        "([a-z ]{0,5}\n){1,3}[ a-z]{0,3}",
        any::<String>().prop_map(|text| text.chars().take(6).collect()),
        prop::sample::select(vec![
            "null", "true", "False", "yes", "<<", ".nan", "0644", "!!int", "!!str x", "!!pairs", "---", "..."
        ])
        .prop_map(String::from),
    ]
}

fn tag() -> impl Strategy<Value = Arc<str>> {
    prop::sample::select(vec!["!a", "!a!b", "!!int", "tag:example.com,2000:a b", "!é", "x"]).prop_map(Arc::from)
}

fn scalar() -> impl Strategy<Value = Node> {
    let scalar_type = prop_oneof![
        6 => Just(ScalarType::Str),
        1 => prop::sample::select(vec![ScalarType::Null, ScalarType::Bool, ScalarType::Int, ScalarType::Float]),
        1 => tag().prop_map(ScalarType::Custom),
    ];
    (scalar_type, text()).prop_map(|(scalar_type, text)| Node::Scalar(Scalar::new(scalar_type, text)))
}

fn node() -> impl Strategy<Value = Node> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        let tagged = || prop::option::weighted(0.1, tag());
        let key = prop_oneof![9 => scalar(), 1 => inner.clone()];
        prop_oneof![
            (tagged(), vec(inner.clone(), 0..5)).prop_map(|(tag, items)| Node::sequence(tag, items)),
            (tagged(), vec((key, inner), 0..5))
                .prop_map(|(tag, entries)| Node::mapping(tag, without_equal_keys(entries))),
        ]
    })
}

#[expect(clippy::mutable_key_type, reason = "the hash that a node keeps does not change what it is")]
fn without_equal_keys(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut seen = HashSet::new();
    entries.into_iter().filter(|(key, _)| seen.insert(key.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics(bytes in vec(any::<u8>(), 0..200), text in "[ \\t\\n:,&*!|>'\"{}\\[\\]?~a<-]{0,60}") {
        let _ = resources(&bytes);
        let _ = read(text.as_bytes());
        let _ = Node::from_json(&text);
    }

    #[test]
    fn yaml_read_back_is_the_same_data(node in node()) {
        let yaml = node.to_yaml();
        let back = read(yaml.as_bytes());
        prop_assert_eq!(back.as_deref(), Ok(&[node][..]), "{}", yaml);
    }

    #[test]
    fn json_read_back_is_the_same_data(node in node()) {
        let json = node.to_json();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", json);
        prop_assert_eq!(Node::from_json(&json), Ok(node), "{}", json);
    }

    #[test]
    fn changes_are_empty_exactly_for_the_same_data(before in node(), after in node()) {
        let found = changes(&before, &after);
        prop_assert_eq!(found.list.is_empty(), before == after);
        prop_assert!(found.list.iter().all(|change| change.before != change.after));
        prop_assert!(changes(&before, &before.clone()).list.is_empty());
    }

    #[test]
    fn redaction_keeps_equality(before in node(), after in node()) {
        let redactor = Redactor::new(b"key");
        let secret = |data: Node| {
            let pairs = [("apiVersion", Node::string("v1")), ("kind", Node::string("Secret")), ("metadata", name()), ("data", data)];
            let entries = pairs.into_iter().map(|(key, value)| (Node::string(key), value)).collect();
            let yaml = Node::mapping(None, entries).to_yaml();
            redactor.resource(resources(yaml.as_bytes()).unwrap().remove(0)).data
        };
        prop_assert_eq!(secret(before.clone()) == secret(after.clone()), before == after);
        prop_assert_eq!(secret(before.clone()), secret(before));
    }
}

fn name() -> Node {
    Node::mapping(None, vec![(Node::string("name"), Node::string("a"))])
}

/// Documents without numbers that lose their text, tags or merges, which serde_yaml reads differently.
#[test]
fn serde_yaml_reads_the_same() {
    for yaml in [
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {x: y, 'z': \"w\"}\ndata:\n  file: |\n    one\n      two\n  folded: >-\n    one\n    two\n",
        "a: &x [1, -2, 3.5, true, null, text with spaces]\nb: *x\nc:\n- - nested\n  - {k: v}\n-\n",
        "spec:\n  containers:\n  - name: app\n    image: ghcr.io/a/b:v1.2.3\n    args: [\"--x=1\", '--y']\n    env:\n    - {name: A, value: \"1\"}\n",
    ] {
        let theirs: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
        let ours = read(yaml.as_bytes()).unwrap().remove(0);
        assert_eq!(ours.to_display_json(), theirs, "{yaml}");
        let rewritten: serde_json::Value = serde_yaml::from_str(&ours.to_yaml()).unwrap();
        assert_eq!(rewritten, theirs, "{yaml}");
    }
}

/// A text of 100 KB that stands for 10 GB: cheap in nodes, ruinous to write out.
#[test]
fn a_text_repeated_by_aliases_without_end_is_unparsable() {
    let long = "x".repeat(100_000);
    let aliases = "- *a\n".repeat(100_000);
    let file = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\na: &a {long}\nlist:\n{aliases}");
    let error = kubestats::manifest::resources::resources(file.as_bytes()).unwrap_err();
    assert!(error.message.contains("64 MiB"), "{error}");
}
