//! Every example query of the playground answers with data, and with the same data every time.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::support::ask_with;

/// Fields whose values differ from run to run: the time of the scan and its id.
const VOLATILE: [&str; 4] = ["recordedAt", "discoveredAt", "lastScanAt", "runId"];

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
            text.lines().nth(comment.len()).is_some_and(|line| line.starts_with("query ")),
            "{name} is a named query"
        );
        assert!(name.starts_with(&format!("{:02}-", index + 1)), "{name} is number {}", index + 1);
        let parsed = async_graphql::parser::parse_query(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(parsed.operations.iter().filter(|(operation, _)| operation.is_some()).count(), 1, "{name}");
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
fn rows(value: &Value) -> usize {
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
