//! What the emulator sends, byte by byte as it comes over HTTP, held against GitHub's own OpenAPI description of these answers:
//! `fixtures/github/openapi.json`, which names its source.

use chrono::DateTime;
use serde_json::{Map, Value};
use url::Url;

use crate::support::github::{Budget, Emulator, NOON, Repo};
use crate::support::http::{self, Response};

const DESCRIPTION: &str = include_str!("../fixtures/github/openapi.json");

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).unwrap()
}

/// What is wrong with a value, with the place of it. A keyword that this does not know is wrong, too: nothing is passed over.
fn faults(schemas: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let schema = schema.as_object().unwrap_or_else(|| panic!("{place}: no schema"));
    if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (keyword, wanted) in schema {
        found.extend(match keyword.as_str() {
            "nullable" => Vec::new(),
            "$ref" => faults(schemas, &schemas[wanted.as_str().unwrap()], value, place),
            "type" => check(has_type(schema, value), || format!("{place} is no {wanted}: {value}")),
            "format" => {
                let name = wanted.as_str().unwrap();
                check(!has_type(schema, value) || has_format(value, name), || format!("{place} is no {name}: {value}"))
            }
            "enum" => {
                check(wanted.as_array().unwrap().contains(value), || format!("{place} is none of {wanted}: {value}"))
            }
            "required" => missing(wanted, value, place),
            "properties" => properties(schemas, wanted, value, place),
            "additionalProperties" => unknown(schema, wanted, value, place),
            "items" => items(schemas, wanted, value, place),
            "oneOf" => {
                let matching =
                    wanted.as_array().unwrap().iter().filter(|one| faults(schemas, one, value, place).is_empty());
                let count = matching.count();
                check(count == 1, || format!("{place} is {count} of the alternatives: {value}"))
            }
            unknown => vec![format!("{place}: the keyword {unknown} is not known")],
        });
    }
    found
}

fn check(holds: bool, fault: impl FnOnce() -> String) -> Vec<String> {
    if holds { Vec::new() } else { vec![fault()] }
}

fn has_type(schema: &Map<String, Value>, value: &Value) -> bool {
    schema.get("type").is_none_or(|name| is_of(value, name.as_str().unwrap()))
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other}"),
    }
}

fn has_format(value: &Value, name: &str) -> bool {
    let text = value.as_str().unwrap_or_default();
    match name {
        "uri" => Url::parse(text).is_ok(),
        "date-time" => DateTime::parse_from_rfc3339(text).is_ok(),
        "int64" => value.as_i64().is_some(),
        other => panic!("the format {other}"),
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn missing(names: &Value, value: &Value, place: &str) -> Vec<String> {
    let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    names.filter(|name| value.get(name).is_none()).map(|name| format!("{place}.{name} is not there")).collect()
}

fn properties(schemas: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let known = fields(value).filter_map(|(name, value)| Some((name, schema.get(name)?, value)));
    known.flat_map(|(name, schema, value)| faults(schemas, schema, value, &format!("{place}.{name}"))).collect()
}

fn unknown(schema: &Map<String, Value>, allowed: &Value, value: &Value, place: &str) -> Vec<String> {
    if allowed == &Value::Bool(true) {
        return Vec::new();
    }
    let is_named = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
    let strange = fields(value).filter(|(name, _)| !is_named(name));
    strange.map(|(name, _)| format!("{place}.{name} is not published")).collect()
}

fn items(schemas: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let items = value.as_array().into_iter().flatten().enumerate();
    items.flat_map(|(index, item)| faults(schemas, schema, item, &format!("{place}[{index}]"))).collect()
}

/// Holds a body against the description's answer of this name.
#[track_caller]
fn holds(answer: &str, body: &Value) {
    let description = description();
    let found = faults(&description["schemas"], &description["answers"][answer], body, answer);
    assert!(found.is_empty(), "{found:#?}");
}

fn get(emulator: &Emulator, target: &str, headers: &[&str]) -> Response {
    http::send(emulator.host().parse().unwrap(), "GET", target, headers, "")
}

/// Asks, and holds what comes against the description.
#[track_caller]
fn asked(emulator: &Emulator, target: &str, headers: &[&str], status: u16, answer: &str) -> Response {
    let response = get(emulator, target, headers);
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.header("content-type"), Some("application/json"));
    holds(answer, &response.json());
    response
}

/// One repository with all that it can have, and one with as little as may be.
fn emulator() -> Emulator {
    let emulator = Emulator::start();
    let mut bare = Repo::new(2, "ada/bare");
    (bare.description, bare.license, bare.language) = (None, None, None);
    (bare.is_archived, bare.is_fork, bare.is_template) = (true, true, true);
    bare.topics.clear();
    emulator.add(Repo::new(1, "ada/cluster"));
    emulator.add(bare);
    emulator
}

const SEARCH: &str = "/search/repositories";

#[test]
fn searches_answer_as_they_are_published() {
    let emulator = emulator();
    for (query, found) in [("topic:kubesearch", 1), ("user:ada+fork:true", 2), ("topic:nothing", 0)] {
        let response = asked(&emulator, &format!("{SEARCH}?q={query}&per_page=100"), &[], 200, "search");
        assert_eq!(response.json()["items"].as_array().unwrap().len(), found, "{query}");
    }
    emulator.state().incomplete = 1;
    let response = asked(&emulator, &format!("{SEARCH}?q=user:ada"), &[], 200, "search");
    assert_eq!(response.json()["incomplete_results"], true);
    asked(&emulator, &format!("{SEARCH}?q=nothing:such"), &[], 422, "search refused");
    asked(&emulator, &format!("{SEARCH}?q=user:ada&page=11&per_page=100"), &[], 422, "search refused");
}

#[test]
fn repositories_answer_as_they_are_published() {
    let emulator = emulator();
    for target in ["/repos/ada/cluster", "/repos/ada/bare", "/repositories/2"] {
        asked(&emulator, target, &[], 200, "repository");
    }
    emulator.rename(1, "grace/cluster");
    let moved = asked(&emulator, "/repos/ada/cluster", &[], 301, "moved");
    assert_eq!(moved.header("location"), moved.json()["url"].as_str());
    asked(&emulator, moved.header("location").unwrap(), &[], 200, "repository");
    emulator.change(1, |repo| repo.is_private = true);
    asked(&emulator, "/repositories/1", &[], 404, "not found");
    asked(&emulator, "/repositories/1", &["Authorization: Bearer github_pat_right"], 200, "repository");
    asked(&emulator, "/repos/ada/nothing", &[], 404, "not found");
    asked(&emulator, "/nothing", &[], 404, "not found");
    emulator.change(2, |repo| repo.is_taken_down = true);
    asked(&emulator, "/repos/ada/bare", &[], 451, "blocked");
}

#[test]
fn what_has_not_changed_is_a_head_without_a_body() {
    let emulator = emulator();
    let first = get(&emulator, "/repos/ada/cluster", &[]);
    let etag = first.header("etag").unwrap();
    let again = get(&emulator, "/repos/ada/cluster", &[&format!("If-None-Match: {etag}")]);
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(etag)));
    emulator.change(1, |repo| repo.stars += 1);
    let changed = get(&emulator, "/repos/ada/cluster", &[&format!("If-None-Match: {etag}")]);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(etag));
}

#[test]
fn refusals_answer_as_they_are_published() {
    let emulator = emulator();
    asked(&emulator, "/repos/ada/cluster", &["Authorization: Bearer wrong"], 401, "unauthorized");
    let used_up = Budget { limit: 60, remaining: 0, resets_at: NOON + 60, window: 60 };
    emulator.state().budgets.extend([("core", used_up), ("search", used_up)]);
    for target in ["/repos/ada/cluster".to_owned(), format!("{SEARCH}?q=user:ada")] {
        let refused = asked(&emulator, &target, &[], 403, "forbidden");
        let told = ["limit", "remaining", "used", "reset"].map(|name| refused.header(&format!("x-ratelimit-{name}")));
        assert_eq!(told, ["60", "0", "60", &(NOON + 60).to_string()].map(Some));
    }
}

#[test]
fn every_fault_is_found() {
    let emulator = emulator();
    let whole = get(&emulator, &format!("{SEARCH}?q=topic:kubesearch"), &[]).json();
    holds("search", &whole);
    let changes: [fn(&mut Value); 9] = [
        |body| drop(body.as_object_mut().unwrap().shift_remove("total_count")),
        |body| body["items"][0]["id"] = "1".into(),
        |body| body["items"][0]["pushed_at"] = Value::Null,
        |body| body["items"][0]["pushed_at"] = "yesterday".into(),
        |body| body["items"][0]["invented"] = 1.into(),
        |body| drop(body["items"][0]["owner"].as_object_mut().unwrap().shift_remove("node_id")),
        |body| body["items"][0]["owner"]["invented"] = 1.into(),
        |body| body["items"][0]["license"]["key"] = Value::Null,
        |body| body["items"][0]["html_url"] = "no URL".into(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut body = whole.clone();
        change(&mut body);
        let description = description();
        let found = faults(&description["schemas"], &description["answers"]["search"], &body, "search");
        assert_eq!(found.len(), 1, "change {index}: {found:?}");
    }
}
