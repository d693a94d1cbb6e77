//! What events found and left behind, and what resources have in common with others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::support::{ask, ask_with, respond};

#[test]
fn an_event_finds_what_the_one_before_it_left_behind() {
    let fields = "type commit { id } resource { id } before after diff";
    let data = ask(&format!("{{ events(first: 500) {{ nodes {{ {fields} }} }} }}"));
    let mut left: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut modified = 0;
    // From the oldest on.
    for event in data["events"]["nodes"].as_array().unwrap().iter().rev() {
        let resource = event["resource"]["id"].as_str().unwrap();
        let before = left.insert(resource, &event["after"]).unwrap_or(&Value::Null);
        assert_eq!(&event["before"], before, "{event}");
        assert_eq!(event["before"].is_null(), event["type"] == "CREATED", "{event}");
        assert_eq!(event["after"].is_null(), event["type"] == "DELETED", "{event}");
        assert_eq!(event["diff"] == "", event["before"] == event["after"], "{event}");
        modified += u32::from(event["type"] == "MODIFIED");
    }
    assert!(modified > 10);
    for (resource, after) in left {
        let document = "query Now($id: ID!) { resource(id: $id) { status content } }";
        let resource = ask_with(document, json!({ "id": resource }))["resource"].take();
        let now = if resource["status"] == "ACTIVE" { &resource["content"] } else { &Value::Null };
        assert_eq!(now, after);
    }
}

/// The differences of a resource's events, oldest first.
fn diffs(name: &str, arguments: &str) -> Vec<String> {
    let document = format!(
        "query Diffs($filter: ResourceEventFilter) {{ events(filter: $filter, orderBy: [{{ field: TIME, direction: ASC }}]) {{ \
             nodes {{ diff{arguments} }} }} }}"
    );
    let data = ask_with(&document, json!({ "filter": { "name": { "eq": name } } }));
    let nodes = data["events"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["diff"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_diff_shows_lines_as_people_read_them() {
    let settings = diffs("settings", "(context: 1)");
    let expected = [
        "--- /dev/null\n+++ b/short-lived.yaml\n@@ -0,0 +1,6 @@\n\
         +apiVersion: v1\n+kind: ConfigMap\n+metadata:\n+  name: settings\n+data:\n+  key: 1\n",
        "--- a/short-lived.yaml\n+++ b/short-lived.yaml\n@@ -5,2 +5,2 @@\n data:\n-  key: 1\n+  key: 2\n",
        "--- a/short-lived.yaml\n+++ /dev/null\n@@ -1,6 +0,0 @@\n\
         -apiVersion: v1\n-kind: ConfigMap\n-metadata:\n-  name: settings\n-data:\n-  key: 2\n",
    ];
    assert_eq!(settings, expected);
    // A move that changes, too, names both files.
    let moved = diffs("sonarr-env", "");
    assert!(moved[1].starts_with("--- a/apps/sonarr-env.yaml\n+++ b/apps/media/env.yaml\n"), "{}", moved[1]);
    let secret = diffs("login", "").concat();
    assert!(secret.contains("token:") && !secret.contains("first") && !secret.contains("second"), "{secret}");
    let response = respond("{ events(first: 1) { nodes { diff(context: -1) } } }", json!({}));
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
}

#[test]
fn content_is_told_as_it_was_after_a_commit() {
    let document = "{ resources(filter: { name: { eq: \"settings\" }, \
        status: { eq: DELETED } }) { nodes { id repository { events(orderBy: [{ field: TIME, direction: ASC }]) { \
        nodes { commit { id } } } } } } }";
    let mut data = ask(document);
    let settings = data["resources"]["nodes"][0].take();
    let events = settings["repository"]["events"]["nodes"].as_array().unwrap();
    let mut commits: Vec<&str> = events.iter().map(|event| event["commit"]["id"].as_str().unwrap()).collect();
    commits.dedup();
    let document = "query After($id: ID!, $commit: String!) { resource(id: $id) { \
        content(pointer: \"/data/key\", commit: $commit) yaml(commit: $commit) } }";
    let after = |commit: &str| ask_with(document, json!({ "id": settings["id"], "commit": commit }))["resource"].take();
    assert_eq!(after(commits[0])["content"], 1);
    assert_eq!(after(commits[1])["content"], 2);
    assert!(after(commits[1])["yaml"].as_str().unwrap().ends_with("key: 2\n"));
    for gone in &commits[2..] {
        assert_eq!(after(gone), json!({ "content": null, "yaml": null }), "deleted by then");
    }
    for arguments in ["commit: \"0123\"", &format!("commit: \"{}\", at: \"2024-01-01\"", commits[0])] {
        let document = format!("query Wrong($id: ID!) {{ resource(id: $id) {{ content({arguments}) }} }}");
        let response = respond(&document, json!({ "id": settings["id"] }));
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}

#[test]
fn siblings_share_the_chart_or_the_name_in_other_repositories() {
    let siblings = |filter: Value| {
        let document = "query Siblings($filter: ResourceFilter) { resources(filter: $filter) { nodes { repository { fullName } \
            siblings(first: 10) { totalCount nodes { kind name repository { fullName } } } page: siblings(last: 1) { \
            nodes { name } pageInfo { hasPreviousPage } } } } }";
        let mut data = ask_with(document, json!({ "filter": filter }));
        let nodes = data["resources"]["nodes"].as_array_mut().unwrap().split_off(0);
        nodes
            .into_iter()
            .map(|node| {
                let all = node["siblings"]["nodes"].as_array().unwrap().clone();
                assert_eq!(node["siblings"]["totalCount"], all.len());
                assert_eq!(
                    node["page"]["nodes"][0]["name"],
                    all.last().map_or(Value::Null, |last| last["name"].clone())
                );
                assert_eq!(node["page"]["pageInfo"]["hasPreviousPage"], all.len() > 1);
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let line = |one: &Value| format!("{} {}", text(&one["repository"]["fullName"]), text(&one["name"]));
                (text(&node["repository"]["fullName"]), all.iter().map(line).collect::<Vec<String>>())
            })
            .collect::<BTreeMap<_, _>>()
    };
    let of_rig = ["erin/rig lidarr", "erin/rig radarr"].map(str::to_owned).to_vec();
    let of_home = ["dora/home jellyfin", "dora/home radarr"].map(str::to_owned).to_vec();
    let radarr = siblings(json!({ "name": { "eq": "radarr" } }));
    assert_eq!(radarr, BTreeMap::from([("dora/home".to_owned(), of_rig.clone()), ("erin/rig".to_owned(), of_home)]));
    let jellyfin = siblings(json!({ "name": { "eq": "jellyfin" } }));
    assert_eq!(jellyfin, BTreeMap::from([("dora/home".to_owned(), of_rig)]));
    // The same name of another kind is another thing, and a chart without a source is like none.
    let others = siblings(json!({ "name": { "in": ["proxy", "grafana"] } }));
    assert!(others.len() == 3 && others.values().all(Vec::is_empty), "{others:?}");
}

#[test]
fn a_repository_lists_the_charts_that_it_installs() {
    let fields = "name identity releaseCount versions chart { repositoryCount }";
    let charts = |name: &str| {
        let document = format!("{{ repository(by: {{ fullName: \"{name}\" }}) {{ charts {{ {fields} }} }} }}");
        ask(&document)["repository"]["charts"].take()
    };
    let expected = json!([
        {
            "name": "app-template", "identity": "charts.example.org/stable/app-template", "releaseCount": 2,
            "versions": ["1.11.0", "1.9.0"], "chart": { "repositoryCount": 2 },
        },
        {
            "name": "certificates", "identity": "ghcr.io/example/certificates", "releaseCount": 1,
            "versions": ["v1.12.0"], "chart": { "repositoryCount": 1 },
        },
    ]);
    assert_eq!(charts("dora/home"), expected);
    let unknown = charts("ada/cluster");
    assert_eq!(
        unknown[0],
        json!({ "name": "Plex", "identity": null, "releaseCount": 1, "versions": ["2.0.0"], "chart": null })
    );
    assert_eq!(charts("bob/apps"), json!([]));
}

#[test]
fn a_reference_leads_to_what_it_names() {
    let fields = "references { field to { kind name referencedBy { from { name } } } }";
    let data = ask(&format!(
        "{{ resources(filter: {{ kind: {{ eq: \"HelmRelease\" }}, name: {{ in: [\"certificates\", \"lidarr\"] }} }}) {{ nodes {{ name {fields} }} }} }}"
    ));
    let back = |names: &[&str]| names.iter().map(|name| json!({ "from": { "name": name } })).collect::<Vec<Value>>();
    let source =
        |kind: &str, name: &str, from: &[&str]| json!([{ "kind": kind, "name": name, "referencedBy": back(from) }]);
    let nodes = &data["resources"]["nodes"];
    let references = |index: usize| nodes[index]["references"].as_array().unwrap().clone();
    assert_eq!(
        references(0),
        [
            json!({ "field": "spec.chartRef", "to": source("OCIRepository", "certificates", &["certificates"]) }),
            json!({ "field": "spec.dependsOn[]", "to": source("HelmRelease", "radarr", &["certificates"]) }),
        ]
    );
    assert_eq!(references(1)[0]["to"][0]["name"], "templates");
    // Nothing declares what the Kustomization builds from: its directory is no resource.
    let data = ask(
        "{ resources(filter: { group: { eq: \"kustomize.toolkit.fluxcd.io\" } }) { nodes { references { kind to { name } } } } }",
    );
    for reference in data["resources"]["nodes"][0]["references"].as_array().unwrap() {
        assert_eq!(reference["to"], json!([]), "{reference}");
    }
}
