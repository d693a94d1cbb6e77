//! Whole histories of real repositories against an independent reference.
//!
//! The reference (`golden/*.json`) and the repositories (`corpus/*.bundle`) lie in a folder `shared` beside the checkout,
//! or where `TEST_CORPUS` says. Where they are absent nothing is compared, and the test says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::data::{TestData, json_lines, text};
use crate::support::program;

/// Small enough for a program that was not optimised.
const SMALL: [&str; 3] =
    ["controlplaneio-fluxcd--d1-fleet", "fluxcd--flux2-kustomize-helm-example", "fluxcd--flux2-multi-tenancy"];

#[test]
fn events_and_totals_equal_the_reference() {
    let Some(shared) = shared_folder() else { return };
    let names = names(&shared, program::is_optimised());
    let bundles = names.iter().map(|name| shared.join("corpus").join(format!("{name}.bundle")));
    let bundles: Vec<PathBuf> = bundles.collect();
    let data = TestData::new();
    let arguments: Vec<&str> = ["scan", "--json"].into_iter().chain(bundles.iter().map(|path| text(path))).collect();
    let mut summaries = json_lines(&data.succeed(&arguments));
    // They come as scans end.
    summaries.sort_by_key(|summary| summary["source"].to_string());
    assert_eq!(summaries.len(), names.len());
    let mut different = Vec::new();
    for ((name, bundle), summary) in names.iter().zip(&bundles).zip(&summaries) {
        let reference = std::fs::read(shared.join("golden").join(format!("{name}.json"))).unwrap();
        let reference: Value = serde_json::from_slice(&reference).unwrap();
        let found = found(&data, bundle, summary);
        eprintln!("{name}: {} events, {} s", data_events(&found), summary["seconds"]);
        different.extend(differences(name, &found, &reference));
    }
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

/// Where reference and corpus lie; `None`, with a word, where they do not.
pub fn shared_folder() -> Option<PathBuf> {
    let configured = std::env::var_os("TEST_CORPUS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = configured.unwrap_or_else(beside);
    if folder.join("corpus").is_dir() && folder.join("golden").is_dir() {
        return Some(folder);
    }
    eprintln!("NOT COMPARED with the reference: there are no corpus and golden in {}", folder.display());
    None
}

/// The repositories to compare: all of the corpus, or the small ones for what is not optimised.
pub fn names(shared: &Path, is_optimised: bool) -> Vec<String> {
    if !is_optimised {
        return SMALL.map(str::to_owned).to_vec();
    }
    let files = std::fs::read_dir(shared.join("corpus")).unwrap().map(|file| file.unwrap().path());
    let bundles = files.filter(|path| path.extension().is_some_and(|extension| extension == "bundle"));
    let mut names: Vec<String> = bundles.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// What is stored, in the shape of the reference.
fn found(data: &TestData, bundle: &Path, summary: &Value) -> Value {
    let lines = data.event_lines(bundle);
    let kinds = summary["kinds"].as_array().unwrap().iter().map(|kind| {
        let name = format!("{}/{}", kind["group"].as_str().unwrap(), kind["kind"].as_str().unwrap());
        (name, kind["resources"].clone())
    });
    let kinds: BTreeMap<String, Value> = kinds.collect();
    json!({
        "commits_touching_yaml": summary["commits"],
        "events": summary["events"],
        "moved": summary["moved"],
        "resources_at_head": summary["resources"],
        "unparsable_versions": summary["unparsable_versions"],
        "unparsable_paths": unparsable_paths(data, summary),
        "events_sha256": sha256(&lines),
        "events_by_type_and_kind": by_type_and_kind(&lines),
        "resources_at_head_by_kind": kinds,
    })
}

fn sha256(lines: &[String]) -> String {
    let mut digest = Sha256::new();
    for line in lines {
        digest.update(line);
        digest.update("\n");
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many events of each `TYPE group/Kind`; type, group and kind are the third to fifth field of a line.
fn by_type_and_kind(lines: &[String]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        let mut texts = line.split('"').skip(1).step_by(2).skip(1);
        let [event_type, group, kind] = [(); 3].map(|()| texts.next().unwrap());
        *counts.entry(format!("{event_type} {group}/{kind}")).or_default() += 1;
    }
    counts
}

/// How many paths were ever unparsable, as readers find them page by page.
fn unparsable_paths(data: &TestData, summary: &Value) -> usize {
    let document = "query($name: String!, $after: String) { repository(by: {fullName: $name}) {
        scanFailures(first: 500, after: $after) { nodes { path } pageInfo { hasNextPage endCursor } } } }";
    let mut paths = std::collections::BTreeSet::new();
    let mut after = Value::Null;
    loop {
        let answer = data.query(document, json!({ "name": summary["repository"], "after": after }));
        let page = &answer["repository"]["scanFailures"];
        paths.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["path"].to_string()));
        if page["pageInfo"]["hasNextPage"] != true {
            return paths.len();
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn data_events(found: &Value) -> u64 {
    found["events"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
}

/// One line a field that differs.
fn differences(name: &str, found: &Value, reference: &Value) -> Vec<String> {
    let fields = reference.as_object().unwrap().iter();
    let different = fields.filter(|(field, expected)| found[field.as_str()] != **expected);
    different
        .map(|(field, expected)| format!("{name}: {field} is {}, should be {expected}", found[field.as_str()]))
        .collect()
}
