//! The properties with random bytes, random tokens and random data.

use kubestats::manifest::redact::Redactor;
use kubestats::manifest::resources::resources;
use kubestats::manifest::yaml::{Node, Scalar, ScalarType, read};
use proptest::collection::vec;
use proptest::prelude::*;

use super::properties::{
    changes_are_what_differs, check_changes, json_is_exact, planted_credentials_are_redacted,
    reading_keeps_its_budgets, stored_json_is_stable, written_data_are_read_back, yaml_is_exact,
};
use super::restyled::restyled;
use super::{node, text};

/// Pieces of YAML in any order: what a parser has to expect, without rhyme or reason.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "\n",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\r\n",
        "\t",
        " ",
        "  ",
        "a",
        "b",
        "a: ",
        "b:",
        "? ",
        ": ",
        "- ",
        "-",
        ",",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "&b ",
        "*a",
        "*b",
        "*a ",
        "<<: ",
        "!x ",
        "!!int ",
        "!!str ",
        "!<y> ",
        "! ",
        "|\n",
        "|-\n  ",
        "|2\n   ",
        ">\n  ",
        ">+\n",
        "'",
        "''",
        "\"",
        "\\n",
        "\\",
        "#",
        " # c\n",
        "---",
        "\n---\n",
        "\n--- ",
        "\n...\n",
        "%YAML 1.2\n",
        "%TAG ! x\n",
        "1",
        "0x1",
        "1.10",
        "~",
        "null",
        "true",
        "é",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "𝄞",
    ];
    vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

/// Members of the stored form in any order.
fn json_soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"a\":",
        "\"!x\":",
        "\"!!int\":",
        "\"!!pairs\":[[",
        "]]",
        "\"!!str a\":",
        "\"!<y>\":",
        "1.10",
        "-0",
        "1e9",
        "null",
        "true",
        " ",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "{}",
        "[]",
        "\"",
        "{\"!x\":\"y\"}",
    ];
    vec(prop::sample::select(pieces), 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_bytes_keeps_the_budgets(bytes in vec(any::<u8>(), 0..200)) {
        reading_keeps_its_budgets(&bytes);
    }

    #[test]
    fn reading_pieces_of_yaml_keeps_the_budgets(text in soup()) {
        reading_keeps_its_budgets(text.as_bytes());
        written_data_are_read_back(text.as_bytes());
        changes_are_what_differs(text.as_bytes());
        let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&utf16), read(text.as_bytes()));
    }

    #[test]
    fn stored_json_is_refused_or_stable(text in json_soup()) {
        stored_json_is_stable(&text);
    }

    #[test]
    fn written_data_are_the_same_data(node in node()) {
        yaml_is_exact(&node);
        json_is_exact(&node);
    }

    #[test]
    fn style_does_not_count(node in node(), choices in vec(any::<u8>(), 0..200)) {
        let yaml = restyled(&node, &choices);
        prop_assert_eq!(read(yaml.as_bytes()), Ok(vec![node]), "{}", yaml);
        reading_keeps_its_budgets(yaml.as_bytes());
    }

    #[test]
    fn every_scalar_counts(node in node(), at in any::<prop::sample::Index>(), other_type in any::<bool>()) {
        let count = scalars(&node);
        prop_assume!(count > 0);
        let mut left = at.index(count);
        let changed = with_scalar_changed(&node, &mut left, other_type);
        prop_assert_ne!(&changed, &node);
        prop_assert_ne!(changed.to_json(), node.to_json());
        prop_assert_ne!(read(changed.to_yaml().as_bytes()), read(node.to_yaml().as_bytes()));
        check_changes(&node, &changed);
    }

    #[test]
    fn changes_are_empty_exactly_for_the_same_data(before in node(), after in node()) {
        check_changes(&before, &after);
        check_changes(&before, &before.clone());
    }

    #[test]
    fn planted_credentials_do_not_show(text in prop_oneof![text(), soup()]) {
        planted_credentials_are_redacted(&text);
    }

    #[test]
    fn redaction_keeps_equality(before in node(), after in node()) {
        let redactor = Redactor::new(b"key");
        let name = Node::mapping(None, vec![(Node::string("name"), Node::string("a"))]);
        let secret = |data: Node| {
            let pairs = [("apiVersion", Node::string("v1")), ("kind", Node::string("Secret")), ("metadata", name.clone()), ("data", data)];
            let entries = pairs.into_iter().map(|(key, value)| (Node::string(key), value)).collect();
            let yaml = Node::mapping(None, entries).to_yaml();
            redactor.resource(resources(yaml.as_bytes()).unwrap().remove(0)).data
        };
        prop_assert_eq!(secret(before.clone()) == secret(after.clone()), before == after);
        prop_assert_eq!(secret(before.clone()), secret(before));
    }
}

/// Scalars of a tree that stand as values or items. Keys do not: a changed key may be equal to another.
fn scalars(node: &Node) -> usize {
    match node {
        Node::Scalar(_) => 1,
        Node::Sequence(sequence) => sequence.items().iter().map(scalars).sum(),
        Node::Mapping(mapping) => mapping.entries().iter().map(|(_, value)| scalars(value)).sum(),
    }
}

/// The tree with its scalar number `left` made another one, by type or by text.
fn with_scalar_changed(node: &Node, left: &mut usize, other_type: bool) -> Node {
    match node {
        Node::Scalar(scalar) => {
            let here = *left == 0;
            *left = left.wrapping_sub(1);
            if here { Node::Scalar(changed(scalar, other_type)) } else { node.clone() }
        }
        Node::Sequence(sequence) => {
            let items = sequence.items().iter().map(|item| with_scalar_changed(item, left, other_type));
            Node::sequence(sequence.tag().cloned(), items.collect())
        }
        Node::Mapping(mapping) => {
            let entries = mapping
                .entries()
                .iter()
                .map(|(key, value)| (key.clone(), with_scalar_changed(value, left, other_type)));
            Node::mapping(mapping.tag().cloned(), entries.collect())
        }
    }
}

fn changed(scalar: &Scalar, other_type: bool) -> Scalar {
    let (scalar_type, text) = (scalar.scalar_type().clone(), scalar.shared_text());
    match scalar_type {
        // All nulls are the same, whatever their text.
        ScalarType::Null => Scalar::new(ScalarType::Str, text),
        ScalarType::Str if other_type => Scalar::new(ScalarType::Int, text),
        _ if other_type => Scalar::new(ScalarType::Str, text),
        scalar_type => Scalar::new(scalar_type, format!("{text}0")),
    }
}
