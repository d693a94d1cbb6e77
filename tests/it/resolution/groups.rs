//! One chart at several places: joined when enough repositories went from one to the other.

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

const GROUPS: &str = "{ chartGroups { canonicalIdentity name identities moves { before after repositories since } } }";

fn groups(server: &TestServer) -> Value {
    server.query(GROUPS)["chartGroups"].take()
}

#[test]
fn identities_that_three_repositories_moved_between_are_one_chart() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let repositories = ["chart-moved"; 3].map(fixture);
    for repository in &repositories[..2] {
        data.scan(&repository.path());
    }
    assert_eq!(groups(&server), json!([]), "two may be one's own decision");
    data.scan(&repositories[2].path());
    let moved = json!([{
        "canonicalIdentity": "ghcr.io/example/charts/app",
        "name": "app",
        "identities": ["charts.example.org/stable/app", "ghcr.io/example/charts/app"],
        "moves": [{
            "before": "charts.example.org/stable/app",
            "after": "ghcr.io/example/charts/app",
            "repositories": 3,
            "since": "2024-02-01T12:00:00Z",
        }],
    }]);
    // metallb went from 6.1.2 to 0.14.5: that is another chart.
    assert_eq!(groups(&server), moved);
    let document = "{ resources(filter: {name: {in: [\"web\", \"balancer\"]}, kind: {eq: \"HelmRelease\"}}, orderBy: [{field: NAME}]) {
        nodes { name before: chart(at: \"2024-01-15\") { identity canonicalIdentity } chart { identity canonicalIdentity } } } }";
    let mut answer = server.query(document);
    let nodes = answer["resources"]["nodes"].as_array_mut().unwrap();
    nodes.dedup();
    let registry = "ghcr.io/example/charts/app";
    let chart = |identity: &str, canonical: &str| json!({ "identity": identity, "canonicalIdentity": canonical });
    let others = "others.example.com/metallb";
    let stable = "charts.example.org/stable";
    assert_eq!(
        json!(nodes),
        json!([
            {
                "name": "balancer",
                "before": chart(&format!("{stable}/metallb"), &format!("{stable}/metallb")),
                "chart": chart(others, others),
            },
            { "name": "web", "before": chart(&format!("{stable}/app"), registry), "chart": chart(registry, registry) },
        ])
    );
}
