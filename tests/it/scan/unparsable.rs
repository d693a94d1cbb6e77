//! Files that cannot be read: they keep the last state that parsed, and are recorded.

use serde_json::{Value, json};

use super::{check, describe};
use crate::support::data::TestData;
use crate::support::repos::{TempRepo, fixture};

const MIB: usize = 1 << 20;

#[test]
fn a_broken_file_keeps_its_last_state() {
    check(
        "broken-and-restored",
        "5 commits, 1 created, 0 modified (0 moves), 1 deleted, 0 alive, 2 unparsable",
        &["create: CREATED ConfigMap settings in settings.yaml", "remove: DELETED ConfigMap settings in settings.yaml"],
    );
}

#[test]
fn a_repaired_file_is_compared_with_its_last_state() {
    let scanned = check(
        "broken-and-repaired",
        "3 commits, 1 created, 1 modified (0 moves), 0 deleted, 1 alive, 1 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "repair: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    assert_eq!(scanned.changes()[1], ["/data/key: 1 -> 2"]);
}

#[test]
fn a_file_broken_and_renamed_in_one_commit_is_deleted_and_created_when_it_parses() {
    check(
        "broken-and-renamed",
        "3 commits, 2 created, 0 modified (0 moves), 1 deleted, 1 alive, 1 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "break and rename: DELETED ConfigMap settings in settings.yaml",
            "repair: CREATED ConfigMap settings in renamed.yaml",
        ],
    );
}

/// What makes a file unparsable, and a place where there is one to name (line, column).
fn broken_files() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: planted-text}}\n{text}\n").into_bytes();
    let bomb: String = (1..7).fold("b0: &b0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n".to_owned(), |bomb, level| {
        let below = level - 1;
        let aliases = vec![format!("*b{below}"); 10].join(", ");
        format!("{bomb}b{level}: &b{level} [{aliases}]\n")
    });
    vec![
        ("no-yaml", text("a: [1")),
        ("wrong-encoding", text("a: b").into_iter().chain(*b"c: \xff\n").collect()),
        ("unknown-alias", text("a: *nowhere")),
        ("alias-of-another-document", text("a: &a 1\n---\nb: *a")),
        ("alias-inside-its-anchor", text("a: &a [*a]")),
        ("merge-of-a-number", text("a: {<<: 1}")),
        ("merge-of-a-list-of-numbers", text("a: {<<: [1]}")),
        ("equal-keys", text("a: 1\na: 2")),
        ("equal-keys-as-data", text("a: 1\n'a': 2")),
        ("two-merges", text("a: {<<: {b: 1}, <<: {c: 1}}")),
        ("too-many-nodes", text(&bomb)),
        ("too-deep", text(&nested(100))),
        ("too-large", padded(4 * MIB + 1)),
    ]
}

/// A field whose innermost list lies `lists` levels below the document's root, which is level 1.
fn nested(lists: usize) -> String {
    format!("a: {}{}", "[".repeat(lists), "]".repeat(lists))
}

/// A manifest of exactly so many bytes.
fn padded(size: usize) -> Vec<u8> {
    let mut bytes = b"apiVersion: v1\nkind: A\nmetadata: {name: planted-text}\n#".to_vec();
    bytes.resize(size - 1, b'x');
    bytes.push(b'\n');
    bytes
}

/// Commits the files, each as `<name>.yaml`.
fn commit(repository: &TempRepo, files: &[(&str, Vec<u8>)], subject: &str) {
    for (name, bytes) in files {
        std::fs::write(repository.path().join(format!("{name}.yaml")), bytes).unwrap();
    }
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message", subject]);
}

#[test]
fn every_way_to_be_unparsable_is_recorded_and_invents_no_event() {
    let repository = fixture("empty");
    let broken = broken_files();
    let whole: Vec<(&str, Vec<u8>)> = broken.iter().map(|(name, _)| (*name, padded(200))).collect();
    commit(&repository, &whole, "whole");
    commit(&repository, &broken, "broken");
    let commit_id = repository.git(&["rev-parse", "HEAD"]);
    commit(&repository, &whole, "repaired");

    let data = TestData::new();
    let summary = data.scan(&repository.path());
    assert_eq!(describe(&summary), "3 commits, 13 created, 0 modified (0 moves), 0 deleted, 13 alive, 13 unparsable");
    let document =
        "{ scanFailures { totalCount nodes { path commitId blobId line column message repository { name } } } }";
    let answer = data.query(document, json!({}));
    assert_eq!(answer["scanFailures"]["totalCount"], 13);
    let failures = answer["scanFailures"]["nodes"].as_array().unwrap();
    for (name, bytes) in &broken {
        let path = format!("{name}.yaml");
        let failure = failures.iter().find(|failure| failure["path"] == *path);
        let failure = failure.unwrap_or_else(|| panic!("{path} is not recorded"));
        assert_eq!(failure["commitId"], commit_id);
        assert_eq!(failure["blobId"], repository.git(&["rev-parse", &format!("{commit_id}:{path}")]));
        check_place_and_message(failure, bytes);
    }
}

/// A place lies inside the file, and the message says something, but nothing of the file.
#[track_caller]
fn check_place_and_message(failure: &Value, bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    match failure["line"].as_u64() {
        Some(line) => assert!((1..=lines).contains(&line) && failure["column"].as_u64() > Some(0), "{failure}"),
        None => assert_eq!(failure["column"], Value::Null, "{failure}"),
    }
    let message = failure["message"].as_str().unwrap();
    assert!(message.len() > 5 && !message.contains("planted-text") && !message.contains('\n'), "{failure}");
}

#[test]
fn the_place_of_a_fault_is_named() {
    let repository = fixture("broken-and-repaired");
    let data = TestData::new();
    data.scan(&repository.path());
    let answer = data.query("{ scanFailures { nodes { path line column } } }", json!({}));
    let failure = &answer["scanFailures"]["nodes"][0];
    assert_eq!(failure["path"], "settings.yaml");
    // `kind: [ConfigMap` stands in line 2; the parser misses the bracket where the file ends.
    assert!((2..=3).contains(&failure["line"].as_u64().unwrap()), "{failure}");
}

#[test]
fn the_limits_themselves_are_within() {
    let repository = fixture("empty");
    let text = |body: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: one}}\n{body}\n").into_bytes();
    commit(&repository, &[("deep", text(&nested(99))), ("large", padded(4 * MIB))], "limits");
    let data = TestData::new();
    let summary = data.scan(&repository.path());
    assert_eq!(describe(&summary), "1 commits, 2 created, 0 modified (0 moves), 0 deleted, 2 alive, 0 unparsable");
}

#[test]
fn failures_are_found_by_repository_and_path() {
    let data = TestData::new();
    let repositories = ["broken-and-restored", "broken-and-renamed"].map(fixture);
    for repository in &repositories {
        data.scan(&repository.path());
    }
    let document = "query($path: String!) {
        scanFailures(filter: {path: {eq: $path}}) { nodes { repository { name } } }
        repositories { nodes { name unparsableCount scanFailures { nodes { path } } } } }";
    let answer = data.query(document, json!({ "path": "renamed.yaml" }));
    assert_eq!(answer["scanFailures"]["nodes"], json!([{ "repository": { "name": "broken-and-renamed" } }]));
    let mut repositories = answer["repositories"]["nodes"].as_array().unwrap().clone();
    repositories.sort_by_key(|repository| repository["name"].to_string());
    let failure = |path: &str| json!({ "path": path });
    assert_eq!(
        Value::from(repositories),
        json!([
            { "name": "broken-and-renamed", "unparsableCount": 1, "scanFailures": { "nodes": [failure("renamed.yaml")] } },
            { "name": "broken-and-restored", "unparsableCount": 2,
              "scanFailures": { "nodes": [failure("settings.yaml"), failure("settings.yaml")] } },
        ])
    );
}
