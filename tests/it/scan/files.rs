//! Which files are manifests, and what their paths are.

use serde_json::json;

use super::check;
use crate::support::data::TestData;
use crate::support::repos::fixture;

#[test]
fn names_end_in_yaml_or_yml_in_lower_case_hidden_folders_included() {
    check(
        "file-names",
        "2 commits, 5 created, 1 modified (1 moves), 0 deleted, 5 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap hidden in .hidden/.deeper/hidden.yaml",
            "create: CREATED ConfigMap only-a-suffix in .yaml",
            "create: CREATED ConfigMap inside in folder.yaml/inside.yml",
            "create: CREATED ConfigMap long in long.yaml",
            "create: CREATED ConfigMap short in short.yml",
            "a file becomes a folder: MODIFIED ConfigMap long in long.yaml/now.yaml from long.yaml",
        ],
    );
}

#[test]
fn the_executable_bit_changes_nothing() {
    check(
        "mode-change",
        "2 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &["create: CREATED ConfigMap settings in settings.yaml"],
    );
}

#[test]
fn a_file_that_becomes_a_symlink_is_gone() {
    check(
        "symlink-swap",
        "3 commits, 3 created, 0 modified (0 moves), 1 deleted, 2 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap other in other.yaml",
            "create: CREATED ConfigMap settings in settings.yaml",
            "link: DELETED ConfigMap settings in settings.yaml",
            "file again: CREATED ConfigMap settings in settings.yaml",
        ],
    );
}

#[test]
fn a_file_that_becomes_a_submodule_is_gone() {
    check(
        "submodule-swap",
        "2 commits, 1 created, 0 modified (0 moves), 1 deleted, 0 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "submodule: DELETED ConfigMap settings in settings.yaml",
        ],
    );
}

#[test]
fn a_file_that_is_disabled_by_its_name_is_gone() {
    check(
        "disabled-suffix",
        "3 commits, 2 created, 0 modified (0 moves), 1 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "disable: DELETED ConfigMap settings in settings.yaml",
            "enable: CREATED ConfigMap settings in settings.yaml",
        ],
    );
}

#[test]
fn paths_are_bytes_in_the_order_of_bytes_exact_in_json_and_shown_with_replacement_characters() {
    let repository = fixture("strange-paths");
    let data = TestData::new();
    data.scan(&repository.path());
    let lines = data.event_lines(&repository.path());
    // The path is the eighth field, as Python's surrogateescape writes it.
    let paths = [
        r#""\"quoted\".yaml""#,
        r#""-dash.yaml""#,
        r#"":100644 100644 x.yaml""#,
        r#""a\tb.yaml""#,
        r#""a\nb.yaml""#,
        r#""caf\udce9.yaml""#,
    ];
    assert_eq!(lines.len(), paths.len());
    for (line, path) in lines.iter().zip(paths) {
        assert!(line.ends_with(&format!(", {path}, 0, null]")), "{path} in {line}");
    }
    let answer = data.query("{ events(filter: {name: {eq: \"bytes\"}}) { nodes { path } } }", json!({}));
    assert_eq!(answer["events"]["nodes"], json!([{ "path": "caf\u{fffd}.yaml" }]));
    let plain = data.succeed(&["events", crate::support::data::text(&repository.path())]);
    assert!(plain.contains("caf\u{fffd}.yaml"), "{plain}");
}
