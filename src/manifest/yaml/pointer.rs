//! JSON pointers (RFC 6901) into nodes.

use super::Node;

impl Node {
    /// The node a JSON pointer leads to: `/spec/values/0`. The empty pointer is the node itself. A reference token matches a mapping
    /// key by its source text (null is `null`, a collection its exact JSON form), a string key before any other. None when nothing is there or the text is no pointer.
    pub fn pointer(&self, json_pointer: &str) -> Option<&Node> {
        if json_pointer.is_empty() {
            return Some(self);
        }
        let mut node = self;
        for token in json_pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            node = node.child(&token)?;
        }
        Some(node)
    }

    fn child(&self, token: &str) -> Option<&Node> {
        match self {
            Node::Scalar(_) => None,
            Node::Sequence(sequence) => sequence.items().get(index(token)?),
            Node::Mapping(mapping) => mapping.get(token).or_else(|| {
                let named = |key: &Node| key.as_str().is_none() && key.display_key() == token;
                mapping.entries().iter().find(|(key, _)| named(key)).map(|(_, value)| value)
            }),
        }
    }
}

/// A list index as RFC 6901 writes it: no sign, no leading zero.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    if canonical { token.parse().ok() } else { None }
}

/// Appends `/token` to a pointer, escaping `~` and `/`.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
}
