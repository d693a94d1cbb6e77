//! Nodes as JSON: an exact form for storage and a plain one for API users.
//!
//! The exact form ([`Node::to_json`], [`Node::from_json`]) gives back the same data:
//!
//! | node | JSON |
//! |---|---|
//! | string, null, boolean | the same; null whatever its spelling |
//! | number whose text is a JSON number | that text: `1.10` stays `1.10`, any length |
//! | other number or boolean | `{"!!int":"0644"}`, `{"!!float":".nan"}`, `{"!!bool":"yes"}` |
//! | sequence, mapping | array, object, in source order |
//! | node with its own tag | `{"!tag": value}`, or `{"!<tag>": value}` for a tag not of the form `!name` |
//! | key | its text, when that text unquoted in YAML has the key's type: `name`, `8080`, `true` |
//! | other key of a core type | `!!type text`: the string 8080 is `!!str 8080`, the string `!x` is `!!str !x` |
//! | mapping with a key that is a collection or has its own tag | `{"!!pairs":[[key, value], …]}` |
//!
//! No key of a real mapping is written with a leading `!` other than as `!!type text`, so nothing can be mistaken for a tag.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::core_schema::plain_type;
use super::{Mapping, Node, Scalar, ScalarType};

impl Node {
    /// The exact JSON form; [`Node::from_json`] reads it back to the same data.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json);
        json
    }

    /// As [`Node::to_json`], behind what `json` holds.
    pub fn write_json(&self, json: &mut String) {
        let mut writer = Writer { json: std::mem::take(json), limit: usize::MAX };
        writer.node(self);
        *json = writer.json;
    }

    /// As [`Node::to_json`], but None when that would be more than `limit` bytes; costs no more than the limit, whatever aliases expand to.
    pub fn to_json_within(&self, limit: usize) -> Option<String> {
        let mut writer = Writer { json: String::new(), limit };
        writer.node(self);
        (!writer.is_over()).then_some(writer.json)
    }

    /// JSON for people and programs that know no YAML: numbers that survive a round trip through `i64`, `u64` or `f64` are numbers, all
    /// others are strings of their source text; tags are dropped; a key is its source text (the exact JSON form if it is a collection).
    pub fn to_display_json(&self) -> Value {
        match self {
            Self::Scalar(scalar) => display_scalar(scalar),
            Self::Sequence(sequence) => sequence.items().iter().map(Self::to_display_json).collect(),
            Self::Mapping(mapping) => {
                let mut object = serde_json::Map::with_capacity(mapping.entries().len());
                for (key, value) in mapping.entries() {
                    let mut text = key.display_key().into_owned();
                    if object.contains_key(&text) {
                        // Two keys that only their type tells apart (1 and "1"): neither may get lost.
                        text = key.to_json();
                    }
                    object.insert(text, value.to_display_json());
                }
                Value::Object(object)
            }
        }
    }

    /// How this node is spelled as a key of an object for display and as a token of a JSON pointer.
    pub(crate) fn display_key(&self) -> Cow<'_, str> {
        match self {
            Self::Scalar(scalar) if *scalar.scalar_type() == ScalarType::Null => Cow::Borrowed("null"),
            Self::Scalar(scalar) => Cow::Borrowed(scalar.text()),
            _ => Cow::Owned(self.to_json()),
        }
    }
}

fn display_scalar(scalar: &Scalar) -> Value {
    match scalar.scalar_type() {
        ScalarType::Null => Value::Null,
        ScalarType::Bool => boolean(scalar.text()).map_or_else(|| scalar.text().into(), Value::Bool),
        ScalarType::Int | ScalarType::Float => display_number(scalar.text()).unwrap_or_else(|| scalar.text().into()),
        ScalarType::Str | ScalarType::Custom(_) => scalar.text().into(),
    }
}

fn display_number(text: &str) -> Option<Value> {
    let value = match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(number), _) => Value::from(number),
        (_, Ok(number)) => Value::from(number),
        _ => Value::from(text.parse::<f64>().ok()?),
    };
    let shown = value.to_string();
    (shown == text).then_some(value)
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Collects JSON up to a limit; what comes behind it is dropped.
struct Writer {
    json: String,
    /// Bytes.
    limit: usize,
}

impl Writer {
    fn is_over(&self) -> bool {
        self.json.len() > self.limit
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Scalar(scalar) => self.scalar(scalar),
            Node::Sequence(sequence) => self.tagged(sequence.tag().map(|tag| &**tag), |writer| {
                writer.list('[', ']', sequence.items(), Self::node);
            }),
            Node::Mapping(mapping) => self.tagged(mapping.tag().map(|tag| &**tag), |writer| writer.mapping(mapping)),
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        let text = scalar.text();
        match scalar.scalar_type() {
            ScalarType::Null => self.json.push_str("null"),
            ScalarType::Str => self.string(text),
            ScalarType::Bool if boolean(text) == Some(true) => self.json.push_str("true"),
            ScalarType::Bool if boolean(text) == Some(false) => self.json.push_str("false"),
            ScalarType::Custom(tag) => self.tagged(Some(tag), |writer| writer.string(text)),
            number if is_json_number(text) && plain_type(text) == *number => self.json.push_str(text),
            other => {
                self.json.push_str("{\"!!");
                self.json.push_str(core_name(other));
                self.json.push_str("\":");
                self.string(text);
                self.json.push('}');
            }
        }
    }

    fn mapping(&mut self, mapping: &Mapping) {
        let textual =
            |key: &Node| key.as_scalar().is_some_and(|key| !matches!(key.scalar_type(), ScalarType::Custom(_)));
        if mapping.entries().iter().all(|(key, _)| textual(key)) {
            self.list('{', '}', mapping.entries(), |writer, (key, value)| {
                writer.key(key);
                writer.json.push(':');
                writer.node(value);
            });
            return;
        }
        self.json.push_str("{\"!!pairs\":");
        self.list('[', ']', mapping.entries(), |writer, (key, value)| {
            writer.json.push('[');
            writer.node(key);
            writer.json.push(',');
            writer.node(value);
            writer.json.push(']');
        });
        self.json.push('}');
    }

    /// A key of a core type.
    fn key(&mut self, key: &Node) {
        let Some(key) = key.as_scalar() else { return };
        let text = key.text();
        if *key.scalar_type() == ScalarType::Null {
            self.json.push_str("\"null\"");
        } else if !text.starts_with('!') && plain_type(text) == *key.scalar_type() {
            self.string(text);
        } else {
            self.string(&format!("!!{} {text}", core_name(key.scalar_type())));
        }
    }

    fn tagged(&mut self, tag: Option<&str>, value: impl FnOnce(&mut Self)) {
        let Some(tag) = tag else { return value(self) };
        let named = tag.strip_prefix('!').is_some_and(|name| !name.is_empty() && !name.starts_with(['!', '<']));
        self.json.push('{');
        if named {
            self.string(tag);
        } else {
            self.string(&format!("!<{tag}>"));
        }
        self.json.push(':');
        value(self);
        self.json.push('}');
    }

    fn list<T>(&mut self, open: char, close: char, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.json.push(open);
        for (at, one) in items.iter().enumerate() {
            if self.is_over() {
                return;
            }
            if at > 0 {
                self.json.push(',');
            }
            item(self, one);
        }
        self.json.push(close);
    }

    /// A JSON string; only what must be escaped is.
    fn string(&mut self, text: &str) {
        if text.len() > self.limit {
            // Over the limit whatever follows: the text itself is not needed.
            self.limit = 0;
            self.json.push_str("\"\"");
            return;
        }
        self.json.push('"');
        let mut rest = text;
        while let Some(at) = special(rest.as_bytes()) {
            let (plain, special) = rest.split_at(at);
            self.json.push_str(plain);
            self.escape(special.as_bytes().first().copied().unwrap_or_default());
            // The special character is one byte long.
            rest = special.get(1..).unwrap_or_default();
        }
        self.json.push_str(rest);
        self.json.push('"');
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' => self.json.push_str("\\\""),
            b'\\' => self.json.push_str("\\\\"),
            b'\n' => self.json.push_str("\\n"),
            b'\r' => self.json.push_str("\\r"),
            b'\t' => self.json.push_str("\\t"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(self.json, "\\u{control:04x}");
            }
        }
    }
}

/// Where the first byte stands that must be escaped.
fn special(text: &[u8]) -> Option<usize> {
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    // Most texts have none: that is quickest to see for many bytes at once.
    let plain =
        text.chunks(32).take_while(|bytes| !bytes.iter().fold(false, |any, byte| any | is_special(byte))).count();
    let checked = (plain * 32).min(text.len());
    text[checked..].iter().position(is_special).map(|at| checked + at)
}

/// The tag of a core type without `!!`.
pub(super) fn core_name(scalar_type: &ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Null => "null",
        ScalarType::Bool => "bool",
        ScalarType::Int => "int",
        ScalarType::Float => "float",
        ScalarType::Str | ScalarType::Custom(_) => "str",
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
pub(super) fn is_json_number(text: &str) -> bool {
    fn digits(text: &str) -> (usize, &str) {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        (length, &text[length..])
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (length, mut rest) = digits(unsigned);
    if length == 0 || (length > 1 && unsigned.starts_with('0')) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let (length, after) = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = after;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let (length, after) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        return length > 0 && after.is_empty();
    }
    rest.is_empty()
}
