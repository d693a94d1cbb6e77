//! What GraphQL tells of resolution, on a scripted repository.

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

fn scanned(name: &str) -> (TestData, TestServer) {
    let repository = fixture(name);
    let data = TestData::new();
    data.scan(&repository.path());
    let server = TestServer::start(&data);
    (data, server)
}

/// Upgrades as `time resource: before -> after STEP PART by cause`.
fn version_changes(server: &TestServer, filter: &str) -> Vec<String> {
    let document = format!(
        "{{ chartVersionChanges(first: 100, filter: {filter}) {{ nodes {{ time step part resource {{ name }} cause {{ kind name }}
            before {{ identity version }} after {{ identity version }} }} }} }}"
    );
    let answer = server.query(&document);
    let nodes = answer["chartVersionChanges"]["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let change = |node: &Value| {
        let chart = |chart: &Value| format!("{} {}", text(&chart["identity"]), text(&chart["version"]));
        let cause = match &node["cause"] {
            Value::Null => "itself".to_owned(),
            cause => format!("{} {}", text(&cause["kind"]), text(&cause["name"])),
        };
        let (time, name) = (text(&node["time"]), text(&node["resource"]["name"]));
        let (before, after) = (chart(&node["before"]), chart(&node["after"]));
        format!("{:.10} {name}: {before} -> {after} {} {} by {cause}", time, text(&node["step"]), text(&node["part"]))
    };
    nodes.iter().rev().map(change).collect()
}

#[test]
fn versions_change_by_the_release_or_by_what_it_refers_to() {
    let (_data, server) = scanned("flux-cluster");
    assert_eq!(
        version_changes(&server, "{}"),
        [
            "2024-01-02 web: charts.example.org/web 1.0.0 -> charts.example.org/web 1.1.0 UPGRADE MINOR by itself",
            "2024-01-03 web: charts.example.org/web 1.1.0 -> charts.example.org/web 1.0.9 DOWNGRADE MINOR by HelmRelease web",
            "2024-01-04 web: charts.example.org/web 1.0.9 -> ghcr.io/example/web 2.0.0 UPGRADE MAJOR by itself",
            "2024-01-05 web: ghcr.io/example/web 2.0.0 -> ghcr.io/example/web 2.0.1 UPGRADE PATCH by OCIRepository web",
        ]
    );
    assert_eq!(version_changes(&server, "{isIndirect: true}").len(), 2);
    assert_eq!(version_changes(&server, "{step: {eq: UPGRADE}, part: {eq: MAJOR}}").len(), 1);
    assert!(version_changes(&server, "{chart: {eq: \"ghcr.io/example/other\"}}").is_empty());
    let left =
        "{chartBefore: {startsWith: \"charts.example.org/\"}, not: {chart: {startsWith: \"charts.example.org/\"}}}";
    assert_eq!(
        version_changes(&server, left),
        ["2024-01-04 web: charts.example.org/web 1.0.9 -> ghcr.io/example/web 2.0.0 UPGRADE MAJOR by itself"]
    );
}

/// A chart that is put together in the cluster is known by what it is made of.
#[test]
fn a_chart_comes_through_the_artifact_that_is_made_of_it() {
    let repository = fixture("flux-cluster");
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: podinfo, namespace: apps}\n\
                   spec: {interval: 1h, chartRef: {kind: ExternalArtifact, name: podinfo-composite}}\n";
    let chart = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: chart, namespace: apps}\n\
                 spec: {interval: 1h, url: 'oci://ghcr.io/example/charts/podinfo', ref: {tag: 6.9.0}}\n";
    let generator = "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\nmetadata: {name: podinfo, namespace: apps}\n\
                     spec:\n  sources:\n  - {alias: chart, kind: OCIRepository, name: chart}\n\
                     \x20 - {alias: repo, kind: GitRepository, name: flux-system, namespace: flux-system}\n\
                     \x20 artifacts:\n  - name: podinfo-composite\n    copy:\n\
                     \x20   - {from: '@repo/values/podinfo.yaml', to: '@artifact/podinfo/values.yaml'}\n\
                     \x20   - {from: '@chart/', to: '@artifact/'}\n";
    repository.commit_file("composed/release.yaml", release, "release");
    repository.commit_file("composed/chart.yaml", chart, "chart");
    repository.commit_file("composed/generator.yaml", generator, "generator");
    repository.commit_file("composed/chart.yaml", &chart.replace("6.9.0", "6.9.1"), "newer");
    let data = TestData::new();
    data.scan(&repository.path());
    // The rows of a scan that continues are the same.
    repository.commit_file(
        "composed/generator.yaml",
        &generator.replace("'@chart/'", "'@repo/charts/podinfo/**'"),
        "own",
    );
    data.scan(&repository.path());
    let server = TestServer::start(&data);
    let changes = version_changes(&server, "{chart: {contains: \"podinfo\"}}");
    assert_eq!(
        changes.iter().map(|change| &change[11..]).collect::<Vec<_>>(),
        [
            "podinfo: ghcr.io/example/charts/podinfo 6.9.0 -> ghcr.io/example/charts/podinfo 6.9.1 UPGRADE PATCH by OCIRepository chart",
            "podinfo: ghcr.io/example/charts/podinfo 6.9.1 -> github.com/example/cluster/charts/podinfo - SIDEWAYS - by ArtifactGenerator podinfo",
        ]
    );
}

#[test]
fn a_resource_tells_what_it_means_now_and_at_a_time() {
    let (_data, server) = scanned("flux-cluster");
    let document = "{ resources(filter: {kind: {eq: \"HelmRelease\"}, path: {eq: \"apps/web/release.yaml\"}}) { nodes {
        effectiveNamespaces isPatch isVendored chart { name version versionClass sourceKind source { kind path } }
        then: chart(at: \"2024-01-02T18:00:00Z\") { version sourceKind }
        facts { interval intervalSeconds suspend valuesKeys images { repository tag } }
        references { field kind namespace isNamespaceDeclared name }
        once: references(at: \"2024-01-01T18:00:00Z\") { field kind namespace name } } } }";
    let answer = server.query(document);
    assert_eq!(
        answer["resources"]["nodes"],
        json!([{
            "effectiveNamespaces": ["production"],
            "isPatch": false,
            "isVendored": false,
            "chart": {
                "name": "web", "version": "2.0.1", "versionClass": "EXACT", "sourceKind": "OCIRepository",
                "source": { "kind": "OCIRepository", "path": "apps/web/oci.yaml" },
            },
            "then": { "version": "1.1.0", "sourceKind": "HelmRepository" },
            "facts": {
                "interval": "PT30M", "intervalSeconds": 1800, "suspend": true, "valuesKeys": ["image.repository", "image.tag"],
                "images": [{ "repository": "ghcr.io/example/web", "tag": "2.0.0" }],
            },
            "references": [
                { "field": "spec.chartRef", "kind": "OCIRepository", "namespace": "production", "isNamespaceDeclared": false, "name": "web" },
            ],
            "once": [
                { "field": "spec.chart.spec.sourceRef", "kind": "HelmRepository", "namespace": "flux-system", "name": "charts" },
            ],
        }])
    );
}

#[test]
fn a_source_tells_what_refers_to_it() {
    let (_data, server) = scanned("flux-cluster");
    let document = "{ resources(filter: {kind: {in: [\"GitRepository\", \"HelmRepository\", \"OCIRepository\"]}}, orderBy: [{field: NAME}]) {
        nodes { name referencedBy { field from { kind name } since } then: referencedBy(at: \"2024-01-02T18:00:00Z\") { from { name } } } } }";
    let mut answer = server.query(document);
    let by_name = |reference: &Value| reference["from"]["name"].as_str().unwrap().to_owned();
    for node in answer["resources"]["nodes"].as_array_mut().unwrap() {
        for list in ["referencedBy", "then"] {
            node[list].as_array_mut().unwrap().sort_by_key(by_name);
        }
    }
    assert_eq!(
        answer["resources"]["nodes"],
        json!([
            { "name": "charts", "referencedBy": [], "then": [{ "from": { "name": "web" } }] },
            {
                "name": "flux-system",
                "referencedBy": [
                    { "field": "spec.sourceRef", "from": { "kind": "Kustomization", "name": "apps" }, "since": "2024-01-01T12:00:00Z" },
                    { "field": "spec.sourceRef", "from": { "kind": "Kustomization", "name": "flux-system" }, "since": "2024-01-01T12:00:00Z" },
                ],
                "then": [{ "from": { "name": "apps" } }, { "from": { "name": "flux-system" } }],
            },
            {
                "name": "web",
                "referencedBy": [
                    { "field": "spec.chartRef", "from": { "kind": "HelmRelease", "name": "web" }, "since": "2024-01-04T12:00:00Z" },
                ],
                "then": [],
            },
        ])
    );
}

#[test]
fn events_tell_the_class_of_their_change_and_trends_leave_patches_and_vendored_files_out() {
    let (_data, server) = scanned("flux-cluster");
    let document = "{ events(first: 50, filter: {kind: {eq: \"HelmRelease\"}, path: {eq: \"apps/web/release.yaml\"}, type: {eq: MODIFIED}}) {
        nodes { changeClass effectiveNamespaces chart { version } commit { actor { isBot } } } }
      suspended: events(filter: {changeClass: {eq: SUSPEND}}) { totalCount }
      patches: events(filter: {isPatch: true}) { totalCount }
      vendored: events(filter: {isVendored: true}) { totalCount }
      all: events { totalCount }
      counted: eventTrend { rows { value } }
      everything: eventTrend(withPatches: true, withVendored: true) { rows { value } }
      classes: eventTrend(groupBy: [CHANGE_CLASS, ACTOR], filter: {type: {eq: MODIFIED}}) { rows { series value } } }";
    let answer = server.query(document);
    let production = |class: &str, version: &str, is_bot: bool| {
        json!({
            "changeClass": class, "effectiveNamespaces": ["production"], "chart": { "version": version },
            "commit": { "actor": { "isBot": is_bot } },
        })
    };
    assert_eq!(
        answer["events"]["nodes"],
        json!([
            production("SUSPEND", "2.0.1", false),
            production("IMAGE", "2.0.1", true),
            production("SOURCE", "2.0.0", false),
            production("VERSION", "1.1.0", true),
        ])
    );
    let count = |name: &str| answer[name]["totalCount"].as_u64().unwrap();
    assert_eq!((count("suspended"), count("patches"), count("vendored")), (1, 2, 2));
    let rows = |name: &str| answer[name]["rows"][0]["value"].as_f64().unwrap() as u64;
    assert_eq!(rows("everything"), count("all"));
    assert_eq!(rows("counted"), count("all") - 4);
    let classes = answer["classes"]["rows"].as_array().unwrap();
    assert!(classes.contains(&json!({ "series": "IMAGE / BOT", "value": 1.0 })), "{classes:?}");
}

#[test]
fn a_repository_tells_its_versions_of_flux() {
    let (_data, server) = scanned("flux-cluster");
    let answer = server.query("{ repositories { nodes { fluxVersions { version path since } } } }");
    assert_eq!(
        answer["repositories"]["nodes"][0]["fluxVersions"],
        json!([{ "version": "v2.4.0", "path": "clusters/home/flux-system/gotk-components.yaml", "since": "2024-01-07T12:00:00Z" }])
    );
}
