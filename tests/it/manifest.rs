//! Reading, comparing and writing manifests: rule by rule, against random input, and against second parsers over real repositories.

mod budgets;
mod found;
mod generated;
mod kinds;
mod properties;
mod restyled;
mod second_parser;

use std::sync::Arc;

use kubestats::manifest::yaml::{Node, Scalar, ScalarType};
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
    prop::sample::select(vec!["!a", "!a!b", "!a,b[]", "!!int", "tag:example.com,2000:a b", "!é", "x"])
        .prop_map(Arc::from)
}

fn scalar() -> impl Strategy<Value = Node> {
    let scalar_type = prop_oneof![
        6 => Just(ScalarType::Str),
        1 => prop::sample::select(vec![ScalarType::Null, ScalarType::Bool, ScalarType::Int, ScalarType::Float]),
        1 => tag().prop_map(ScalarType::Custom),
    ];
    (scalar_type, text()).prop_map(|(scalar_type, text)| Node::Scalar(Scalar::new(scalar_type, text)))
}

/// Any data that a document may hold.
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

/// The entries whose keys are no earlier entry's key.
fn without_equal_keys(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut kept: Vec<(Node, Node)> = Vec::new();
    for (key, value) in entries {
        if kept.iter().all(|(earlier, _)| *earlier != key) {
            kept.push((key, value));
        }
    }
    kept
}
