//! What forges say of repositories: their description, snapshots over time, changes, quality.

use kubestats::store::{Reader, ReaderOptions};
use serde_json::{Value, json};

use super::seeds::{DAY, JUNE, SNAPSHOTS};
use super::support::{ask, ask_with, respond, respond_through, world};

/// Fields of the repository that forges were asked about.
#[track_caller]
fn ada(fields: &str) -> Value {
    ask(&format!("{{ repository(by: {{fullName: \"ada/cluster\"}}) {{ {fields} }} }}"))["repository"].take()
}

#[test]
fn a_repository_is_described() {
    let fields = "description license language topics discoveryTags status isArchived isFork isTemplate createdAt syncStatus \
         syncError lastSyncAt nextSyncAt quality { score parts { name points most explanation } } languages { name bytes share }";
    assert_eq!(
        ada(fields),
        json!({
            "description": "Ada's cluster", "license": "MIT", "language": "Shell", "topics": ["gitops", "kubesearch"],
            "discoveryTags": ["topic:kubesearch"], "status": "ACTIVE", "isArchived": true, "isFork": false,
            "isTemplate": false, "createdAt": "2020-01-01T00:00:00Z", "syncStatus": "FAILED", "syncError": "no answer",
            "lastSyncAt": "2024-06-30T00:00:00Z", "nextSyncAt": "2024-07-01T00:00:00Z",
            "quality": { "score": 15, "parts": [
                { "name": "activity", "points": 20, "most": 25, "explanation": "12 commits in 30 days" },
                { "name": "fork", "points": -5, "most": 0, "explanation": "it is a fork" },
            ] },
            "languages": [
                { "name": "Shell", "bytes": 300, "share": 0.75 }, { "name": "Go", "bytes": 100, "share": 0.25 },
            ],
        })
    );
    let carl = ask("{ repository(by: {fullName: \"carl/strange-paths\"}) { description topics syncStatus lastSyncAt \
         languages { name } quality { score parts { name } } metrics { stars } metricsHistory { stars } changes { field } } }");
    let nothing = json!({
        "description": null, "topics": [], "syncStatus": "PENDING", "lastSyncAt": null, "languages": null,
        "quality": { "score": 0, "parts": [] }, "metrics": null, "metricsHistory": [], "changes": [{ "field": "STATUS" }],
    });
    assert_eq!(carl["repository"], nothing, "its forge was never asked");
}

#[test]
fn the_newest_snapshot_is_the_metrics() {
    let expected = json!({
        "recordedAt": "2024-06-30T00:00:00Z", "stars": 129, "forks": 49, "watchers": 7, "openIssues": 3, "sizeKb": 2048,
        "resourceCount": 42, "pushedAt": "2024-06-01T00:00:00Z", "updatedAt": null,
    });
    let fields = "recordedAt stars forks watchers openIssues sizeKb resourceCount pushedAt updatedAt";
    assert_eq!(ada(&format!("metrics {{ {fields} }}"))["metrics"], expected);
    let fields = "{ stars watchers languages { name } }";
    let bob = ask(&format!(
        "{{ repository(by: {{fullName: \"bob/apps\"}}) {{ languages {{ name }} metrics {fields} metricsHistory {fields} }} }}"
    ));
    let untold = json!({ "stars": 95, "watchers": null, "languages": null });
    assert_eq!(bob["repository"], json!({ "languages": null, "metrics": untold, "metricsHistory": [untold] }));
}

#[track_caller]
fn stars(arguments: &str) -> Vec<u64> {
    let history = ada(&format!("metricsHistory{arguments} {{ stars }}"));
    history["metricsHistory"].as_array().unwrap().iter().map(|row| row["stars"].as_u64().unwrap()).collect()
}

#[test]
fn snapshots_are_listed_newest_first() {
    let all: Vec<u64> = (100..130).rev().collect();
    assert_eq!(i64::try_from(all.len()).unwrap(), SNAPSHOTS);
    assert_eq!(stars(""), all);
    assert_eq!(stars("(first: 3)"), all[..3]);
    // Half-open: the 10th is in it, the 12th is not.
    assert_eq!(stars("(range: { from: \"2024-06-10\", to: \"2024-06-12\" })"), [110, 109]);
    let range = format!("(range: {{ from: {}, to: {} }})", JUNE + DAY, JUNE + 3 * DAY);
    assert_eq!(stars(&range), [102, 101]);
    assert_eq!(stars("(range: { from: \"2024-06-28T12:00:00Z\" })"), [129, 128]);
    assert_eq!(stars("(range: { to: \"1900-01-01\" })"), [0; 0]);
    assert_eq!(stars("(range: { from: \"9999-01-01\" })"), [0; 0]);
}

#[test]
fn a_bucket_keeps_its_last_snapshot() {
    // Weeks begin on Monday: the 3rd, 10th, 17th and 24th of June 2024.
    assert_eq!(stars("(bucket: WEEK)"), [129, 122, 115, 108, 101]);
    assert_eq!(stars("(bucket: WEEK, first: 2)"), [129, 122]);
    assert_eq!(stars("(bucket: MONTH)"), [129]);
    assert_eq!(stars("(bucket: DAY)").len(), 30);
    assert_eq!(stars("(bucket: YEAR, range: { to: \"2024-06-05\" })"), [103]);
}

#[test]
fn lengths_are_checked() {
    for field in
        ["metricsHistory(first: 0)", "metricsHistory(first: 1001)", "changes(first: 101)", "changes(first: -1)"]
    {
        let document = format!("{{ repository(by: {{fullName: \"ada/cluster\"}}) {{ {field} {{ __typename }} }} }}");
        let response = respond(&document, json!({}));
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}

#[test]
fn changes_of_the_repository_are_told() {
    let expected = json!([
        { "field": "STATUS", "before": "PENDING", "after": "ACTIVE" },
        { "field": "FULL_NAME", "before": "ada/old-cluster", "after": "ada/cluster" },
    ]);
    assert_eq!(ada("changes { field before after }")["changes"], expected, "the newest first");
    assert_eq!(ada("changes { recordedAt }")["changes"][1]["recordedAt"], "2024-06-04T00:00:00Z");
}

#[track_caller]
fn names(arguments: &str) -> Vec<String> {
    let data = ask(&format!("{{ repositories{arguments} {{ totalCount nodes {{ fullName }} }} }}"));
    let nodes = data["repositories"]["nodes"].as_array().unwrap();
    assert_eq!(data["repositories"]["totalCount"], nodes.len());
    nodes.iter().map(|node| node["fullName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn repositories_are_filtered_by_what_forges_say() {
    for filter in [
        "topics: { has: \"gitops\" }",
        "topics: { has: \"gitops\", hasAny: [\"other\", \"kubesearch\"] }",
        "discoveryTags: { has: \"topic:kubesearch\" }",
        "isArchived: true",
    ] {
        assert_eq!(names(&format!("(filter: {{ {filter} }})")), ["ada/cluster"], "{filter}");
    }
    assert!(names("(filter: { topics: { has: \"gitop\" } })").is_empty());
    assert!(names("(filter: { status: { in: [GONE, BLOCKED] } })").is_empty());
    assert!(names("(filter: { status: { eq: ACTIVE } })").contains(&"ada/cluster".to_owned()));
    assert_eq!(names("(filter: { isArchived: false })"), ["bob/apps", "carl/strange-paths", "dora/home", "erin/rig"]);
}

#[test]
fn repositories_are_ordered_by_what_forges_say() {
    for (field, expected) in [
        ("STARS", ["ada/cluster", "bob/apps"].as_slice()),
        ("QUALITY", &["ada/cluster"]),
        ("LAST_SYNC", &["ada/cluster"]),
    ] {
        let order = format!("orderBy: [{{ field: {field}, direction: DESC }}]");
        assert_eq!(names(&format!("({order})"))[..expected.len()], *expected, "{field}");
        // Page by page it is the same list.
        let (mut paged, mut after) = (Vec::new(), Value::Null);
        for _ in 0..5 {
            let document = format!(
                "query Page($after: String) {{ repositories(first: 1, after: $after, {order}) {{ \
                     nodes {{ fullName }} pageInfo {{ endCursor }} }} }}"
            );
            let mut page = ask_with(&document, json!({ "after": after }))["repositories"].take();
            paged.push(page["nodes"][0]["fullName"].as_str().unwrap().to_owned());
            after = page["pageInfo"]["endCursor"].take();
        }
        assert_eq!(paged, names(&format!("({order})")), "{field}");
    }
}

#[test]
fn a_page_of_repositories_with_metrics_costs_a_constant_number_of_questions() {
    for (fields, expected) in [
        ("id", 2),
        ("metrics { stars } languages { share }", 2),
        ("metrics { stars } changes { field } metricsHistory(first: 5) { stars }", 4),
    ] {
        for size in [1, 3] {
            let reader = Reader::new(world().store.clone(), ReaderOptions::default());
            let document = format!("{{ repositories(first: {size}) {{ nodes {{ {fields} }} }} }}");
            let response = respond_through(&reader, &document, json!({}));
            assert_eq!(response.get("errors"), None, "{response}");
            assert_eq!(reader.asked(), expected, "{size} × {fields}");
        }
    }
}
