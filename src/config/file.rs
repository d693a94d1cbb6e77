//! A configuration file: keys by their path, each with its value and its line.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::values::Raw;

/// Longest piece of a file that a message repeats, in characters.
const SHOWN: usize = 60;

/// What the parser says of a key that is set twice.
const DUPLICATE: &str = "duplicate key";

/// One key and its value.
pub(super) struct Entry {
    /// Its path, as `server.listen`. A part that holds a dot itself is in quotes, and no key of ours.
    pub key: String,
    pub value: Raw,
    /// Counts from 1.
    pub line: usize,
}

/// A place where the file is no TOML.
pub(super) struct Mistake {
    pub line: usize,
    pub reason: String,
}

/// What a file says; nothing when it has mistakes.
#[derive(Default)]
pub(super) struct Parsed {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    pub mistakes: Vec<Mistake>,
}

/// The file's text, or what is wrong with it.
pub(super) fn read(path: &Path) -> Result<String, String> {
    if path.as_os_str().is_empty() {
        return Err("has no name: give a path, or do not set it".to_owned());
    }
    if path.is_dir() {
        return Err("is a folder; name a TOML file".to_owned());
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("does not exist; `kubestats config default` prints one to begin with".to_owned())
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => Err("is not UTF-8 text".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Reads TOML.
pub(super) fn parse(text: &str) -> Parsed {
    let (table, errors) = DeTable::parse_recoverable(text);
    let line = |span: &Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
    let mistake = |error: &toml::de::Error| {
        let span = error.span().unwrap_or_default();
        let message = error.message().replace('\n', ", ");
        // Only a key is repeated: the piece that is wrong may hold a password.
        let key = if message == DUPLICATE { format!(" {}", written(text, span.clone())) } else { String::new() };
        Mistake { line: line(&span), reason: format!("no valid TOML: {message}{key}") }
    };
    let mistakes: Vec<Mistake> = errors.iter().map(mistake).collect();
    if !mistakes.is_empty() {
        return Parsed { mistakes, entries: Vec::new() };
    }
    let mut found = Vec::new();
    collect(text, "", table.get_ref(), &mut found);
    found.sort_by_key(|(start, _)| *start);
    let entries = found.into_iter().map(|(start, (key, value))| Entry { key, value, line: line(&(start..start)) });
    Parsed { entries: entries.collect(), mistakes }
}

/// Every value below a table, with the place of its key.
fn collect(text: &str, prefix: &str, table: &DeTable<'_>, found: &mut Vec<(usize, (String, Raw))>) {
    for (name, value) in table {
        let part =
            if name.get_ref().contains('.') { format!("{:?}", name.get_ref()) } else { name.get_ref().to_string() };
        let key = format!("{prefix}{part}");
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => collect(text, &format!("{key}."), inner, found),
            // An empty section says nothing.
            DeValue::Table(_) => {}
            _ => found.push((name.span().start, (key, raw(text, value)))),
        }
    }
}

fn raw(text: &str, value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(string) => Raw::Text(string.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other(written(text, value.span())),
        },
        DeValue::Boolean(truth) => Raw::Truth(*truth),
        DeValue::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            texts.map_or_else(|| Raw::Other(written(text, value.span())), Raw::Texts)
        }
        _ => Raw::Other(written(text, value.span())),
    }
}

/// A piece of the file in one line.
fn written(text: &str, span: Range<usize>) -> String {
    let piece = text.get(span).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    if piece.chars().count() <= SHOWN { piece } else { piece.chars().take(SHOWN).chain(['…']).collect() }
}
