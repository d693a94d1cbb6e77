//! SQL stands in files of its own, each with the one question that asks it.

use std::collections::BTreeMap;
use std::fs;

use super::source::{root, source_files};

#[test]
fn every_sql_file_has_exactly_one_question() {
    let mut included: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in source_files() {
        for line in file.code() {
            let Some((_, rest)) = line.whole.split_once("clickhouse/queries/") else { continue };
            if line.whole.contains("include_str!") {
                let name = rest.split('"').next().unwrap().to_owned();
                included.entry(name).or_default().push(file.at(&line));
            }
        }
    }
    for entry in fs::read_dir(root().join("clickhouse/queries")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.ends_with(".sql"), "clickhouse/queries/{name} is no SQL");
        let places = included.remove(&name).unwrap_or_default();
        assert_eq!(places.len(), 1, "clickhouse/queries/{name} is included by {places:#?}");
        let question = if name == "published.sql" { "src/store/query/statement.rs:" } else { "src/store/" };
        assert!(places[0].starts_with(question), "clickhouse/queries/{name} is included by {}", places[0]);
    }
    assert_eq!(included, BTreeMap::new(), "included, but not there");
}

#[test]
fn every_sql_file_says_what_it_asks() {
    for folder in ["queries", "migrations"] {
        for entry in fs::read_dir(root().join("clickhouse").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("-- ") || path.ends_with("published.sql"),
                "{} has no comment at its top",
                path.display()
            );
        }
    }
}

#[test]
fn sql_is_written_in_the_store_alone() {
    let mut found = Vec::new();
    for file in source_files().iter().filter(|file| file.room() != "store") {
        for line in file.code() {
            let literal = line.whole.split("//").next().unwrap();
            if ["SELECT ", "INSERT INTO ", "ALTER TABLE ", "WHERE "].iter().any(|sql| literal.contains(sql)) {
                found.push(file.at(&line));
            }
        }
    }
    assert!(found.is_empty(), "SQL outside the store:\n{}", found.join("\n"));
}
