//! Reading the exact JSON form back. The form is described in [`super::json`].
//!
//! serde_json would do but for three things it has no options for: the source text of numbers, duplicate keys, and a depth that depends
//! on tags; so the grammar is walked here and serde_json only undoes the escapes of strings.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::core_schema::{collection_tag, plain_type, tagged_type};
use super::{Node, Scalar, ScalarType};

/// Why a text is not the exact JSON form of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {message}")]
pub struct JsonError {
    /// 0-based byte in the text.
    pub offset: usize,
    pub message: &'static str,
}

/// Levels of JSON: a node takes at most four (its tag, `!!pairs`, and the two arrays in it).
const MAX_LEVELS: u32 = 4 * super::MAX_DEPTH + 4;

impl Node {
    /// Reads what [`Node::to_json`] wrote. Any other JSON without duplicate keys can be read too; it means what the form says.
    ///
    /// # Errors
    /// Not JSON, equal keys in one mapping, a tag form with a value it cannot have, or nested too deep.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        let mut reader = Reader { text, at: 0 };
        let json = reader.value(1)?;
        reader.skip_space();
        if reader.at < text.len() {
            return Err(reader.error("text behind the value"));
        }
        reader.node(json)
    }
}

/// JSON as it stands.
enum Json<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError { offset: self.at, message }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips white space and then `byte`, if it is there.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, level: u32) -> Result<Json<'a>, JsonError> {
        if level > MAX_LEVELS {
            return Err(self.error("nested too deep"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'[') => self.array(level),
            Some(b'{') => self.object(level),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json<'a>, JsonError> {
        for (word, json) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(json);
            }
        }
        Err(self.error("not a JSON value"))
    }

    fn number(&mut self) -> Result<Json<'a>, JsonError> {
        let rest = &self.text[self.at..];
        let length =
            rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let number = &rest[..length];
        if !super::json::is_json_number(number) {
            return Err(self.error("not a JSON number"));
        }
        self.at += length;
        Ok(Json::Number(number))
    }

    /// Starts at the opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(0x20..) => end += 1,
                _ => return Err(self.error("a string without end")),
            }
        }
        self.at = end + 1;
        if escaped {
            let text = serde_json::from_str(&self.text[start..=end])
                .map_err(|_| JsonError { offset: start, message: "an escape that is none" })?;
            return Ok(Cow::Owned(text));
        }
        Ok(Cow::Borrowed(&self.text[start + 1..end]))
    }

    fn array(&mut self, level: u32) -> Result<Json<'a>, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(level + 1)?);
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected , or ]"));
            }
        }
    }

    fn object(&mut self, level: u32) -> Result<Json<'a>, JsonError> {
        self.at += 1;
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key"));
            }
            let key = self.string()?;
            if !self.take(b':') {
                return Err(self.error("expected :"));
            }
            members.push((key, self.value(level + 1)?));
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.error("expected , or }"));
            }
        }
    }

    fn node(&self, json: Json<'a>) -> Result<Node, JsonError> {
        let members = match json {
            Json::Object(members) => members,
            Json::Array(items) => {
                return self.nodes(items).map(|items| Node::sequence(None, items));
            }
            Json::Null => return Ok(scalar(ScalarType::Null, "null")),
            Json::Bool(value) => {
                return Ok(scalar(ScalarType::Bool, if value { "true" } else { "false" }));
            }
            Json::Number(text) => return Ok(scalar(plain_type(text), text)),
            Json::String(text) => return Ok(scalar(ScalarType::Str, &text)),
        };
        match <[_; 1]>::try_from(members) {
            Ok([(key, value)]) => match tag_of(&key) {
                Some(Tag::Core(scalar_type)) => match value {
                    Json::String(text) => Ok(scalar(scalar_type, &text)),
                    _ => Err(self.error("a scalar's tag on something else")),
                },
                Some(Tag::Own(tag)) => self.tagged(tag, value),
                None => self.mapping(None, vec![(key, value)]),
            },
            Err(members) => self.mapping(None, members),
        }
    }

    fn nodes(&self, items: Vec<Json<'a>>) -> Result<Vec<Node>, JsonError> {
        items.into_iter().map(|item| self.node(item)).collect()
    }

    fn tagged(&self, tag: &str, value: Json<'a>) -> Result<Node, JsonError> {
        if matches!(tag, "" | "!") || tag.contains('\0') {
            return Err(self.error("a tag that is none"));
        }
        match value {
            Json::String(text) => {
                let scalar_type = tagged_type(tag).unwrap_or_else(|| ScalarType::Custom(Arc::from(tag)));
                Ok(scalar(scalar_type, &text))
            }
            Json::Array(items) => {
                self.nodes(items).map(|items| Node::sequence(collection_tag(tag).map(Arc::from), items))
            }
            Json::Object(members) => self.mapping(collection_tag(tag).map(Arc::from), members),
            _ => Err(self.error("a tag on something that cannot have one")),
        }
    }

    #[expect(clippy::mutable_key_type, reason = "the hash that a node keeps does not change what it is")]
    fn mapping(&self, tag: Option<Arc<str>>, members: Vec<(Cow<'a, str>, Json<'a>)>) -> Result<Node, JsonError> {
        let mut entries = Vec::with_capacity(members.len());
        for (key, value) in members {
            match value {
                Json::Array(pairs) if key == "!!pairs" => {
                    for pair in pairs {
                        let Json::Array(pair) = pair else {
                            return Err(self.error("a pair that is no array"));
                        };
                        let [key, value] =
                            <[_; 2]>::try_from(pair).map_err(|_| self.error("a pair that is not two"))?;
                        entries.push((self.node(key)?, self.node(value)?));
                    }
                }
                value => entries.push((key_node(&key), self.node(value)?)),
            }
        }
        let mut seen = HashSet::with_capacity(entries.len());
        if !entries.iter().all(|(key, _)| seen.insert(key)) {
            return Err(self.error("two equal keys in one mapping"));
        }
        Ok(Node::mapping(tag, entries))
    }
}

fn scalar(scalar_type: ScalarType, text: &str) -> Node {
    Node::Scalar(Scalar::new(scalar_type, super::interner::share(text)))
}

/// What the only key of an object may say about its value.
enum Tag<'a> {
    Core(ScalarType),
    Own(&'a str),
}

/// The tag that the only key of an object stands for. `!!type text` and `!!pairs` are keys.
fn tag_of(key: &str) -> Option<Tag<'_>> {
    if let Some(verbatim) = key.strip_prefix("!<") {
        return verbatim.strip_suffix('>').map(Tag::Own);
    }
    match key.strip_prefix("!!") {
        Some(name @ ("int" | "float" | "bool")) => tagged_type(name).map(Tag::Core),
        Some(_) => None,
        None => key.starts_with('!').then_some(Tag::Own(key)),
    }
}

fn key_node(key: &str) -> Node {
    let typed = key.strip_prefix("!!").and_then(|rest| rest.split_once(' '));
    match typed.and_then(|(name, text)| tagged_type(name).map(|scalar_type| (scalar_type, text))) {
        Some((scalar_type, text)) => scalar(scalar_type, text),
        None if key.starts_with('!') => scalar(ScalarType::Str, key),
        None => scalar(plain_type(key), key),
    }
}
