//! Every example query of the playground answers with data, and with the same data every time.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::support::{ask_with, world};

/// Fields whose values differ from run to run: the time of the scan and its id.
const VOLATILE: [&str; 7] = ["recordedAt", "discoveredAt", "lastScanAt", "runId", "medianLag", "longestLag", "idle"];

/// Examples that only a process with a queue answers (`circle::answers`); here they have to be valid.
pub const OF_A_SERVER: [&str; 3] = ["21-what-the-server-does", "22-jobs-as-they-go", "23-events-as-they-come"];

/// The documents under `playground/queries`, in order.
fn documents() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/queries");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|name| name == "graphql")).collect();
    documents.sort();
    documents
}

fn variables(document: &Path) -> Value {
    match fs::read_to_string(document.with_extension("variables.json")) {
        Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", document.display())),
        Err(_) => json!({}),
    }
}

#[test]
fn every_example_answers_with_data() {
    let documents = documents();
    assert!(documents.len() >= 10, "{} examples", documents.len());
    for path in documents {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if OF_A_SERVER.contains(&name.as_str()) {
            continue;
        }
        let mut data = ask_with(&fs::read_to_string(&path).unwrap(), variables(&path));
        assert!(rows(&data) > 0, "{name} answers without a row");
        redact(&mut data);
        insta::assert_json_snapshot!(name, data);
    }
}

#[test]
fn every_example_has_a_title_a_description_and_a_name() {
    let documents = documents();
    for (index, path) in documents.iter().enumerate() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(comment.len() > 1, "{name} begins with `# Title` and a description");
        assert!(comment.iter().all(|line| line.starts_with("# ") && line.len() <= 100), "{name}: {comment:?}");
        assert!(
            text.lines()
                .nth(comment.len())
                .is_some_and(|line| ["query ", "subscription "].iter().any(|word| line.starts_with(word))),
            "{name} is a named query or subscription"
        );
        assert!(name.starts_with(&format!("{:02}-", index + 1)), "{name} is number {}", index + 1);
        let parsed = async_graphql::parser::parse_query(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(parsed.operations.iter().filter(|(operation, _)| operation.is_some()).count(), 1, "{name}");
    }
}

#[test]
fn examples_that_only_a_server_answers_are_valid() {
    for name in OF_A_SERVER {
        let path = documents().into_iter().find(|path| path.file_stem().unwrap().to_str() == Some(name)).unwrap();
        let response = world().block_on(async {
            let request = async_graphql::Request::new(fs::read_to_string(&path).unwrap());
            world().schema.execute_stream(request).next().await.unwrap()
        });
        // Past validation, into the first resolver that looks for a server, or for what a request is given.
        assert!(response.errors.iter().all(|error| !error.path.is_empty()), "{name}: {:?}", response.errors);
    }
}

#[test]
fn every_file_of_variables_belongs_to_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/queries");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(stem) = name.strip_suffix(".variables.json") else { continue };
        let document = fs::read_to_string(path.with_file_name(format!("{stem}.graphql"))).unwrap();
        for (variable, _) in variables(&path.with_file_name(format!("{stem}.graphql"))).as_object().unwrap() {
            assert!(
                document.contains(&format!("${variable}:")),
                "{name} sets ${variable}, which its query does not take"
            );
        }
    }
}

/// Rows in all lists of an answer.
pub fn rows(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.values().map(rows).sum(),
        _ => 0,
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(_) if VOLATILE.contains(&name.as_str()) => *field = json!(format!("[{name}]")),
                    nested => redact(nested),
                }
            }
        }
        _ => {}
    }
}
