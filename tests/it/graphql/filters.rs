//! Filters on events, one by one: the answer is what plain Rust picks out of the full list, in the same order.

use serde_json::{Value, json};

use super::support::{Event, all_events, ask, ask_with};

/// The filter picks what `wanted` picks, which is something but not everything.
#[track_caller]
fn check(filter: Value, wanted: impl Fn(&Event) -> bool) {
    let expected = pick(wanted);
    assert!(
        !expected.is_empty() && expected.len() < all_events().len(),
        "{filter} tells nothing: {} rows",
        expected.len()
    );
    assert_same(&filter, &expected);
}

#[track_caller]
fn assert_same(filter: &Value, expected: &[&str]) {
    let document = "query Filtered($filter: ResourceEventFilter) { events(first: 500, filter: $filter) { totalCount nodes { id } } }";
    let data = ask_with(document, json!({ "filter": filter }));
    let found: Vec<&str> =
        data["events"]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(found, expected, "{filter}");
    assert_eq!(data["events"]["totalCount"], expected.len(), "{filter}");
}

fn pick(wanted: impl Fn(&Event) -> bool) -> Vec<&'static str> {
    all_events().iter().filter(|event| wanted(event)).map(|event| event.id.as_str()).collect()
}

/// Every comparison of one text field.
#[track_caller]
fn check_text(field: &str, value: &str, other: &str, of: fn(&Event) -> &str) {
    let filter = |comparison: Value| json!({ field: comparison });
    check(filter(json!({ "eq": value })), |event| of(event) == value);
    check(filter(json!({ "ne": value })), |event| of(event) != value);
    check(filter(json!({ "in": [value, other] })), |event| [value, other].contains(&of(event)));
    check(filter(json!({ "notIn": [value, other] })), |event| ![value, other].contains(&of(event)));
    let middle = value[1..value.len() - 1].to_uppercase();
    check(filter(json!({ "contains": middle })), |event| of(event).to_uppercase().contains(&middle));
    let start = &value[..value.len() / 2 + 1];
    check(filter(json!({ "startsWith": start })), |event| of(event).starts_with(start));
    let both = json!({ "startsWith": start, "ne": value });
    let expected = pick(|event| of(event).starts_with(start) && of(event) != value);
    assert_same(&filter(both), &expected);
}

#[test]
fn by_type() {
    for name in ["CREATED", "MODIFIED", "DELETED"] {
        check(json!({ "type": { "eq": name } }), |event| event.event_type == name);
    }
    check(json!({ "type": { "in": ["CREATED", "DELETED"] } }), |event| event.event_type != "MODIFIED");
    check(json!({ "type": { "ne": "CREATED" } }), |event| event.event_type != "CREATED");
    check(json!({ "type": { "notIn": ["CREATED", "DELETED"] } }), |event| event.event_type == "MODIFIED");
}

#[test]
fn by_kind() {
    check_text("kind", "HelmRelease", "Namespace", |event| &event.kind);
}

#[test]
fn by_group() {
    check_text("group", "helm.toolkit.fluxcd.io", "apps", |event| &event.group);
    check(json!({ "group": { "eq": "" } }), |event| event.group.is_empty());
}

#[test]
fn by_api_version() {
    check_text("apiVersion", "helm.toolkit.fluxcd.io/v2beta1", "apps/v1", |event| &event.api_version);
}

#[test]
fn by_namespace() {
    let namespace = |event: &Event| event.namespace.clone().unwrap_or_default();
    check_text("namespace", "monitoring", "media", |event| event.namespace.as_deref().unwrap_or_default());
    check(json!({ "namespace": { "eq": "" } }), |event| event.namespace.is_none());
    check(json!({ "namespace": { "ne": "" } }), |event| !namespace(event).is_empty());
}

#[test]
fn by_name() {
    check_text("name", "setting-1", "Plex", |event| &event.name);
    check(json!({ "name": { "contains": "PLEX" } }), |event| event.name == "Plex");
}

#[test]
fn by_path() {
    check_text("path", "apps/media/env.yaml", "web.yaml", |event| &event.path);
    // A prefix is text, no pattern.
    for pattern in ["apps/%", "apps/_", "apps/*", "^apps"] {
        assert_same(&json!({ "path": { "startsWith": pattern } }), &[]);
    }
}

#[test]
fn by_commit() {
    let commit = &all_events()[0].commit.id;
    check(json!({ "commit": { "eq": commit } }), |event| &event.commit.id == commit);
    check(json!({ "commit": { "startsWith": &commit[..10] } }), |event| event.commit.id.starts_with(&commit[..10]));
}

#[test]
fn by_repository_and_resource() {
    let newest = &all_events()[0];
    let other = all_events().iter().find(|event| event.repository.id != newest.repository.id).unwrap();
    let ids = [&newest.repository.id, &other.repository.id];
    check(json!({ "repository": { "eq": ids[0] } }), |event| &event.repository.id == ids[0]);
    check(json!({ "repository": { "in": ids } }), |event| ids.contains(&&event.repository.id));
    check(json!({ "repository": { "ne": ids[0] } }), |event| &event.repository.id != ids[0]);
    check(json!({ "repository": { "notIn": ids } }), |event| !ids.contains(&&event.repository.id));
    let ids = [&newest.resource.id, &other.resource.id];
    check(json!({ "resource": { "eq": ids[0] } }), |event| &event.resource.id == ids[0]);
    check(json!({ "resource": { "in": ids } }), |event| ids.contains(&&event.resource.id));
}

#[test]
fn by_time() {
    let middle = all_events()[all_events().len() / 2].time;
    check(json!({ "time": { "gt": middle } }), |event| event.time > middle);
    check(json!({ "time": { "lte": middle } }), |event| event.time <= middle);
    check(json!({ "time": { "gte": middle } }), |event| event.time >= middle);
    check(json!({ "time": { "lt": middle } }), |event| event.time < middle);
    let later = middle + chrono::TimeDelta::days(100);
    check(json!({ "time": { "gte": middle, "lt": later } }), |event| event.time >= middle && event.time < later);
    assert_same(&json!({ "time": { "gte": middle, "lt": middle } }), &[]);
    // Every form of a time means the same instant; a fraction of a second later, the event is over.
    for form in
        [json!(middle.timestamp_millis()), json!(middle.timestamp_millis().to_string()), json!(middle.to_rfc3339())]
    {
        check(json!({ "time": { "gte": form } }), |event| event.time >= middle);
    }
    check(json!({ "time": { "gte": middle.timestamp_millis() + 1 } }), |event| event.time > middle);
    check(json!({ "time": { "lt": middle.timestamp_millis() + 1 } }), |event| event.time <= middle);
    check(json!({ "time": { "gt": middle.timestamp_millis() + 1 } }), |event| event.time > middle);
    check(json!({ "time": { "lte": middle.timestamp_millis() + 1 } }), |event| event.time <= middle);
    let midnight = "2024-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    check(json!({ "time": { "lt": "2024-01-01" } }), |event| event.time < midnight);
}

#[test]
fn by_moved_and_bot() {
    for value in [true, false] {
        check(json!({ "moved": value }), |event| event.moved == value);
        check(json!({ "isBot": value }), |event| event.commit.actor.is_bot == value);
    }
}

#[test]
fn conditions_hold_together() {
    let filter = json!({ "kind": { "eq": "HelmRelease" }, "isBot": true, "namespace": { "eq": "media" } });
    check(filter, |event| {
        event.kind == "HelmRelease" && event.commit.actor.is_bot && event.namespace.as_deref() == Some("media")
    });
    let everything = pick(|_| true);
    for filter in [json!({}), json!(null), json!({ "kind": {} }), json!({ "kind": null, "time": {} })] {
        assert_same(&filter, &everything);
    }
    for list in [json!({ "kind": { "in": [] } }), json!({ "type": { "in": [] } }), json!({ "resource": { "in": [] } })]
    {
        assert_same(&list, &[]);
    }
}

#[test]
fn and_or_and_not_combine_on_any_level() {
    let is = |kind: &str| json!({ "kind": { "eq": kind } });
    check(json!({ "or": [is("HelmRelease"), is("Namespace")] }), |event| {
        ["HelmRelease", "Namespace"].contains(&event.kind.as_str())
    });
    check(json!({ "not": is("HelmRelease") }), |event| event.kind != "HelmRelease");
    let media = json!({ "namespace": { "eq": "media" } });
    check(
        json!({ "or": [is("Namespace"), { "and": [is("HelmRelease"), media, { "not": { "isBot": true } }] }] }),
        |event| {
            let in_media = event.namespace.as_deref() == Some("media");
            event.kind == "Namespace" || (event.kind == "HelmRelease" && in_media && !event.commit.actor.is_bot)
        },
    );
    // What stands beside them has to hold, too.
    check(json!({ "isBot": true, "or": [is("HelmRelease"), { "type": { "eq": "CREATED" } }] }), |event| {
        event.commit.actor.is_bot && (event.kind == "HelmRelease" || event.event_type == "CREATED")
    });
    let everything = pick(|_| true);
    for filter in [json!({ "and": [] }), json!({ "or": [{}] }), json!({ "or": null }), json!({ "not": { "or": [] } })] {
        assert_same(&filter, &everything);
    }
    for filter in [json!({ "or": [] }), json!({ "not": {} }), json!({ "not": { "not": { "or": [] } } })] {
        assert_same(&filter, &[]);
    }
}

/// Conditions on what never changes are asked for early: one that is mixed with others must not be.
#[test]
fn resources_by_mixed_conditions() {
    let names = |filter: Value| {
        let document =
            "query Filtered($filter: ResourceFilter) { resources(first: 500, filter: $filter) { totalCount nodes {
            id kind name path status createdAt updatedAt repository { id } facts { chartName valuesKeys } } } }";
        let data = ask_with(document, json!({ "filter": filter }));
        let nodes = data["resources"]["nodes"].as_array().unwrap().clone();
        assert_eq!(data["resources"]["totalCount"], nodes.len(), "{filter}");
        nodes
    };
    let everything = names(json!({ "status": { "in": ["ACTIVE", "DELETED"] } }));
    let check = |filter: Value, wanted: &dyn Fn(&Value) -> bool| {
        let expected: Vec<&Value> = everything.iter().filter(|node| wanted(node)).collect();
        assert!(!expected.is_empty() && expected.len() < everything.len(), "{filter} tells nothing");
        assert_eq!(names(filter.clone()).iter().collect::<Vec<_>>(), expected, "{filter}");
    };
    let is_alive = |node: &Value| node["status"] == "ACTIVE";
    check(json!({}), &is_alive);
    check(json!({ "or": [{ "kind": { "eq": "Namespace" } }, { "path": { "startsWith": "apps/" } }] }), &|node| {
        is_alive(node) && (node["kind"] == "Namespace" || node["path"].as_str().unwrap().starts_with("apps/"))
    });
    // A condition on the status counts wherever it stands.
    check(json!({ "not": { "status": { "eq": "ACTIVE" } } }), &|node| !is_alive(node));
    check(json!({ "or": [{ "status": { "eq": "DELETED" } }, { "kind": { "eq": "Namespace" } }] }), &|node| {
        !is_alive(node) || node["kind"] == "Namespace"
    });
    let repository = &everything[0]["repository"]["id"];
    let mixed = json!({ "or": [{ "repository": { "eq": repository } }, { "path": { "contains": "WEB" } }] });
    check(mixed, &|node| {
        is_alive(node) && (&node["repository"]["id"] == repository || node["path"].as_str().unwrap().contains("web"))
    });
    let sets_image = |node: &Value| node["facts"]["valuesKeys"].as_array().unwrap().contains(&json!("image.tag"));
    check(json!({ "valuesKeys": { "has": "image.tag" } }), &|node| is_alive(node) && sets_image(node));
    check(json!({ "valuesKeys": { "hasAny": ["image", "image.tag"] }, "path": { "startsWith": "home/" } }), &|node| {
        is_alive(node) && sets_image(node) && node["path"].as_str().unwrap().starts_with("home/")
    });
    check(json!({ "chartName": { "eq": "app-template" } }), &|node| {
        is_alive(node) && node["facts"]["chartName"] == "app-template"
    });
    let time = everything.iter().map(|node| node["updatedAt"].as_str().unwrap()).max().unwrap();
    check(json!({ "updatedAt": { "lt": time } }), &|node| is_alive(node) && node["updatedAt"].as_str() < Some(time));
    let time = everything.iter().map(|node| node["createdAt"].as_str().unwrap()).max().unwrap();
    check(json!({ "createdAt": { "lt": time } }), &|node| is_alive(node) && node["createdAt"].as_str() < Some(time));
}

#[test]
fn repositories_by_numbers() {
    let document = "query Filtered($filter: RepositoryFilter) { repositories(first: 500, filter: $filter) { nodes { fullName resourceCount } } }";
    let ask = |filter: &Value| ask_with(document, json!({ "filter": filter }))["repositories"]["nodes"].clone();
    let everything = ask(&json!({}));
    let everything = everything.as_array().unwrap();
    let count = |node: &Value| node["resourceCount"].as_i64().unwrap();
    let mut counts: Vec<i64> = everything.iter().map(count).collect();
    counts.sort_unstable();
    let middle = counts[counts.len() / 2];
    let check = |comparison: Value, wanted: &dyn Fn(i64) -> bool| {
        let expected: Vec<&Value> = everything.iter().filter(|node| wanted(count(node))).collect();
        let found = ask(&json!({ "resourceCount": comparison }));
        assert_eq!(found.as_array().unwrap().iter().collect::<Vec<_>>(), expected, "{comparison}");
    };
    check(json!({ "eq": middle }), &|count| count == middle);
    check(json!({ "ne": middle }), &|count| count != middle);
    check(json!({ "in": [middle, -1] }), &|count| count == middle);
    check(json!({ "notIn": [middle, 0] }), &|count| count != middle && count != 0);
    check(json!({ "gt": middle }), &|count| count > middle);
    check(json!({ "gte": middle }), &|count| count >= middle);
    check(json!({ "lt": middle }), &|count| count < middle);
    check(json!({ "lte": middle, "gt": -1 }), &|count| count <= middle);
    check(json!({ "gt": i64::MAX }), &|_| false);
    check(json!({ "lt": i64::MIN }), &|_| false);
}

#[test]
fn texts_are_never_code() {
    for text in ["' OR 1 = 1 --", "\\", "\\'", "{p0:String}", "%", "\u{0}", "\t\n", "ü€😀"] {
        for comparison in ["eq", "startsWith", "contains"] {
            assert_same(
                &json!({ "name": { comparison: text } }),
                &pick(|event| comparison != "eq" && event.name.contains(text)),
            );
        }
    }
}

#[test]
fn a_language_that_is_not_told_is_the_empty_text() {
    let count = |filter: &str| {
        let data = ask(&format!("{{ repositories(filter: {{ {filter} }}) {{ totalCount }} }}"));
        data["repositories"]["totalCount"].as_u64().unwrap()
    };
    let all = count("");
    let untold = count("language: { eq: \"\" }");
    assert!(untold > 0 && untold <= all);
    assert_eq!(count("language: { ne: \"COBOL\" }"), all);
    assert_eq!(count("language: { notIn: [\"COBOL\"] }"), all);
    assert_eq!(count("not: { language: { ne: \"COBOL\" } }"), 0);
}
