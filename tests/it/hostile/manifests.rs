//! Files made to be expensive or unreadable.

use super::raw::{RawRepo, config_map};
use super::{Scanned, scan, scan_raw};

const MIB: usize = 1 << 20;

/// Scans one commit of these files and a plain one, `zz.yaml`, which has to be read whatever the others are.
#[track_caller]
fn scan_files(files: &[(&str, Vec<u8>)]) -> Scanned {
    let plain = config_map("plain");
    let files = files.iter().map(|(name, bytes)| (name.as_bytes(), bytes.as_slice()));
    let files: Vec<(&[u8], &[u8])> = files.chain([("zz.yaml".as_bytes(), plain.as_bytes())]).collect();
    scan_raw(RawRepo::with_files(&files))
}

/// The same for files of which none can be read; `failures` is what is said of each.
#[track_caller]
fn unparsable(files: &[(&str, Vec<u8>)], failures: &[&str]) {
    let scanned = scan_files(files);
    let count = files.len();
    scanned.succeeded(&format!("1 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, {count} unparsable"));
    assert_eq!(scanned.events(), ["CREATED ConfigMap plain in zz.yaml"]);
    assert_eq!(scanned.failures(), failures);
}

fn manifest(fields: &str) -> Vec<u8> {
    format!("{}{fields}\n", config_map("bomb")).into_bytes()
}

#[test]
fn alias_bombs_are_unparsable() {
    // Each level is the one below, twice.
    let twice = |first: &str, make: &dyn Fn(String) -> String| {
        (1..60).fold(format!("l0: &l0 {first}\n"), |file, level| {
            file + &format!("l{level}: &l{level} {}\n", make(format!("*l{}", level - 1)))
        })
    };
    let sequences = twice("[1]", &|below| format!("[{below}, {below}]"));
    let mappings = twice("{a: 1}", &|below| format!("{{a: {below}, b: {below}}}"));
    let merges = twice("{a: 1}", &|below| format!("{{<<: [{below}, {below}]}}"));
    let keys = twice("{a: 1}", &|below| format!("{{? {below} : 1, ? [{below}] : 1}}"));
    let (long, aliases) = ("x".repeat(100_000), "- *a\n".repeat(100_000));
    let nodes = "more than 1,000,000 nodes with aliases expanded";
    unparsable(
        &[
            ("a-sequences.yaml", manifest(&sequences)),
            ("b-mappings.yaml", manifest(&mappings)),
            ("c-merges.yaml", manifest(&merges)),
            ("d-text.yaml", manifest(&format!("a: &a {long}\nlist:\n{aliases}"))),
            ("e-keys.yaml", manifest(&keys)),
        ],
        &[
            &format!("a-sequences.yaml: {nodes}"),
            &format!("b-mappings.yaml: {nodes}"),
            &format!("c-merges.yaml: {nodes}"),
            "d-text.yaml: the file's aliases stand for more than 64 MiB of text",
            &format!("e-keys.yaml: {nodes}"),
        ],
    );
}

#[test]
fn a_hundred_thousand_levels_are_unparsable() {
    let levels = 100_000;
    let block = |one: &str| (0..2_000).map(|level| format!("{}{one}\n", " ".repeat(level))).collect::<String>();
    let deep = "nested deeper than 100 levels";
    unparsable(
        &[
            ("a-closed.yaml", manifest(&format!("a: {}{}", "[".repeat(levels), "]".repeat(levels)))),
            ("b-open.yaml", manifest(&format!("a: {}", "[".repeat(levels)))),
            ("c-mappings.yaml", manifest(&format!("a: {}1{}", "{a: ".repeat(levels), "}".repeat(levels)))),
            ("d-json.yaml", format!("{}{}", "{\"a\":".repeat(levels), "}".repeat(levels)).into_bytes()),
            ("e-block.yaml", block("a:").into_bytes()),
            ("f-dashes.yaml", "- ".repeat(levels).into_bytes()),
            ("g-questions.yaml", "? ".repeat(levels).into_bytes()),
        ],
        &["a-closed", "b-open", "c-mappings", "d-json", "e-block", "f-dashes", "g-questions"]
            .map(|name| format!("{name}.yaml: {deep}"))
            .each_ref()
            .map(String::as_str),
    );
}

#[test]
fn files_of_fifty_mebibytes_are_unparsable_and_never_read() {
    let mut large = manifest("data: {key: |-");
    large.resize(50 * MIB, b'x');
    let larger = vec![b'\n'; 50 * MIB + 1];
    let message = "the file is larger than 4 MiB";
    unparsable(&[("a.yaml", large), ("b.yml", larger)], &[&format!("a.yaml: {message}"), &format!("b.yml: {message}")]);
}

#[test]
fn a_hundred_thousand_documents_in_a_file_are_read() {
    let documents = |value: u32| {
        let document = |number| {
            format!("---\n{}data: {{v: {}}}\n", config_map(&format!("n{number}")), value * u32::from(number == 7))
        };
        (0..50_000).map(document).collect::<String>() + &"---\n".repeat(50_000)
    };
    let repository = RawRepo::new();
    let commit = |text: String, parents: &[&str], subject: &str| {
        let blob = repository.blob(text);
        repository.commit(&repository.tree(&[("100644", b"all.yaml", &blob)]), parents, subject)
    };
    let first = commit(documents(1), &[], "create");
    commit(documents(2), &[&first], "change one");
    let scanned = scan(&repository.path());
    scanned.succeeded("2 commits, 50000 created, 1 modified (0 moves), 0 deleted, 50000 alive, 0 unparsable");
}

#[test]
fn lines_of_three_mebibytes_are_read() {
    let values: String = (0..150_000).map(|number| format!("k{number}: 'value {number}',")).collect();
    let list = "1,".repeat(3 * MIB / 2);
    let text = "x".repeat(3 * MIB);
    let file = |fields: &str| format!("{{apiVersion: v1, kind: A, metadata: {{name: one}}, {fields}}}").into_bytes();
    let scanned = scan_files(&[
        ("comment.yaml", manifest(&format!("# {text}"))),
        ("flow.yaml", file(&format!("data: {{{values}}}"))),
        ("text.yaml", file(&format!("data: '{text}'"))),
        ("too-many.yaml", file(&format!("data: [{list}]"))),
    ]);
    assert_eq!(scanned.failures(), ["too-many.yaml: more than 1,000,000 nodes with aliases expanded"]);
    scanned.succeeded("1 commits, 4 created, 0 modified (0 moves), 0 deleted, 4 alive, 1 unparsable");
}

#[test]
fn of_references_without_end_some_hundreds_are_kept() {
    let names: String = (0..100_000).map(|number| format!("{{name: n{number}}}, ")).collect();
    let text = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: many, namespace: a}}\n\
         spec: {{dependsOn: [{names}]}}\n"
    );
    let scanned = scan_files(&[("many.yaml", text.into_bytes())]);
    scanned.succeeded("1 commits, 2 created, 0 modified (0 moves), 0 deleted, 2 alive, 0 unparsable");
    let kept = "SELECT count() AS rows FROM resource_references WHERE field = 'spec.dependsOn[]' AND begins";
    assert_eq!(scanned.data.sql(&[kept]), ["{\"rows\":500}\n"]);
}

#[test]
fn every_token_of_yaml_without_end_is_read_or_refused_in_time() {
    let tokens = [
        "[",
        "{",
        "- ",
        "? ",
        ": ",
        "&a ",
        "*a ",
        "!t ",
        "!!str ",
        "'",
        "\"",
        "|\n",
        ">\n",
        "%TAG ! !\n",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "#",
        ",",
        "\t",
        "\r",
        "a: ",
        "a:\n",
        "<<: ",
        "\\",
        "@",
        "`",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\"\\x",
        "'' ",
        "- - ",
        "[]: ",
        "{}, ",
        "? - ",
        "&a [",
        "!<x> ",
    ];
    let files: Vec<(String, Vec<u8>)> = tokens
        .iter()
        .enumerate()
        .map(|(index, token)| (format!("{index:02}.yaml"), token.repeat(MIB / token.len()).into_bytes()))
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let scanned = scan_files(&files);
    assert!(scanned.ran.success, "{}", scanned.ran.stderr);
    assert_eq!(scanned.events(), ["CREATED ConfigMap plain in zz.yaml"]);
    assert!(scanned.failures().iter().all(|failure| failure.len() < 200 && !failure.contains(char::is_control)));
}

#[test]
fn nul_bytes_in_a_file_are_no_yaml_and_in_a_text_they_are_data() {
    let raw = |position: &str| manifest(position).into_iter().map(|byte| if byte == b'@' { 0 } else { byte }).collect();
    let scanned = scan_files(&[
        ("a-text.yaml", raw("data: {key: a@b}")),
        ("b-end.yaml", raw("@")),
        ("c-comment.yaml", raw("# @")),
        ("d-only.yaml", vec![0; 1000]),
        (
            "e-escaped.yaml",
            b"apiVersion: v1\nkind: A\nmetadata: {name: \"nul\\0name\"}\ndata: {\"k\\0\": \"v\\0\"}\n".to_vec(),
        ),
    ]);
    scanned.succeeded("1 commits, 2 created, 0 modified (0 moves), 0 deleted, 2 alive, 4 unparsable");
    let answer = scanned.server.query("{ resources(filter: {kind: {eq: \"A\"}}) { nodes { name content } } }");
    let resource = &answer["resources"]["nodes"][0];
    assert_eq!(resource["name"], "nul\0name");
    assert_eq!(resource["content"]["data"]["k\0"], "v\0");
}
