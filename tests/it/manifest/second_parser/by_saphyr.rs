//! The rules of the data once more, slowly, over the events of saphyr.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::Utf8Error;
use std::sync::{Arc, LazyLock};

use kubestats::manifest::yaml::{Node, Scalar, ScalarType, Unparsable, read};
use regex::Regex;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::Outcome;

pub fn compare(ours: &Result<Vec<Node>, Unparsable>, text: Result<&str, Utf8Error>) -> Outcome {
    let Ok(text) = text else { return Outcome::Equal };
    match (ours, documents(text)) {
        (Err(_), Err(_)) => Outcome::Equal,
        (Ok(_), Err(_)) => Outcome::Explained("only ours: saphyr is stricter"),
        (Err(error), Ok(_)) => Outcome::Unexplained(format!("only theirs, ours: {error}")),
        (Ok(ours), Ok(theirs)) if *ours == theirs => Outcome::Equal,
        (Ok(_), Ok(theirs)) if !text.ends_with('\n') && read(format!("{text}\n").as_bytes()) == Ok(theirs.clone()) => {
            Outcome::Explained("trap: a block gets the line break that the file's end lacks")
        }
        (Ok(ours), Ok(theirs)) => Outcome::Unexplained(first_difference(ours, &theirs)),
    }
}

fn first_difference(ours: &[Node], theirs: &[Node]) -> String {
    let pair = ours.iter().zip(theirs).find(|(one, two)| one != two);
    let Some((one, two)) = pair else { return format!("{} documents and {}", ours.len(), theirs.len()) };
    let change = kubestats::scan::changes::changes(one, two).list.remove(0);
    format!("{}: {:?} and {:?}", change.pointer, change.before, change.after)
}

/// All documents, or a word why there are none.
fn documents(text: &str) -> Result<Vec<Node>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut loader = Loader { parser: Parser::new_from_str(text), anchors: HashMap::new() };
    let mut documents = Vec::new();
    loop {
        match loader.next()? {
            Event::StreamEnd => return Ok(documents),
            Event::DocumentStart(_) => {
                loader.anchors.clear();
                let event = loader.next()?;
                documents.push(loader.node(event)?);
            }
            _ => {}
        }
    }
}

struct Loader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// By the number that saphyr gives to each definition.
    anchors: HashMap<usize, Node>,
}

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        let (event, _) = self.parser.next().ok_or("no more events")?.map_err(|error| error.to_string())?;
        Ok(event)
    }

    fn node(&mut self, event: Event<'a>) -> Result<Node, String> {
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.anchors.get(&anchor).cloned().ok_or_else(|| "an alias".to_owned()),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let scalar_type = scalar_type(&text, plain, tag.as_deref());
                (anchor, Node::Scalar(Scalar::new(scalar_type, &*text)))
            }
            Event::SequenceStart(anchor, tag) => (anchor, self.sequence(collection_tag(tag.as_deref()))?),
            Event::MappingStart(anchor, tag) => (anchor, self.mapping(collection_tag(tag.as_deref()))?),
            other => return Err(format!("{other:?} where a node should be")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, tag: Option<Arc<str>>) -> Result<Node, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Node::sequence(tag, items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self, tag: Option<Arc<str>>) -> Result<Node, String> {
        let (mut own, mut sources) = (Vec::<(Node, Node)>::new(), Vec::new());
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event)?;
            let event = self.next()?;
            let value = self.node(event)?;
            if merge {
                match &value {
                    Node::Mapping(_) => sources.push(value),
                    Node::Sequence(sequence) => sources.extend_from_slice(sequence.items()),
                    Node::Scalar(_) => return Err("a merge".to_owned()),
                }
            } else if own.iter().any(|(earlier, _)| *earlier == key) {
                return Err("equal keys".to_owned());
            } else {
                own.push((key, value));
            }
        }
        for source in sources {
            for (key, value) in source.as_mapping().ok_or("a merge")?.entries() {
                if own.iter().all(|(earlier, _)| earlier != key) {
                    own.push((key.clone(), value.clone()));
                }
            }
        }
        Ok(Node::mapping(tag, own))
    }
}

/// The YAML 1.2 core schema, as the specification prints it.
fn scalar_type(text: &str, plain: bool, tag: Option<&Tag>) -> ScalarType {
    static PATTERNS: LazyLock<[(ScalarType, Regex); 5]> = LazyLock::new(|| {
        [
            (ScalarType::Null, r"^(null|Null|NULL|~|)$"),
            (ScalarType::Bool, r"^(true|True|TRUE|false|False|FALSE)$"),
            (ScalarType::Int, r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
            (ScalarType::Float, r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
            (ScalarType::Float, r"^([-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)$"),
        ]
        .map(|(scalar_type, pattern)| (scalar_type, Regex::new(pattern).unwrap()))
    });
    let core = |tag: &str| match tag {
        "tag:yaml.org,2002:str" => Some(ScalarType::Str),
        "tag:yaml.org,2002:int" => Some(ScalarType::Int),
        "tag:yaml.org,2002:float" => Some(ScalarType::Float),
        "tag:yaml.org,2002:bool" => Some(ScalarType::Bool),
        "tag:yaml.org,2002:null" => Some(ScalarType::Null),
        _ => None,
    };
    match tag.map(whole_tag) {
        Some(tag) if tag != "!" => core(&tag).unwrap_or_else(|| ScalarType::Custom(Arc::from(&*tag))),
        _ if plain => {
            let found = PATTERNS.iter().find(|(_, pattern)| pattern.is_match(text));
            found.map_or(ScalarType::Str, |(scalar_type, _)| scalar_type.clone())
        }
        _ => ScalarType::Str,
    }
}

fn collection_tag(tag: Option<&Tag>) -> Option<Arc<str>> {
    let tag = whole_tag(tag?);
    let ordinary = matches!(&*tag, "!" | "tag:yaml.org,2002:map" | "tag:yaml.org,2002:seq");
    (!ordinary).then(|| Arc::from(&*tag))
}

fn whole_tag(tag: &Tag) -> Cow<'_, str> {
    Cow::Owned(format!("{}{}", tag.handle, tag.suffix))
}
