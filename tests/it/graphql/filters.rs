//! Filters on events, one by one: the answer is what plain Rust picks out of the full list, in the same order.

use serde_json::{Value, json};

use super::support::{Event, all_events, ask_with};

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
    let ids = [&newest.resource.id, &other.resource.id];
    check(json!({ "resource": { "eq": ids[0] } }), |event| &event.resource.id == ids[0]);
    check(json!({ "resource": { "in": ids } }), |event| ids.contains(&&event.resource.id));
}

#[test]
fn by_time_half_open() {
    // A time at which events happened is inside at the start of a range and outside at its end.
    let middle = all_events()[all_events().len() / 2].time;
    check(json!({ "time": { "from": middle } }), |event| event.time >= middle);
    check(json!({ "time": { "to": middle } }), |event| event.time < middle);
    let later = middle + chrono::TimeDelta::days(100);
    check(json!({ "time": { "from": middle, "to": later } }), |event| event.time >= middle && event.time < later);
    assert_same(&json!({ "time": { "from": middle, "to": middle } }), &[]);
    // Every form of a time means the same instant; a fraction of a second later, the event is over.
    for form in
        [json!(middle.timestamp_millis()), json!(middle.timestamp_millis().to_string()), json!(middle.to_rfc3339())]
    {
        check(json!({ "time": { "from": form } }), |event| event.time >= middle);
    }
    check(json!({ "time": { "from": middle.timestamp_millis() + 1 } }), |event| event.time > middle);
    check(json!({ "time": { "to": middle.timestamp_millis() + 1 } }), |event| event.time <= middle);
    let midnight = "2024-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    check(json!({ "time": { "to": "2024-01-01" } }), |event| event.time < midnight);
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
