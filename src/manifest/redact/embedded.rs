//! Manifests of secrets inside texts: patches, files in ConfigMaps, templates.

use std::sync::LazyLock;

use regex::Regex;

use super::super::yaml::{Node, read};
use super::is_of_kind;

/// Whether it is worth to look into a text: nearly every one ends here.
pub(super) fn mentions_secret(text: &str) -> bool {
    text.contains("Secret")
        && text.contains("kind")
        && (text.contains("data") || text.contains("Data"))
        && text.contains(['\n', '{'])
}

/// Whether a text is YAML (JSON is, too) with the values of a `Secret` in it. A text that is no YAML, a template for
/// instance, is judged by its lines.
pub(super) fn holds_secret(text: &str) -> bool {
    mentions_secret(text)
        && match read(text.as_bytes()) {
            Ok(documents) => documents.iter().any(has_secret),
            Err(_) => LINES.iter().all(|line| line.is_match(text)),
        }
}

/// A patch may leave the `apiVersion` out.
fn has_secret(node: &Node) -> bool {
    match node {
        Node::Scalar(_) => false,
        Node::Sequence(sequence) => sequence.items().iter().any(has_secret),
        Node::Mapping(mapping) => {
            let values = ["data", "stringData"].into_iter().any(|key| mapping.get(key).is_some());
            (values && is_of_kind(Some(node), "Secret")) || mapping.entries().iter().any(|(_, value)| has_secret(value))
        }
    }
}

/// `kind: Secret`, and `data:` or `stringData:`.
static LINES: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    let patterns = [r#"["']?kind["']?[ \t]*:[ \t]*["']?Secret(?:\W|$)"#, r#"(?:data|stringData)["']?[ \t]*:"#];
    patterns.map(|pattern| Regex::new(pattern).expect("the pattern is constant and a test runs it"))
});

#[cfg(test)]
mod tests {
    use super::holds_secret;

    #[test]
    fn manifests_with_values_are_seen_however_they_are_written() {
        for text in [
            "kind: Secret\nstringData:\n  a: b\n",
            "apiVersion: v1\nkind: Secret\ndata: {a: b}\n",
            "a: 1\n---\n- {kind: 'Secret', data: {a: b}}\n",
            " [{\"kind\": \"Secret\", \"stringData\": {\"a\": \"b\"}}]",
            "{{ if .x }}\nkind: Secret\nstringData:\n  a: b\n{{ end }}\n",
        ] {
            assert!(holds_secret(text), "{text}");
        }
    }

    #[test]
    fn texts_that_only_name_secrets_are_not() {
        for text in [
            "kind: Secret\nmetadata: {name: a}\n",
            "kind: SecretStore\ndata: {a: b}\n",
            "kind: ConfigMap\ndata: {kind: Secret}\n",
            "{{ x }}\nkind: SecretStore\ndata: 1\n",
            "the kind of data in a Secret",
        ] {
            assert!(!holds_secret(text), "{text}");
        }
    }
}
