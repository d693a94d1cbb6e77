//! What resources mean in real repositories, against tables that were made by hand: effective namespaces, charts and versions, patches,
//! sources, at the head and at earlier commits.
//!
//! Each row of `fixtures/resolution/<owner>--<name>.yaml` was derived by reading the manifests of one commit, and says why.

mod groups;
mod telling;

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::golden::shared_folder;
use crate::support::data::{TestData, text};
use crate::support::server::TestServer;

#[derive(Deserialize)]
struct Table {
    resources: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    commit: String,
    path: String,
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    effective_namespaces: Vec<String>,
    chart: Option<Chart>,
    is_patch: bool,
    is_vendored: bool,
    source: Option<Source>,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chart {
    name: String,
    identity: Option<String>,
    url: Option<String>,
    version: Option<String>,
    version_class: String,
}

#[derive(Deserialize)]
struct Source {
    field: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    declared: bool,
}

#[test]
fn twenty_four_resources_of_onedr0p_mean_what_their_manifests_say() {
    check("onedr0p--home-ops");
}

#[test]
fn twenty_four_resources_of_allenporter_mean_what_their_manifests_say() {
    check("allenporter--k8s-gitops");
}

#[track_caller]
fn check(name: &str) {
    let Some(shared) = shared_folder() else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/fixtures/resolution/{name}.yaml"));
    let table: Table = serde_yaml::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(table.resources.len() >= 20);
    let bundle = shared.join("corpus").join(format!("{name}.bundle"));
    let data = TestData::new();
    data.scan(&bundle);
    let clone = tempfile::tempdir().unwrap();
    let repository = clone.path().join("repository.git");
    git(&["clone", "--quiet", "--bare", text(&bundle), text(&repository)]);
    let server = TestServer::start(&data);
    let wrong: Vec<String> = table.resources.iter().filter_map(|row| difference(&server, &repository, row)).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), table.resources.len(), wrong.join("\n"));
}

/// What is stored of the resource at the row's commit, if it is not what the row says.
fn difference(server: &TestServer, repository: &Path, row: &Row) -> Option<String> {
    let time: i64 = git(&["-C", text(repository), "log", "-1", "--format=%ct", &row.commit]).parse().unwrap();
    let document = "query($kind: String!, $group: String!, $name: String!, $namespace: String!, $path: String!, $to: DateTime!, $at: DateTime!) {
        events(first: 1, filter: {kind: {eq: $kind}, group: {eq: $group}, name: {eq: $name}, namespace: {eq: $namespace},
                                  path: {eq: $path}, time: {lt: $to}}) { nodes { resource {
            effectiveNamespaces(at: $at) isPatch(at: $at) isVendored(at: $at)
            chart(at: $at) { name identity url version versionClass }
            references(at: $at) { field kind namespace isNamespaceDeclared name } } } } }";
    let variables = json!({
        "kind": row.kind, "group": row.group, "name": row.name, "path": row.path,
        "namespace": row.namespace.clone().unwrap_or_default(), "at": time * 1_000, "to": (time + 1) * 1_000,
    });
    let answer = server.query_with(document, variables);
    let found = &answer["events"]["nodes"][0]["resource"];
    let mut chart = found["chart"].clone();
    let expected_chart = row.chart.as_ref().map(|chart| {
        let Chart { name, identity, url, version, version_class } = chart;
        json!({ "name": name, "identity": identity, "url": url, "version": version, "versionClass": version_class })
    });
    if chart["versionClass"] == "PATH" && row.chart.as_ref().is_some_and(|chart| chart.version.is_none()) {
        // The table leaves the version of a chart in a Git source open.
        chart["version"] = Value::Null;
    }
    let sources = found["references"].as_array().into_iter().flatten();
    let sources: Vec<Value> = sources
        .filter(|edge| {
            edge["field"].as_str().unwrap().ends_with("Ref") && !edge["field"].as_str().unwrap().contains("ecret")
        })
        .cloned()
        .collect();
    let expected_sources: Vec<Value> = row.source.iter().map(expected_source).collect();
    let is_same = found["effectiveNamespaces"] == json!(row.effective_namespaces)
        && found["isPatch"] == json!(row.is_patch)
        && found["isVendored"] == json!(row.is_vendored)
        && chart == json!(expected_chart)
        && expected_sources.iter().all(|source| sources.contains(source));
    (!is_same).then(|| {
        let Row { path, kind, name, commit, .. } = row;
        format!(
            "{kind} {name} in {path} at {commit:.10}\n  found    {} patch {} vendored {} {chart} {}\n  expected {} patch {} vendored {} {} {}\n  {}",
            found["effectiveNamespaces"],
            found["isPatch"],
            found["isVendored"],
            json!(sources),
            json!(row.effective_namespaces),
            row.is_patch,
            row.is_vendored,
            json!(expected_chart),
            json!(expected_sources),
            row.why
        )
    })
}

fn expected_source(source: &Source) -> Value {
    let Source { field, kind, namespace, name, declared } = source;
    json!({ "field": field, "kind": kind, "namespace": namespace, "isNamespaceDeclared": declared, "name": name })
}

fn git(arguments: &[&str]) -> String {
    let output = std::process::Command::new("git").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
