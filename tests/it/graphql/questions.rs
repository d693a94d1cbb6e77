//! Examples that ask for what few repositories have, on one that has it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

/// What an example answers, with other variables than its own where some are given.
fn answer(server: &TestServer, name: &str, variables: Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/queries").join(name);
    let text = fs::read_to_string(path.with_extension("graphql")).unwrap();
    let given = fs::read_to_string(path.with_extension("variables.json")).unwrap();
    let mut all: Value = serde_json::from_str(&given).unwrap();
    all.as_object_mut().unwrap().extend(variables.as_object().unwrap().clone());
    server.query_with(&text, all)
}

/// The values of a trend, each with its series.
fn values(trend: &Value) -> Vec<(&str, f64)> {
    let rows = trend["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["series"].as_str().unwrap_or_default(), row["value"].as_f64().unwrap())).collect()
}

/// The values of a trend, one a bucket.
fn curve(trend: &Value) -> Vec<f64> {
    values(trend).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn what_few_repositories_have_is_answered() {
    let repository = fixture("questions");
    let data = TestData::new();
    data.scan(&repository.path());
    let server = TestServer::start(&data);
    let of_2024 = json!({ "range": { "from": "2024-01-01", "to": "2025-01-01" } });

    let left = answer(
        &server,
        "50-leaving-a-source-of-charts",
        json!({ "source": "charts.bitnami.com/", "range": of_2024["range"] }),
    );
    assert_eq!(curve(&left["curve"]), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], "releases and repositories by quarter");
    let change = &left["chartVersionChanges"]["nodes"][0];
    assert_eq!(change["before"], json!({ "identity": "charts.bitnami.com/bitnami/postgresql", "version": "15.0.0" }));
    assert_eq!(change["after"]["identity"], "charts.example.org/postgresql");

    let routes = answer(&server, "51-from-ingress-to-gateway", of_2024.clone());
    assert_eq!(curve(&routes["ingress"]), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(curve(&routes["gateway"]), [0.0, 0.0, 1.0, 1.0]);

    let both = answer(&server, "54-flux-and-argo-cd", of_2024.clone());
    let groups: Vec<&Value> =
        both["repositories"]["rows"].as_array().unwrap().iter().map(|row| &row["dimensions"][1]["value"]).collect();
    assert_eq!(
        groups,
        ["argoproj.io", "fluxcd.controlplane.io", "helm.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"]
    );

    let circle = answer(&server, "56-what-has-to-come-first", json!({ "kind": "Kustomization", "name": "one" }));
    let waits_for = |node: &Value| {
        let references = node["references"].as_array().unwrap();
        references.iter().find(|reference| reference["field"] == "spec.dependsOn[]").unwrap()["to"][0].clone()
    };
    let two = waits_for(&circle["resources"]["nodes"][0]);
    let three = waits_for(&two);
    assert_eq!([&two["name"], &three["name"], &waits_for(&three)["name"]], ["two", "three", "one"]);

    let flux = answer(&server, "57-versions-of-flux", of_2024.clone());
    assert_eq!(flux["repositories"]["nodes"][0]["fluxVersions"][0]["version"], "v2.3.0");
    assert_eq!(values(&flux["instances"]), [("2.7.x", 1.0), ("2.7.x", 1.0)], "repositories and instances");

    let secrets = answer(&server, "58-ways-to-keep-secrets", of_2024.clone());
    assert_eq!(curve(&secrets["sops"]), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(curve(&secrets["sealed"]), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(curve(&secrets["external"]), [0.0, 0.0, 1.0, 1.0]);

    let suspended = answer(&server, "60-what-is-suspended", of_2024);
    let rows = values(&suspended["suspended"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].0.ends_with("Kustomization.kustomize.toolkit.fluxcd.io / flux-system / two"), "{rows:?}");
    let event = &suspended["events"]["nodes"][0];
    assert_eq!([&event["time"], &event["resource"]["name"]], ["2024-05-10T12:00:00Z", "two"]);
}
