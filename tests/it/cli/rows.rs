//! Answers as tables, CSV and JSON lines.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::data::{Ran, TestData, json_lines, text};
use crate::support::repos::fixture;

const EVENTS: &str = "{ events(first: 2) { totalCount nodes {
    type repository { name eventCount } commit { subject actor { name } } name moved } } }";
const EMPTY: &str =
    "{ events(filter: {kind: {eq: \"None\"}}) { nodes { kind repository { eventCount } changes { pointer } } } }";

/// One repository whose names are an attack: escape sequences, formulas, quotes, line breaks.
static DATA: LazyLock<TestData> = LazyLock::new(|| {
    let repository = fixture("no-yaml");
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"a\\e[31m,\\\"b\\\"\\n\"}\n";
    repository.commit_file("a\u{1b}[2J.yaml", manifest, "=HYPERLINK(\"http://evil\",\"x\")\u{1b}]0;owned\u{7}");
    repository.commit_file("plain.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n", "second");
    let data = TestData::new();
    data.scan(&repository.path());
    assert!(!data.succeed(&["scan", text(&repository.path())]).contains('\u{1b}'), "the summary of a scan");
    let lines = data.succeed(&["events", text(&repository.path())]);
    assert!(!lines.contains('\u{1b}') && lines.contains(r"a\u{1b}[2J.yaml"), "{lines:?}");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    data
});

#[track_caller]
fn query(format: &str, document: &str) -> String {
    DATA.succeed(&["query", "--format", format, document])
}

#[track_caller]
fn fail(format: &str, document: &str) -> Ran {
    let ran = DATA.run(&["query", "--format", format, document]);
    assert!(!ran.success);
    ran
}

fn records(printed: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(printed.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn csv_has_a_header_in_the_order_of_the_query_and_a_record_a_row() {
    let printed = query("csv", EVENTS);
    let records = records(&printed);
    let header =
        ["type", "repository.name", "repository.eventCount", "commit.subject", "commit.actor.name", "name", "moved"];
    assert_eq!(records[0], header);
    let subject = "'=HYPERLINK(\"http://evil\",\"x\")\u{1b}]0;owned\u{7}";
    assert_eq!(records[2], ["CREATED", "no-yaml", "3", subject, "Ada Author", "a\u{1b}[31m,\"b\"\n", "false"]);
    assert_eq!(records[1], ["CREATED", "no-yaml", "3", "second", "Ada Author", "plain", "false"]);
    assert_eq!(records.len(), 3);
    assert!(printed.ends_with("\r\n"), "RFC 4180");
}

#[test]
fn a_table_shows_numbers_at_the_right_and_escape_sequences_as_text() {
    let printed = query("table", EVENTS);
    assert!(!printed.contains('\u{1b}') && !printed.contains('\u{7}'), "{printed:?}");
    assert!(printed.contains(r#"a\u{1b}[31m,"b"\n"#), "{printed}");
    let cell = |line: &str, index: usize| line.trim_matches('│').split('┆').nth(index).unwrap().to_owned();
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with('│')).collect();
    assert_eq!(lines.len(), 3, "one line a row, however wide:\n{printed}");
    assert_eq!(cell(lines[2], 2), format!("{:>width$} ", 3, width = " repository.eventCount".len()));
    assert_eq!(cell(lines[2], 0).trim_end(), " CREATED");
    let short = DATA.succeed(&["query", "--table", EVENTS]);
    assert_eq!(short, printed, "--table is --format table");
}

#[test]
fn json_lines_are_the_rows_as_they_stand() {
    let rows = json_lines(&query("jsonl", EVENTS));
    assert_eq!(rows.len(), 2);
    let expected = json!({ "type": "CREATED", "repository": { "name": "no-yaml", "eventCount": 3 },
        "commit": { "subject": "second", "actor": { "name": "Ada Author" } }, "name": "plain", "moved": false });
    assert_eq!(rows[0], expected);
}

#[test]
fn an_empty_list_has_its_columns() {
    assert_eq!(query("csv", EMPTY), "kind,repository.eventCount,changes\r\n");
    assert_eq!(query("jsonl", EMPTY), "");
    let table = query("table", EMPTY);
    assert!(table.contains("repository.eventCount") && table.lines().count() <= 4, "{table}");
}

#[test]
fn a_single_object_is_one_row_and_null_is_none() {
    let document = |name: &str| {
        format!("{{ repository(by: {{fullName: \"{name}\"}}) {{ eventCount headCommit {{ subject }} }} }}")
    };
    let name = query("json", "{ repositories { nodes { fullName } } }");
    let name: Value = serde_json::from_str(&name).unwrap();
    let name = name["data"]["repositories"]["nodes"][0]["fullName"].as_str().unwrap().to_owned();
    assert_eq!(query("csv", &document(&name)), "eventCount,headCommit.subject\r\n3,second\r\n");
    assert_eq!(query("csv", &document("no/such")), "eventCount,headCommit.subject\r\n");
    assert_eq!(
        query("csv", "{ events { totalCount } resources { totalCount } }"),
        "events.totalCount,resources.totalCount\r\n3,3\r\n"
    );
    assert_eq!(query("csv", "{ __typename }"), "__typename\r\nQuery\r\n");
}

#[test]
fn lists_inside_a_row_are_json() {
    let printed = query("csv", "{ repositories { nodes { name events(first: 2) { nodes { type } } } } }");
    let expected = r#"[{"type":"CREATED"},{"type":"CREATED"}]"#;
    assert_eq!(records(&printed)[0], ["name", "events.nodes"]);
    assert_eq!(records(&printed)[1], ["no-yaml", expected]);
}

#[test]
fn several_lists_are_a_table_each_and_no_csv() {
    let document = "{ events { nodes { name } } all: resources { nodes { kind } } }";
    let table = query("table", document);
    assert!(table.starts_with("events.nodes\n") && table.contains("\nall.nodes\n"), "{table}");
    for format in ["csv", "jsonl"] {
        let ran = fail(format, document);
        assert_eq!(ran.stdout, "");
        let complaint = ran.complaints()[0];
        assert!(complaint.contains("events.nodes, all.nodes") && complaint.contains("--format table"), "{complaint}");
    }
}

#[test]
fn an_error_is_one_line_on_stderr_and_what_was_answered_is_printed() {
    for format in ["table", "csv", "jsonl"] {
        let ran = fail(format, "{ nothing }");
        assert_eq!(ran.stdout, "", "{format}");
        assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
        assert!(ran.complaints()[0].starts_with("kubestats: BAD_USER_INPUT: "), "{}", ran.stderr);
        assert!(ran.complaints()[0].contains("nothing"), "{}", ran.stderr);
    }
    let ran = fail("csv", "{ __typename node(id: \"a\") { id } }");
    assert_eq!(ran.stdout, "__typename,node.id\r\nQuery,\r\n");
    assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
}

#[test]
fn an_empty_document_is_no_question() {
    for arguments in [&["query"][..], &["query", " "], &["query", "--file", "/dev/null"]] {
        let ran = TestData::new().run(arguments);
        assert!(!ran.success);
        assert!(ran.complaints()[0].contains("the document is empty"), "{arguments:?}: {}", ran.stderr);
    }
}
