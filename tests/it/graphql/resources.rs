//! Lists of resources: those that are alive, unless the filter says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::support::{all_events, ask, ask_with};

/// Ids of the resources that a filter picks, with their status.
fn resources(filter: Value) -> BTreeMap<String, String> {
    let document = "query Resources($filter: ResourceFilter) { resources(first: 500, filter: $filter) { totalCount nodes { id status } } }";
    let data = ask_with(document, json!({ "filter": filter }));
    let nodes = data["resources"]["nodes"].as_array().unwrap();
    assert_eq!(data["resources"]["totalCount"], nodes.len(), "{filter}");
    let text = |node: &Value, field: &str| node[field].as_str().unwrap().to_owned();
    nodes.iter().map(|node| (text(node, "id"), text(node, "status"))).collect()
}

/// Status of every resource, as its events tell it.
fn by_events() -> BTreeMap<String, String> {
    // Oldest first, so that the newest decides.
    let status = |event_type: &str| if event_type == "DELETED" { "DELETED" } else { "ACTIVE" };
    let events = all_events().iter().rev();
    events.map(|event| (event.resource.id.clone(), status(&event.event_type).to_owned())).collect()
}

fn only(status: &str) -> BTreeMap<String, String> {
    by_events().into_iter().filter(|(_, this)| this == status).collect()
}

#[test]
fn lists_hold_what_is_alive_unless_the_filter_says_otherwise() {
    let (alive, deleted) = (only("ACTIVE"), only("DELETED"));
    assert!(!alive.is_empty() && !deleted.is_empty());
    for filter in [
        json!(null),
        json!({}),
        json!({ "status": null }),
        json!({ "status": {} }),
        json!({ "status": { "eq": "ACTIVE" } }),
    ] {
        assert_eq!(resources(filter.clone()), alive, "{filter}");
    }
    assert_eq!(resources(json!({ "status": { "eq": "DELETED" } })), deleted);
    assert_eq!(resources(json!({ "status": { "in": ["ACTIVE", "DELETED"] } })), by_events());
    assert_eq!(resources(json!({ "status": { "in": [] } })), BTreeMap::new());
}

#[test]
fn a_repository_lists_its_own() {
    let data = ask("{ repositories { nodes { fullName resourceCount eventCount unparsableCount commitCount \
        resources(first: 500) { totalCount nodes { repository { fullName } } } \
        events { totalCount } scanFailures { totalCount } } } }");
    let repositories = data["repositories"]["nodes"].as_array().unwrap();
    let names: Vec<&str> = repositories.iter().map(|repository| repository["fullName"].as_str().unwrap()).collect();
    assert_eq!(names, ["ada/cluster", "bob/apps", "carl/strange-paths", "dora/home", "erin/rig"]);
    let mut events = 0;
    for repository in repositories {
        for node in repository["resources"]["nodes"].as_array().unwrap() {
            assert_eq!(node["repository"]["fullName"], repository["fullName"]);
        }
        // The totals of the checkpoint are those of the lists.
        assert_eq!(repository["resourceCount"], repository["resources"]["totalCount"], "{}", repository["fullName"]);
        assert_eq!(repository["eventCount"], repository["events"]["totalCount"], "{}", repository["fullName"]);
        assert_eq!(
            repository["unparsableCount"], repository["scanFailures"]["totalCount"],
            "{}",
            repository["fullName"]
        );
        events += repository["eventCount"].as_u64().unwrap() as usize;
    }
    assert_eq!(events, all_events().len());
}

#[test]
fn conditions_look_at_the_newest_state() {
    // Plex was under apps/ first, and is no more; sonarr moved away from there; grafana has another apiVersion now.
    let names = |filter: Value| -> BTreeSet<String> {
        let document = "query Resources($filter: ResourceFilter) { resources(first: 500, filter: $filter) { nodes { name path apiVersion } } }";
        let data = ask_with(document, json!({ "filter": filter }));
        let nodes = data["resources"]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| format!("{} {}", node["name"].as_str().unwrap(), node["path"].as_str().unwrap()))
            .collect()
    };
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    let releases = |more: Value| {
        let mut filter = json!({ "kind": { "eq": "HelmRelease" } });
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        names(filter)
    };
    assert_eq!(
        releases(json!({})),
        set(&[
            "Plex apps/media/Plex.yaml",
            "certificates home/certificates.yaml",
            "grafana apps/grafana.yaml",
            "jellyfin home/jellyfin.yaml",
            "lidarr lidarr.yaml",
            "radarr home/radarr.yaml",
            "radarr radarr.yaml",
            "sonarr apps/media/sonarr.yaml",
        ])
    );
    assert_eq!(releases(json!({ "path": { "eq": "apps/sonarr.yaml" } })), set(&[]));
    assert_eq!(
        releases(json!({ "apiVersion": { "eq": "helm.toolkit.fluxcd.io/v2beta1" } })),
        set(&["sonarr apps/media/sonarr.yaml"])
    );
    assert_eq!(
        releases(json!({ "status": { "eq": "DELETED" }, "namespace": { "eq": "media" } })),
        set(&["Plex apps/media/Plex.yaml"])
    );
    assert_eq!(
        names(json!({ "name": { "contains": "PLEX" }, "group": { "startsWith": "helm." } })),
        set(&["Plex apps/media/Plex.yaml"])
    );
}

#[test]
fn repositories_are_filtered_too() {
    let names = |filter: Value| {
        let document =
            "query Repositories($filter: RepositoryFilter) { repositories(filter: $filter) { nodes { name } } }";
        let data = ask_with(document, json!({ "filter": filter }));
        let nodes = data["repositories"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(json!({ "fullName": { "eq": "bob/apps" } })), ["apps"]);
    assert_eq!(names(json!({ "owner": { "in": ["ada", "carl"] } })), ["cluster", "strange-paths"]);
    assert_eq!(names(json!({ "name": { "contains": "A" } })), ["apps", "strange-paths"]);
    assert_eq!(names(json!({ "url": { "startsWith": "https://git.example/ada" } })), ["cluster"]);
    assert_eq!(names(json!({ "forge": { "ne": "git.example" } })), Vec::<String>::new());
}

#[test]
fn bytes_of_a_path_that_are_no_text_are_replaced() {
    let data = ask("{ resources(filter: { name: { eq: \"bytes\" } }) { nodes { path } } }");
    assert_eq!(data["resources"]["nodes"], json!([{ "path": "caf\u{fffd}.yaml" }]));
}

#[test]
fn failures_are_filtered_and_come_newest_first() {
    let failures = |filter: &str| {
        let data = ask(&format!("{{ scanFailures{filter} {{ nodes {{ path time repository {{ name }} }} }} }}"));
        let nodes = data["scanFailures"]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| format!("{} {}", &node["time"].as_str().unwrap()[..10], node["path"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let all = failures("");
    assert_eq!(all.len(), 4);
    assert_eq!(all[0], "2024-11-05 apps/media/env.yaml");
    assert_eq!(all[1], "2023-05-01 equal-keys.yaml");
    assert!(all.is_sorted_by(|a, b| a[..10] >= b[..10]), "{all:?}");
    assert_eq!(failures("(filter: { path: { startsWith: \"apps/\" } })"), all[..1]);
    assert_eq!(failures("(filter: { time: { gte: \"2023-05-01\", lt: \"2024-11-05T12:00:00Z\" } })"), all[1..2]);
}
