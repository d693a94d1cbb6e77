//! serde_yaml's data against ours, and the names of its traps.

use std::collections::BTreeSet;
use std::str::Utf8Error;
use std::sync::LazyLock;

use kubestats::manifest::yaml::{Mapping, Node, Scalar, ScalarType, Unparsable};
use regex::Regex;
use serde::Deserialize;
use serde_yaml::Value;

use super::Outcome;

const REDEFINED: &str = "trap: an anchor defined again";

pub fn compare(ours: &Result<Vec<Node>, Unparsable>, text: Result<&str, Utf8Error>) -> Outcome {
    let Ok(text) = text else {
        return match ours {
            Ok(_) => Outcome::Explained("only ours: UTF-16"),
            Err(_) => Outcome::Equal,
        };
    };
    match (ours, documents(text)) {
        (Err(_), Err(_)) => Outcome::Equal,
        (Ok(_), Err(error)) => only_ours(text, &error.to_string()),
        (Err(error), Ok(_)) => only_theirs(&error.message),
        (Ok(ours), Ok(theirs)) if ours.is_empty() && theirs == [Value::Null] => {
            Outcome::Explained("trap: a stream without documents is null")
        }
        (Ok(ours), Ok(theirs)) => {
            let mut traps = BTreeSet::new();
            let same = ours.len() == theirs.len()
                && ours.iter().zip(&theirs).all(|(one, two)| same_data(one, two, &mut traps));
            match traps.pop_first() {
                _ if !same && defines_an_anchor_again(text) => Outcome::Explained(REDEFINED),
                _ if !same => Outcome::Unexplained(first_difference(ours, &theirs)),
                Some(trap) => Outcome::Explained(trap),
                None => Outcome::Equal,
            }
        }
    }
}

fn first_difference(ours: &[Node], theirs: &[Value]) -> String {
    let differ = |(one, two): &(&Node, &Value)| !same_data(one, two, &mut BTreeSet::new());
    match ours.iter().zip(theirs).find(differ) {
        Some((Node::Mapping(ours), Value::Mapping(theirs))) if ours.entries().len() == theirs.len() => {
            let differ = |((_, one), (_, two)): &(&(Node, Node), (&Value, &Value))| differ(&(one, two));
            format!("{:?}", ours.entries().iter().zip(theirs).find(differ))
        }
        pair => format!("{pair:?}"),
    }
}

/// All documents, merge keys applied. Going on behind an error panics, so the first one ends it.
fn documents(text: &str) -> Result<Vec<Value>, serde_yaml::Error> {
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut value = Value::deserialize(document)?;
        // What `<<` brings may hold `<<` itself, and each call only goes one step further.
        let steps = if text.contains("<<") { 10 } else { 0 };
        (0..steps).try_for_each(|_| value.apply_merge())?;
        documents.push(value);
    }
    Ok(documents)
}

/// Why serde_yaml refuses what we read.
fn only_ours(text: &str, error: &str) -> Outcome {
    // An alias to the wrong node may be one to no mapping, or to a node that holds the alias.
    let by_alias = ["unknown anchor", "recursion limit", "for merging"].iter().any(|sign| error.contains(sign));
    if by_alias && defines_an_anchor_again(text) {
        return Outcome::Explained(REDEFINED);
    }
    Outcome::Unexplained(format!("only ours, theirs: {error}"))
}

/// Why we refuse what serde_yaml reads: the rules of the data that it does not know.
fn only_theirs(message: &str) -> Outcome {
    Outcome::Unexplained(format!("only theirs, ours: {message}"))
}

fn defines_an_anchor_again(text: &str) -> bool {
    static ANCHOR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"&[A-Za-z0-9_-]+").unwrap());
    let mut seen = BTreeSet::new();
    ANCHOR.find_iter(text).any(|anchor| !seen.insert(anchor.as_str()))
}

/// Whether both are the same but for traps, which are noted.
fn same_data(ours: &Node, theirs: &Value, traps: &mut BTreeSet<&'static str>) -> bool {
    match (ours, theirs) {
        (Node::Scalar(scalar), _) => same_scalar(scalar, theirs, traps),
        (Node::Sequence(sequence), Value::Sequence(items)) => {
            sequence.tag().is_none()
                && sequence.items().len() == items.len()
                && sequence.items().iter().zip(items).all(|(one, two)| same_data(one, two, traps))
        }
        (Node::Mapping(mapping), Value::Mapping(entries)) => {
            mapping.tag().is_none() && same_entries(mapping, entries, traps)
        }
        (_, Value::Tagged(tagged)) => {
            let untagged = match ours {
                Node::Scalar(_) => return false,
                Node::Sequence(sequence) => Node::sequence(None, sequence.items().to_vec()),
                Node::Mapping(mapping) => Node::mapping(None, mapping.entries().to_vec()),
            };
            ours.tag().is_some_and(|tag| tagged.tag == **tag) && same_data(&untagged, &tagged.value, traps)
        }
        _ => false,
    }
}

fn same_entries(ours: &Mapping, theirs: &serde_yaml::Mapping, traps: &mut BTreeSet<&'static str>) -> bool {
    ours.entries().len() == theirs.len()
        && ours.entries().iter().zip(theirs).all(|((key, value), beside)| {
            // Without merge keys both have the order of the text.
            let mut found = Some(beside).filter(|(other, _)| same_data(key, other, &mut BTreeSet::new()));
            found = found.or_else(|| theirs.iter().find(|(other, _)| same_data(key, other, &mut BTreeSet::new())));
            found.is_some_and(|(other, value_of_other)| {
                same_data(key, other, traps) && same_data(value, value_of_other, traps)
            })
        })
}

fn same_scalar(ours: &Scalar, theirs: &Value, traps: &mut BTreeSet<&'static str>) -> bool {
    let text = ours.text();
    match (ours.scalar_type(), theirs) {
        (ScalarType::Null, Value::Null) => true,
        (ScalarType::Bool, Value::Bool(value)) => text.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        (ScalarType::Str, Value::String(other)) => text == other,
        (ScalarType::Int | ScalarType::Float, Value::Number(number)) => {
            if number.to_string() != text {
                traps.insert("trap: a number without its text");
            }
            same_number(text, number)
        }
        (ScalarType::Int, Value::String(other)) if text == other && has_leading_zero(text) => {
            traps.insert("trap: leading zeros make a string");
            true
        }
        (ScalarType::Custom(tag), Value::Null | Value::String(_)) if tag.starts_with("tag:yaml.org,2002:") => {
            traps.insert("trap: a tag of the core name space is dropped");
            theirs.as_str().unwrap_or_default() == text
        }
        (ScalarType::Custom(tag), Value::Tagged(tagged)) => tagged.tag == **tag && tagged.value.as_str() == Some(text),
        _ => false,
    }
}

fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn same_number(text: &str, number: &serde_yaml::Number) -> bool {
    let radix = |prefix, radix| text.strip_prefix(prefix).and_then(|digits| u64::from_str_radix(digits, radix).ok());
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return number.as_u64() == Some(value);
    }
    if let Ok(value) = text.parse::<i64>() {
        return number.as_i64() == Some(value);
    }
    match text.trim_start_matches(['-', '+']).to_ascii_lowercase().as_str() {
        ".nan" => number.is_nan(),
        ".inf" => number.is_infinite(),
        _ => text.parse::<f64>().is_ok_and(|value| number.as_f64() == Some(value)),
    }
}
