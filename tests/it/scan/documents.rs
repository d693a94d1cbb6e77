//! What is a resource: documents, their names, lists.

use super::check;
use crate::support::data::TestData;
use crate::support::repos::fixture;

/// A file's bytes, and the resources it declares: `Kind namespace/name`, separated by commas.
type Case<'a> = (&'a [u8], &'a str);

/// Scans one commit with a file a case.
#[track_caller]
fn declares(cases: &[Case]) {
    let repository = fixture("empty");
    let name = |index: usize| format!("{index:02}.yaml");
    for (index, (bytes, _)) in cases.iter().enumerate() {
        std::fs::write(repository.path().join(name(index)), bytes).unwrap();
    }
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message=create"]);
    let data = TestData::new();
    let summary = data.scan(&repository.path());
    assert_eq!(summary["unparsable_versions"], 0);
    let events = data.events(&repository.path());
    for (index, (bytes, expected)) in cases.iter().enumerate() {
        let of_file = events.iter().filter(|event| event.path == name(index));
        let found: Vec<String> = of_file
            .map(|event| {
                let namespace = event.namespace.as_ref().map_or(String::new(), |name| format!("{name}/"));
                format!("{} {namespace}{}", event.kind, event.name)
            })
            .collect();
        assert_eq!(found.join(", "), *expected, "in:\n{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_resource_has_api_version_kind_and_a_name() {
    declares(&[
        (b"apiVersion: v1\nkind: A\nmetadata: {name: one, namespace: here}\n", "A here/one"),
        (b"{\"apiVersion\": \"v1\", \"kind\": \"A\", \"metadata\": {\"name\": \"json\"}}", "A json"),
        (b"kind: A\nmetadata: {name: one}\n", ""),
        (b"apiVersion: v1\nmetadata: {name: one}\n", ""),
        (b"apiVersion: v1\nkind: A\n", ""),
        (b"apiVersion: v1\nkind: ''\nmetadata: {name: one}\n", ""),
        (b"apiVersion: ''\nkind: A\nmetadata: {name: one}\n", ""),
        (b"apiVersion: 1\nkind: A\nmetadata: {name: one}\n", ""),
        (b"apiVersion: v1\nkind: true\nmetadata: {name: one}\n", ""),
        (b"apiVersion: v1\nkind: A\nmetadata: name\n", ""),
        (b"- apiVersion: v1\n  kind: A\n  metadata: {name: one}\n", ""),
        (b"only text\n", ""),
        (b"# only a comment\n", ""),
        (b"", ""),
    ]);
}

#[test]
fn a_name_is_a_scalars_source_text() {
    let named = |name: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: {name}}}\n");
    let cases = [
        ("010", "A 010"),
        ("true", "A true"),
        ("1.10", "A 1.10"),
        ("2024-01-01", "A 2024-01-01"),
        ("'null'", "A null"),
        ("null", ""),
        ("~", ""),
        ("''", ""),
        ("[one]", ""),
        ("{one: two}", ""),
    ];
    let cases = cases.map(|(name, expected)| (named(name), expected));
    let cases = cases.each_ref().map(|(bytes, expected)| (bytes.as_bytes(), *expected));
    declares(&cases);
}

#[test]
fn a_namespace_that_is_null_or_empty_is_none() {
    declares(&[
        (b"apiVersion: v1\nkind: A\nmetadata: {name: one, namespace: null}\n", "A one"),
        (b"apiVersion: v1\nkind: A\nmetadata: {name: one, namespace: ''}\n", "A one"),
        (b"apiVersion: v1\nkind: A\nmetadata: {name: one, namespace: 7}\n", "A 7/one"),
    ]);
}

#[test]
fn a_file_is_a_stream_of_documents() {
    declares(&[
        (
            b"---\napiVersion: v1\nkind: A\nmetadata: {name: one}\n---\nno: resource\n---\n---\napiVersion: v1\nkind: B\nmetadata: {name: two}\n...\n",
            "A one, B two",
        ),
        (b"%YAML 1.2\n---\napiVersion: v1\nkind: A\nmetadata: {name: directive}\n", "A directive"),
    ]);
}

#[test]
fn text_is_utf_8_or_utf_16_with_a_mark() {
    let text = "apiVersion: v1\nkind: A\nmetadata: {name: gr\u{fc}n}\n";
    let with_mark = format!("\u{feff}{text}");
    let little: Vec<u8> = with_mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = with_mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let crlf = text.replace('\n', "\r\n");
    let expected = "A gr\u{fc}n";
    declares(&[
        (text.as_bytes(), expected),
        (with_mark.as_bytes(), expected),
        (&little, expected),
        (&big, expected),
        (crlf.as_bytes(), expected),
    ]);
}

#[test]
fn sloppy_but_valid_yaml_is_read() {
    let bodies = [
        "a: &x 1\nb: &x 2\nc: *x\n",
        "a: &defaults {k: 1}\nb: {<<: *defaults, k: 2}\n",
        "a: {<<: [{k: 1}, {k: 2}]}\n",
        "a: !custom {k: 1}\nb: !vault |\n  text\n",
        "a: 2001-12-14t21:59:43.10-05:00\nb: .nan\nc: -.inf\n",
        "a: !!binary R0lGODlhDAAMAIQAAP==\n",
        "a: 123456789012345678901234567890\nb: 0o17\nc: 1_000\n",
        "? [complex, key]\n: value\n",
        "a: \"\\u263A\"\nb: |+\n  kept\n\n",
    ];
    let files = bodies.map(|body| format!("apiVersion: v1\nkind: A\nmetadata: {{name: one}}\n{body}"));
    let cases = files.each_ref().map(|file| (file.as_bytes(), "A one"));
    declares(&cases);
}

#[test]
fn a_list_stands_for_its_items() {
    check(
        "list-items",
        "2 commits, 2 created, 1 modified (0 moves), 0 deleted, 2 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap one in list.yaml",
            "create: CREATED ConfigMap two in list.yaml",
            "modify one: MODIFIED ConfigMap one in list.yaml",
        ],
    );
}

#[test]
fn lists_nest_and_only_a_sequence_of_items_makes_one() {
    declares(&[
        (
            b"apiVersion: v1\nkind: List\nmetadata: {name: itself}\nitems:\n- apiVersion: v1\n  kind: BList\n  items:\n  - {apiVersion: v1, kind: B, metadata: {name: inner}}\n- {apiVersion: v1, kind: A, metadata: {name: outer}}\n",
            "A outer, B inner",
        ),
        (b"apiVersion: v1\nkind: List\nmetadata: {name: empty}\nitems: []\n", ""),
        (b"apiVersion: v1\nkind: AllowList\nmetadata: {name: a-kind}\nspec: {}\n", "AllowList a-kind"),
        (b"apiVersion: v1\nkind: AllowList\nmetadata: {name: a-kind}\nitems: {a: b}\n", "AllowList a-kind"),
    ]);
}
