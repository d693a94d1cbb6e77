//! Nodes as YAML text.

use super::core_schema::{PREFIX, plain_type};
use super::emitter::{Emitter, Refused, Style, Tags};
use super::json::core_name;
use super::{Node, Scalar, ScalarType};

impl Node {
    /// This node as one YAML document in block style, exact: reading it gives the same data. Strings are quoted only when they must be and
    /// stand as literal blocks when they have several lines; numbers keep their source text. Anchors and merge keys stay expanded.
    pub fn to_yaml(&self) -> String {
        let tags = if has_unescaped_tag(self) { Tags::InFull } else { Tags::Short };
        let written = Emitter::new(tags).and_then(|mut emitter| {
            emit(&mut emitter, self)?;
            emitter.finish()
        });
        // Only a text over 2 GiB can be refused. JSON is YAML too, so even then nobody gets half a document.
        let bytes = written.unwrap_or_else(|Refused| self.to_json().into_bytes());
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Whether a tag has characters that end a short tag, but that libyaml does not escape in one: `!<!a,b>` would become `!a,b`.
fn has_unescaped_tag(node: &Node) -> bool {
    let inside = match node {
        Node::Scalar(_) => false,
        Node::Sequence(sequence) => sequence.items().iter().any(has_unescaped_tag),
        Node::Mapping(mapping) => {
            mapping.entries().iter().any(|(key, value)| has_unescaped_tag(key) || has_unescaped_tag(value))
        }
    };
    inside || node.tag().is_some_and(|tag| tag.contains([',', '[', ']']))
}

fn emit(emitter: &mut Emitter, node: &Node) -> Result<(), Refused> {
    match node {
        Node::Scalar(scalar) => emit_scalar(emitter, scalar),
        Node::Sequence(sequence) => {
            emitter.sequence_start(sequence.tag().map(|tag| &**tag))?;
            sequence.items().iter().try_for_each(|item| emit(emitter, item))?;
            emitter.sequence_end()
        }
        Node::Mapping(mapping) => {
            emitter.mapping_start(mapping.tag().map(|tag| &**tag))?;
            mapping.entries().iter().try_for_each(|(key, value)| {
                emit(emitter, key)?;
                emit(emitter, value)
            })?;
            emitter.mapping_end()
        }
    }
}

fn emit_scalar(emitter: &mut Emitter, scalar: &Scalar) -> Result<(), Refused> {
    let text = scalar.text();
    match scalar.scalar_type() {
        ScalarType::Null => emitter.scalar(None, "null", Style::Plain),
        ScalarType::Str => emitter.scalar(None, text, string_style(text)),
        ScalarType::Custom(tag) => emitter.scalar(Some(tag), text, tagged_style(text)),
        core if plain_type(text) == *core => emitter.scalar(None, text, Style::Plain),
        core => emitter.scalar(Some(&format!("{PREFIX}{}", core_name(core))), text, Style::DoubleQuoted),
    }
}

/// A style in which the text is a string. libyaml itself turns plain into quoted where the characters ask for it, but knows no types.
fn string_style(text: &str) -> Style {
    if fits_literal(text) {
        Style::Literal
    } else if text == "<<" || plain_type(text) != ScalarType::Str {
        Style::SingleQuoted
    } else if ambiguous(text) {
        Style::DoubleQuoted
    } else {
        Style::Plain
    }
}

fn tagged_style(text: &str) -> Style {
    if text.is_empty() || ambiguous(text) { Style::DoubleQuoted } else { Style::Plain }
}

/// Several lines that a literal block gives back as they are: nothing to escape, and no white space that the eye or an indentation
/// indicator would have to guess.
fn fits_literal(text: &str) -> bool {
    let printable =
        |character: char| character == '\n' || character == '\t' || !(character.is_control() || is_special(character));
    text.trim_end_matches('\n').contains('\n') | (text.len() > 1 && text.ends_with('\n'))
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(printable)
        && !text.lines().any(|line| line.ends_with([' ', '\t']))
}

/// Texts with characters that libyaml folds, escapes or refuses.
fn ambiguous(text: &str) -> bool {
    text.chars().any(|character| character.is_control() || is_special(character))
}

/// Line breaks of Unicode, the byte-order mark, and what is no character.
fn is_special(character: char) -> bool {
    matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
