//! What several repositories have in common: charts, images, references and snapshots, as the fixtures declare them.

use serde_json::{Value, json};

use super::support::{ask, ask_with, respond};

/// The nodes of a list that a filter picks.
fn nodes(list: &str, filter_type: &str, filter: Value, fields: &str) -> Vec<Value> {
    let document = format!(
        "query Filtered($filter: {filter_type}) {{ {list}(first: 500, filter: $filter) {{ totalCount nodes {{ {fields} }} }} }}"
    );
    let mut data = ask_with(&document, json!({ "filter": filter }));
    let nodes = data[list]["nodes"].as_array_mut().unwrap().split_off(0);
    assert_eq!(data[list]["totalCount"], nodes.len(), "{list}, {filter}");
    nodes
}

fn texts(nodes: &[Value], field: &str) -> Vec<String> {
    nodes.iter().map(|node| node[field].as_str().unwrap_or("-").to_owned()).collect()
}

fn repository_id(full_name: &str) -> Value {
    ask(&format!("{{ repository(by: {{ fullName: \"{full_name}\" }}) {{ id }} }}"))["repository"]["id"].take()
}

#[test]
fn a_chart_tells_who_installs_it_in_which_versions() {
    let fields = "name identity canonicalIdentity urls repositoryCount releaseCount versionCount newestVersion \
        versions { version releaseCount repositoryCount } \
        popularity { rank chartCount repositoryCount releaseCount chartRepositoryCount share }";
    let charts = nodes("charts", "ChartFilter", json!({}), fields);
    let expected = json!([
        {
            "name": "app-template",
            "identity": "charts.example.org/stable/app-template",
            "canonicalIdentity": "charts.example.org/stable/app-template",
            "urls": ["https://Charts.example.org/stable/", "https://charts.example.org/stable"],
            "repositoryCount": 2, "releaseCount": 4, "versionCount": 3, "newestVersion": "1.11.0",
            "versions": [
                { "version": "1.11.0", "releaseCount": 1, "repositoryCount": 1 },
                { "version": "1.10.0", "releaseCount": 1, "repositoryCount": 1 },
                { "version": "1.9.0", "releaseCount": 2, "repositoryCount": 2 },
            ],
            "popularity": {
                "rank": 1, "chartCount": 2, "repositoryCount": 2, "releaseCount": 4, "chartRepositoryCount": 2, "share": 1.0,
            },
        },
        {
            "name": "certificates",
            "identity": "ghcr.io/example/certificates",
            "canonicalIdentity": "ghcr.io/example/certificates",
            "urls": ["oci://ghcr.io/example/certificates"],
            "repositoryCount": 1, "releaseCount": 1, "versionCount": 1, "newestVersion": "v1.12.0",
            "versions": [{ "version": "v1.12.0", "releaseCount": 1, "repositoryCount": 1 }],
            "popularity": {
                "rank": 2, "chartCount": 2, "repositoryCount": 1, "releaseCount": 1, "chartRepositoryCount": 2, "share": 0.5,
            },
        },
    ]);
    assert_eq!(json!(charts), expected);
}

#[test]
fn charts_are_picked_and_keep_their_rank() {
    let picked = |filter: Value| texts(&nodes("charts", "ChartFilter", filter, "name"), "name");
    let (home, rig) = (repository_id("dora/home"), repository_id("erin/rig"));
    let both = ["app-template", "certificates"];
    assert_eq!(picked(json!({ "name": { "startsWith": "cert" } })), both[1..]);
    assert_eq!(picked(json!({ "identity": { "contains": "GHCR" } })), both[1..]);
    assert_eq!(picked(json!({ "repositoryCount": { "gte": 2 } })), both[..1]);
    assert_eq!(picked(json!({ "releaseCount": { "lt": 2 } })), both[1..]);
    assert_eq!(picked(json!({ "repositories": { "has": home } })), both);
    assert_eq!(picked(json!({ "repositories": { "has": rig } })), both[..1]);
    assert_eq!(picked(json!({ "repositories": { "hasAny": [home, rig] } })), both);
    assert_eq!(picked(json!({ "repositories": { "hasAny": [] } })), Vec::<String>::new());
    assert_eq!(picked(json!({ "not": { "repositories": { "has": rig } } })), both[1..]);
    let certificates =
        nodes("charts", "ChartFilter", json!({ "name": { "eq": both[1] } }), "popularity { rank chartCount }");
    assert_eq!(certificates[0]["popularity"], json!({ "rank": 2, "chartCount": 2 }));
}

#[test]
fn an_image_tells_who_uses_it_by_which_tags() {
    let fields = "repository registry tagCount repositoryCount resourceCount kinds pinnedShare \
        tags { tag resourceCount repositoryCount }";
    let images = nodes("images", "ImageFilter", json!({}), fields);
    let image = |repository: &str, registry: Value, counts: [u64; 2], kinds: &[&str], pinned: f64, tags: Value| {
        let tag_count = tags.as_array().unwrap().len();
        json!({
            "repository": repository, "registry": registry, "tagCount": tag_count, "repositoryCount": counts[0],
            "resourceCount": counts[1], "kinds": kinds, "pinnedShare": pinned, "tags": tags,
        })
    };
    let tag = |tag: &str, count: u64| json!({ "tag": tag, "resourceCount": count, "repositoryCount": count });
    let release = ["HelmRelease"].as_slice();
    let expected = json!([
        image(
            "ghcr.io/example/radarr",
            json!("ghcr.io"),
            [2, 2],
            release,
            0.0,
            json!([tag("4.0.0", 1), tag("4.1.0", 1)])
        ),
        image("nginx", json!("docker.io"), [2, 2], &["DaemonSet", "Deployment"], 0.0, json!([tag("1.25", 2)])),
        image("${REGISTRY}/log", Value::Null, [1, 1], &["Deployment"], 0.0, json!([tag("1", 1)])),
        image("ghcr.io/example/jellyfin", json!("ghcr.io"), [1, 1], release, 1.0, json!([tag("10.8.0", 1)])),
        image("ghcr.io/example/lidarr", json!("ghcr.io"), [1, 1], release, 0.0, json!([tag("1.0.0", 1)])),
    ]);
    assert_eq!(json!(images), expected);
    let top = ask("{ images(first: 1) { nodes { tagCount tags(first: 1) { tag } } } }");
    assert_eq!(top["images"]["nodes"], json!([{ "tagCount": 2, "tags": [{ "tag": "4.0.0" }] }]));
}

#[test]
fn images_are_picked() {
    let picked = |filter: Value| texts(&nodes("images", "ImageFilter", filter, "repository"), "repository");
    let rig = repository_id("erin/rig");
    assert_eq!(picked(json!({ "repository": { "contains": "EXAMPLE/J" } })), ["ghcr.io/example/jellyfin"]);
    assert_eq!(picked(json!({ "registry": { "eq": "docker.io" } })), ["nginx"]);
    assert_eq!(picked(json!({ "registry": { "eq": "" } })), ["${REGISTRY}/log"]);
    assert_eq!(picked(json!({ "tags": { "has": "1.24" } })), Vec::<String>::new(), "no longer in use");
    assert_eq!(picked(json!({ "tags": { "hasAny": ["1.25", "4.1.0"] } })), ["ghcr.io/example/radarr", "nginx"]);
    assert_eq!(picked(json!({ "kinds": { "has": "DaemonSet" } })), ["nginx"]);
    let of_rig = ["ghcr.io/example/radarr", "nginx", "ghcr.io/example/lidarr"];
    assert_eq!(picked(json!({ "gitRepositories": { "has": rig } })), of_rig);
    assert_eq!(picked(json!({ "resourceCount": { "gt": 1 }, "repositoryCount": { "eq": 2 } })), of_rig[..2]);
}

#[test]
fn references_that_ended_are_not_listed() {
    let fields = "field kind namespace name isNamespaceDeclared since from { kind name repository { fullName } }";
    let home = repository_id("dora/home");
    let filter = json!({ "repository": { "eq": home }, "field": { "startsWith": "spec." }, "not": { "kind": { "eq": "directory" } } });
    let found = nodes("references", "ReferenceFilter", filter, fields);
    let lines: Vec<String> = found
        .iter()
        .map(|node| {
            assert_eq!(node["from"]["repository"]["fullName"], "dora/home");
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let from = text(&node["from"]["name"]);
            format!(
                "{from} {} {} {}/{}",
                text(&node["field"]),
                text(&node["kind"]),
                text(&node["namespace"]),
                text(&node["name"])
            )
        })
        .collect();
    // The certificates do not wait for jellyfin any more.
    let mut sorted = lines.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "certificates spec.chartRef OCIRepository home/certificates",
            "certificates spec.dependsOn[] HelmRelease home/radarr",
            "jellyfin spec.chart.spec.sourceRef HelmRepository flux-system/charts",
            "radarr spec.chart.spec.sourceRef HelmRepository flux-system/charts",
        ]
    );
    let declared =
        json!({ "repository": { "eq": home }, "isNamespaceDeclared": true, "kind": { "eq": "HelmRepository" } });
    assert_eq!(nodes("references", "ReferenceFilter", declared, "name").len(), 2);
    let from = ask(
        "{ resources(filter: { name: { eq: \"certificates\" }, kind: { eq: \"HelmRelease\" } }) { nodes { id } } }",
    );
    let from = json!({ "from": { "eq": from["resources"]["nodes"][0]["id"] } });
    assert_eq!(texts(&nodes("references", "ReferenceFilter", from, "kind"), "kind"), ["HelmRelease", "OCIRepository"]);
}

#[test]
fn pages_of_references_give_each_once() {
    let document = "query Page($first: Int, $after: String, $last: Int, $before: String) { references(first: $first, after: $after, \
        last: $last, before: $before, orderBy: [{ field: KIND }, { field: FIELD, direction: DESC }]) { \
        nodes { field kind namespace name selector produces from { id } } pageInfo { startCursor endCursor } } }";
    let page = |variables: Value| ask_with(document, variables)["references"].take();
    let whole = page(json!({ "first": 500 }))["nodes"].as_array().unwrap().clone();
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    let (mut after, mut before) = (Value::Null, Value::Null);
    while forward.len() < whole.len() {
        let next = page(json!({ "first": 3, "after": after }));
        forward.extend(next["nodes"].as_array().unwrap().clone());
        after = next["pageInfo"]["endCursor"].clone();
        let previous = page(json!({ "last": 3, "before": before }));
        backward.splice(0..0, previous["nodes"].as_array().unwrap().clone());
        before = previous["pageInfo"]["startCursor"].clone();
    }
    assert_eq!((&forward, &backward), (&whole, &whole));
    assert!(whole.len() > 6 && (1..whole.len()).all(|index| !whole[..index].contains(&whole[index])));
}

#[test]
fn snapshots_of_all_repositories_come_newest_first() {
    let fields = "recordedAt stars repository { fullName }";
    let all = nodes("repositoryMetrics", "RepositoryMetricsFilter", json!({}), fields);
    assert_eq!(all.len(), 31);
    let times = texts(&all, "recordedAt");
    assert!(times.is_sorted_by(|one, two| one >= two), "{times:?}");
    let picked = |filter: Value| nodes("repositoryMetrics", "RepositoryMetricsFilter", filter, fields);
    let of_bob = picked(json!({ "repository": { "eq": repository_id("bob/apps") } }));
    assert_eq!(of_bob.len(), 1);
    assert_eq!(of_bob[0]["repository"]["fullName"], "bob/apps");
    // An instant is compared as exactly as it is told.
    let middle = &times[10];
    let at = |comparison: &str| picked(json!({ "recordedAt": { comparison: middle } })).len();
    assert_eq!([at("gt"), at("gte"), at("lt"), at("lte")], [10, 11, 20, 21]);
}

#[test]
fn charts_and_images_come_back_under_their_ids() {
    let first = ask("{ charts(first: 2) { nodes { id identity } } images(first: 2) { nodes { id repository } } }");
    let (charts, images) = (&first["charts"]["nodes"], &first["images"]["nodes"]);
    let document = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Chart { identity } ... on Image { repository } } }";
    let ids = json!([images[1]["id"], charts[0]["id"], charts[1]["id"], images[0]["id"]]);
    let found = ask_with(document, json!({ "ids": ids }));
    let expected = json!([
        { "__typename": "Image", "id": images[1]["id"], "repository": images[1]["repository"] },
        { "__typename": "Chart", "id": charts[0]["id"], "identity": charts[0]["identity"] },
        { "__typename": "Chart", "id": charts[1]["id"], "identity": charts[1]["identity"] },
        { "__typename": "Image", "id": images[0]["id"], "repository": images[0]["repository"] },
    ]);
    assert_eq!(found["nodes"], expected);
    // The id of a chart is none of a repository.
    let document = "query Named($id: ID!) { resources(filter: { repository: { eq: $id } }) { totalCount } }";
    let response = respond(document, json!({ "id": charts[0]["id"] }));
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
}
