//! `search`: what fits better comes first, then what is more popular.

use serde_json::{Value, json};

use super::support::{ask_with, respond};

/// Each result in one line: rank, type, what was found in which field, and the popularity.
fn found(query: &str, more: Value) -> Vec<String> {
    let document = "query Find($query: String!, $types: [SearchType!], $first: Int! = 20) { \
        search(query: $query, types: $types, first: $first) { rank field matched popularity node { __typename id \
        ... on Repository { fullName } ... on Resource { kind name } ... on Chart { identity } } } }";
    let mut variables = json!({ "query": query });
    variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let data = ask_with(document, variables);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |result: &Value| {
        let node = &result["node"];
        let node = match node["__typename"].as_str().unwrap() {
            "Repository" => text(&node["fullName"]),
            "Resource" => format!("{} {}", text(&node["kind"]), text(&node["name"])),
            _ => text(&node["identity"]),
        };
        let matched = format!("{} {}", text(&result["field"]), text(&result["matched"]));
        format!("{}: {node} ({matched}; {})", text(&result["rank"]), result["popularity"])
    };
    data["search"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn what_fits_better_comes_first_then_what_is_more_popular() {
    assert_eq!(
        found("RADARR", json!({})),
        ["EXACT: HelmRelease radarr (NAME radarr; 2)"],
        "one for both repositories that have it"
    );
    assert_eq!(
        found("setting-1", json!({ "first": 3 })),
        [
            "EXACT: ConfigMap setting-1 (NAME setting-1; 1)",
            "PREFIX: ConfigMap setting-10 (NAME setting-10; 1)",
            "PREFIX: ConfigMap setting-11 (NAME setting-11; 1)",
        ]
    );
    let certificates = found(" Certificate ", json!({}));
    assert_eq!(
        certificates,
        [
            "PREFIX: ghcr.io/example/certificates (NAME certificates; 1)",
            "PREFIX: HelmRelease certificates (NAME certificates; 1)",
            "PREFIX: OCIRepository certificates (NAME certificates; 1)",
        ]
    );
    let charts = found("chart", json!({}));
    assert_eq!(charts, ["PREFIX: HelmRepository charts (NAME charts; 1)"]);
    assert_eq!(
        found("temp", json!({})),
        [
            "PREFIX: HelmRepository templates (NAME templates; 1)",
            "CONTAINS: charts.example.org/stable/app-template (NAME app-template; 2)",
        ]
    );
}

#[test]
fn repositories_are_found_by_all_that_tells_of_them() {
    let repositories = |query: &str| found(query, json!({ "types": ["REPOSITORY"] }));
    assert_eq!(repositories("ADA/cluster"), ["EXACT: ada/cluster (FULL_NAME ada/cluster; 129)"]);
    assert_eq!(repositories("cluster"), ["EXACT: ada/cluster (NAME cluster; 129)"]);
    assert_eq!(repositories("erin"), ["PREFIX: erin/rig (FULL_NAME erin/rig; 0)"]);
    assert_eq!(repositories("KubeSearch"), ["EXACT: ada/cluster (TOPIC kubesearch; 129)"]);
}

#[test]
fn what_is_gone_is_not_found() {
    assert_eq!(found("dashboards", json!({})), Vec::<String>::new());
    assert_eq!(found("short-lived", json!({})), Vec::<String>::new());
    assert_eq!(found("radarr", json!({ "types": ["CHART", "REPOSITORY"] })), Vec::<String>::new());
    for text in ["%", "_", "' OR 1 = 1 --", "\\", "{text:String}"] {
        assert_eq!(found(text, json!({})), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_text_has_to_be_there_and_short() {
    for (query, first) in [("", 20), ("  ", 20), (&*"x".repeat(257), 20), ("x", 0), ("x", 101)] {
        let document = "query Find($query: String!, $first: Int!) { search(query: $query, first: $first) { matched } }";
        let response = respond(document, json!({ "query": query, "first": first }));
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}
