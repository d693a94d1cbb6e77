//! What can be scanned, and what is said of that which cannot.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::data::{Ran, TestData, json_lines, text};
use crate::support::repos::{fixture, run_git};

/// The names of the repositories that are stored, with their events.
fn stored(data: &TestData) -> Value {
    let answer = data.query("{ repositories { nodes { name eventCount scanStatus } } }", json!({}));
    let mut nodes = answer["repositories"]["nodes"].as_array().unwrap().clone();
    // Their full names begin with the random name of a folder.
    nodes.sort_by_key(|node| node["name"].to_string());
    nodes.into()
}

/// A run that failed with one line that names the source and says `words`.
#[track_caller]
fn refused(ran: &Ran, source: &Path, words: &str) {
    assert!(!ran.success);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
    let complaint = ran.complaints()[0];
    assert!(complaint.contains(text(source)) && complaint.contains(words), "{complaint}");
}

#[test]
fn a_work_tree_a_bare_repository_and_a_bundle_hold_the_same_history() {
    let repository = fixture("moves-paired");
    let bare = repository.beside("bare.git");
    run_git(&repository.path(), &["clone", "--quiet", "--bare", ".", text(&bare)]);
    // A clone of a local repository names its path as origin, which is no URL.
    let sources = [repository.path(), repository.path().join("."), bare, repository.bundle()];
    let data = TestData::new();
    let expected = TestData::new();
    expected.scan(&repository.path());
    let lines = expected.event_lines(&repository.path());
    assert_eq!(lines.len(), 8);
    for source in sources {
        data.scan(&source);
        assert_eq!(data.event_lines(&source), lines, "{}", source.display());
    }
}

#[test]
fn what_lies_in_the_work_tree_does_not_matter() {
    let repository = fixture("create-modify-delete");
    fs::write(repository.path().join("untracked.yaml"), "apiVersion: v1\nkind: A\nmetadata: {name: untracked}\n")
        .unwrap();
    let summary = TestData::new().scan(&repository.path());
    assert_eq!(summary["resources"], 0);
}

#[test]
fn a_folder_stands_for_the_repositories_and_bundles_in_it() {
    let (one, two) = (fixture("move"), fixture("crosswise"));
    let folder = one.beside("folder");
    fs::create_dir_all(folder.join("no-repository")).unwrap();
    fs::write(folder.join("notes.txt"), "words").unwrap();
    fs::copy(one.bundle(), folder.join("bundled.bundle")).unwrap();
    run_git(&two.path(), &["clone", "--quiet", ".", text(&folder.join("cloned"))]);
    run_git(&two.path(), &["clone", "--quiet", "--bare", ".", text(&folder.join("served.git"))]);
    let data = TestData::new();
    let printed = data.succeed(&["scan", "--json", "--parallel", "1", text(&folder)]);
    let sources: Vec<Value> = json_lines(&printed).into_iter().map(|mut summary| summary["source"].take()).collect();
    let expected = ["bundled.bundle", "cloned", "served.git"].map(|name| text(&folder.join(name)).to_owned());
    assert_eq!(sources, expected);
    assert_eq!(
        stored(&data),
        json!([
            { "name": "bundled", "eventCount": 2, "scanStatus": "SUCCEEDED" },
            { "name": "cloned", "eventCount": 4, "scanStatus": "SUCCEEDED" },
            { "name": "served", "eventCount": 4, "scanStatus": "SUCCEEDED" },
        ])
    );
}

#[test]
fn what_is_no_repository_is_refused_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = TestData::new();
    let missing = folder.path().join("missing");
    refused(&data.run(&["scan", text(&missing)]), &missing, "no such file or folder");
    refused(&data.run(&["scan", text(folder.path())]), folder.path(), "without a Git repository");
    let file = folder.path().join("words.txt");
    fs::write(&file, "words").unwrap();
    refused(&data.run(&["scan", text(&file)]), &file, "no Git bundle");
    let broken = folder.path().join("broken.bundle");
    fs::write(&broken, "words").unwrap();
    refused(&data.run(&["scan", text(&broken)]), &broken, "bundle");
}

#[test]
fn a_shallow_and_an_empty_repository_are_refused_with_one_line() {
    let data = TestData::new();
    for (name, words) in [("shallow", "shallow"), ("empty", "empty")] {
        let repository = fixture(name);
        refused(&data.run(&["scan", text(&repository.path())]), &repository.path(), words);
    }
    let document = "{ repositories { nodes { scanStatus scanError eventCount } } }";
    let answer = data.query(document, json!({}));
    for repository in answer["repositories"]["nodes"].as_array().unwrap() {
        assert_eq!(repository["scanStatus"], "FAILED", "a failure is recorded with its repository");
        assert!(repository["scanError"].as_str().unwrap().len() > 10, "{repository}");
    }
}

#[test]
fn a_repository_whose_head_names_no_branch_is_refused_with_one_line() {
    let repository = fixture("move");
    repository.git(&["branch", "--move", "main", "other"]);
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    refused(&TestData::new().run(&["scan", text(&repository.path())]), &repository.path(), "HEAD names no branch");
}

#[test]
fn one_failing_source_does_not_stop_the_others() {
    let (one, shallow, two) = (fixture("move"), fixture("shallow"), fixture("crosswise"));
    let data = TestData::new();
    let missing = one.beside("missing");
    let sources = [one.path(), missing.clone(), shallow.path(), two.path()];
    let arguments: Vec<&str> = ["scan", "--json"].into_iter().chain(sources.iter().map(|path| text(path))).collect();
    let ran = data.run(&arguments);
    assert!(!ran.success, "a failure shows in the exit status");
    assert_eq!(ran.complaints().len(), 2, "{}", ran.stderr);
    assert_eq!(json_lines(&ran.stdout).len(), 2, "{}", ran.stdout);
    assert_eq!(
        stored(&data),
        json!([
            { "name": "crosswise", "eventCount": 4, "scanStatus": "SUCCEEDED" },
            { "name": "move", "eventCount": 2, "scanStatus": "SUCCEEDED" },
            { "name": "shallow", "eventCount": 0, "scanStatus": "FAILED" },
        ])
    );
}

#[test]
fn a_failed_scan_leaves_what_was_stored_and_a_later_one_heals_it() {
    let repository = fixture("move");
    let data = TestData::new();
    data.scan(&repository.path());
    let hidden = repository.path().join(".git/HEAD");
    let head = fs::read(&hidden).unwrap();
    fs::write(&hidden, "no ref at all\n").unwrap();
    assert!(!data.run(&["scan", text(&repository.path())]).success);
    assert_eq!(stored(&data), json!([{ "name": "move", "eventCount": 2, "scanStatus": "FAILED" }]));
    fs::write(&hidden, head).unwrap();
    data.scan(&repository.path());
    assert_eq!(stored(&data), json!([{ "name": "move", "eventCount": 2, "scanStatus": "SUCCEEDED" }]));
}

#[test]
fn events_of_what_was_never_scanned_are_an_error() {
    let repository = fixture("move");
    let ran = TestData::new().run(&["events", "--json", text(&repository.path())]);
    refused(&ran, &repository.path(), "never scanned");
    assert_eq!(ran.stdout, "");
}
