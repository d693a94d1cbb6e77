//! What a scan prints: one JSON object a repository, or a summary for people, and lines while it runs.

use serde_json::{Value, json};

use crate::support::data::{TestData, text};
use crate::support::repos::fixture;

#[test]
fn json_has_the_documented_fields() {
    let repository = fixture("broken-and-renamed");
    let mut summary = TestData::new().scan(&repository.path());
    let seconds = summary["seconds"].take();
    assert!(seconds.as_f64().is_some_and(|seconds| seconds > 0.0), "{seconds}");
    let documented = [
        ("source", json!(text(&repository.path()))),
        ("commits", json!(3)),
        ("events", json!({ "CREATED": 2, "MODIFIED": 0, "DELETED": 1 })),
        ("moved", json!(0)),
        ("resources", json!(1)),
        ("unparsable_versions", json!(1)),
        ("head", json!(repository.git(&["rev-parse", "HEAD"]))),
        ("branch", json!("main")),
        ("files", json!(1)),
        ("kinds", json!([{ "group": "", "kind": "ConfigMap", "resources": 1 }])),
        ("added", json!({ "commits": 3, "events": 3, "unparsable_versions": 1 })),
        ("rebuilt", json!(false)),
    ];
    for (field, expected) in documented {
        assert_eq!(summary[field], expected, "{field}");
    }
}

#[test]
fn json_prints_nothing_else() {
    let repository = fixture("move");
    let ran = TestData::new().run(&["scan", "--json", text(&repository.path())]);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(serde_json::from_str::<Value>(&ran.stdout).is_ok());
    assert!(!ran.stderr.contains("commits to read"), "{}", ran.stderr);
}

#[test]
fn the_summary_says_what_a_person_wants_to_know() {
    let repository = fixture("broken-and-renamed");
    let printed = TestData::new().succeed(&["scan", text(&repository.path())]);
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    let has = |words: &[&str]| lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
    for words in [
        &["broken-and-renamed", text(&repository.path())][..],
        &["head", "main", "repair"],
        &["commits", "3"],
        &["events", "2 created", "0 modified", "1 deleted"],
        &["resources", "1 alive"],
        &["1 ConfigMap"],
        &["unparsable", "1"],
        &["3 commits and 3 events", " s", "commits/s"],
    ] {
        assert!(has(words), "{words:?} is missing:\n{printed}");
    }
}

#[test]
fn kinds_of_the_summary_are_named_with_their_group_most_first() {
    let repository = fixture("list-items");
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n";
    repository.commit_file("web.yaml", ingress, "another kind");
    let data = TestData::new();
    let printed = data.succeed(&["scan", text(&repository.path())]);
    let position = |words: &str| printed.find(words).unwrap_or_else(|| panic!("no {words:?} in:\n{printed}"));
    assert!(position("2 ConfigMap") < position("1 Ingress  networking.k8s.io"));
}

#[test]
fn progress_is_plain_lines_where_nobody_watches() {
    let repository = fixture("many-commits");
    let ran = TestData::new().run(&["scan", text(&repository.path())]);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("[1/1] ")).collect();
    assert!(lines.iter().all(|line| line.contains(text(&repository.path()))), "{lines:?}");
    assert!(lines[0].ends_with("6000 commits to read"), "{lines:?}");
    assert!(lines.len() > 3 && lines.len() <= 12, "{lines:?}");
    assert!(lines.last().unwrap().contains("100 % (6000 of 6000 commits)"), "{lines:?}");
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\r'), "control characters in {:?}", ran.stderr);
}
