//! What a resource contains, now and at any time: before and after a change, and after its deletion.

use serde_json::{Value, json};

use super::support::{ask_with, respond};

/// The only resource of this name and status: its `content` and `yaml` with arguments.
fn resource(name: &str, status: &str, fields: &str) -> Value {
    let document = format!(
        "query Named($filter: ResourceFilter) {{ resources(filter: $filter) {{ nodes {{ status deletedAt {fields} }} }} }}"
    );
    let filter = json!({ "name": { "eq": name }, "status": { "eq": status }, "path": { "ne": "same.yaml" } });
    let mut data = ask_with(&document, json!({ "filter": filter }));
    let nodes = data["resources"]["nodes"].as_array_mut().unwrap();
    assert_eq!(nodes.len(), 1, "{name}");
    nodes.remove(0)
}

#[test]
fn content_changes_with_its_events() {
    // Created on 5 November 2022, changed on 1 February, deleted on 1 March 2023, at noon each.
    let fields = "now: content(pointer: \"/data/key\") \
        unborn: content(pointer: \"/data/key\", at: \"2022-11-05T11:59:59Z\") \
        born: content(pointer: \"/data/key\", at: \"2022-11-05T12:00:00Z\") \
        before: content(pointer: \"/data/key\", at: \"2023-02-01T11:59:59.999Z\") \
        changed: content(pointer: \"/data/key\", at: \"2023-02-01T12:00:00Z\") \
        last: content(pointer: \"/data/key\", at: \"2023-03-01T11:59:59Z\") \
        deleted: content(pointer: \"/data/key\", at: \"2023-03-01T12:00:00Z\")";
    let life = resource("settings", "DELETED", fields);
    let expected = json!({
        "status": "DELETED", "deletedAt": "2023-03-01T12:00:00Z",
        "now": 2, "unborn": null, "born": 1, "before": 1, "changed": 2, "last": 2, "deleted": null,
    });
    assert_eq!(life, expected);
}

#[test]
fn yaml_changes_with_its_events() {
    let yaml = |key: u8| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  key: {key}\n");
    let fields =
        "yaml before: yaml(at: \"2023-01-01\") after: yaml(at: \"2023-02-02\") deleted: yaml(at: 1700000000000)";
    let life = resource("settings", "DELETED", fields);
    assert_eq!(life["before"], yaml(1));
    assert_eq!(life["after"], yaml(2));
    assert_eq!(life["yaml"], yaml(2), "a deleted resource keeps what it was last");
    assert_eq!(life["deleted"], Value::Null);
}

#[test]
fn a_broken_file_keeps_the_last_state_that_parsed() {
    let fields = "broken: content(pointer: \"/data/key\", at: \"2024-11-06\") repaired: content(pointer: \"/data/key\", at: \"2024-11-08\")";
    let environment = resource("sonarr-env", "ACTIVE", fields);
    assert_eq!([&environment["broken"], &environment["repaired"]], [&json!(2), &json!(3)]);
}

#[test]
fn pointers_lead_into_the_content() {
    let fields = "whole: content chart: content(pointer: \"/spec/chart/spec\") version: content(pointer: \"/spec/chart/spec/version\") \
        nowhere: content(pointer: \"/spec/values\") through: content(pointer: \"/kind/deeper\") empty: content(pointer: \"\")";
    let grafana = resource("grafana", "ACTIVE", fields);
    assert_eq!(grafana["whole"]["metadata"], json!({ "name": "grafana", "namespace": "monitoring" }));
    assert_eq!(grafana["chart"], json!({ "chart": "grafana", "version": "7.0.0" }));
    assert_eq!(grafana["version"], "7.0.0");
    assert_eq!(grafana["nowhere"], Value::Null);
    assert_eq!(grafana["through"], Value::Null);
    assert_eq!(grafana["empty"], grafana["whole"]);
    let keys: Vec<&String> = grafana["whole"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["apiVersion", "kind", "metadata", "spec"], "in the order of the file");
}

#[test]
fn secrets_are_not_shown() {
    let document = "{ resources(filter: { kind: { eq: \"Secret\" }, status: { eq: DELETED } }) { nodes { content yaml events { nodes { type changes { pointer before after } } } } } }";
    let response = respond(document, json!({}));
    let text = response.to_string();
    assert!(!text.contains("\"first") && !text.contains("\"second") && !text.contains("token: first"), "{text}");
    let secret = &response["data"]["resources"]["nodes"][0];
    assert!(secret["content"]["stringData"]["token"].is_string(), "{secret}");
    let change = &secret["events"]["nodes"][1]["changes"][0];
    assert_eq!(change["pointer"], "/stringData/token");
    assert_ne!(change["before"], change["after"], "the change is still seen");
}

#[test]
fn the_newest_commit_is_known_even_where_it_changed_no_resource() {
    let repositories = ask_with(
        "{ repositories { nodes { headCommit { id } resources(first: 1) { nodes { id yaml } } } } }",
        json!({}),
    );
    for repository in repositories["repositories"]["nodes"].as_array().unwrap() {
        let resource = &repository["resources"]["nodes"][0];
        let commit = repository["headCommit"]["id"].as_str().unwrap().to_uppercase();
        let document =
            "query($id: ID!, $commit: String!) { node(id: $id) { ... on Resource { yaml(commit: $commit) } } }";
        let after = ask_with(document, json!({ "id": resource["id"], "commit": commit }));
        assert_eq!(after["node"]["yaml"], resource["yaml"]);
    }
}
