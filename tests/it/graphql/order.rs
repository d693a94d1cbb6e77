//! Responses list their fields in the order of the query, as the specification asks for.

use serde_json::{Value, json};

use super::support::{ask, respond};

#[test]
fn fields_come_in_query_order() {
    // Counting takes longer than what needs no question, and the executor would list it last.
    let document = "{ \
        slow: events(first: 1) { totalCount nodes { resource { name yaml } id } pageInfo { endCursor hasNextPage } } \
        quick: __typename \
        again: events(first: 1) { nodes { name type ...Common kind } totalCount } } \
        fragment Common on ResourceEvent { path repository { url name } ... on ResourceEvent { type commit { time id } } }";
    let answer = ask(document);
    assert_eq!(keys(&answer), ["slow", "quick", "again"]);
    assert_eq!(keys(&answer["slow"]), ["totalCount", "nodes", "pageInfo"]);
    assert_eq!(keys(&answer["slow"]["pageInfo"]), ["endCursor", "hasNextPage"]);
    assert_eq!(keys(&answer["slow"]["nodes"][0]), ["resource", "id"]);
    assert_eq!(keys(&answer["slow"]["nodes"][0]["resource"]), ["name", "yaml"]);
    assert_eq!(keys(&answer["again"]), ["nodes", "totalCount"]);
    let event = &answer["again"]["nodes"][0];
    assert_eq!(keys(event), ["name", "type", "path", "repository", "commit", "kind"]);
    assert_eq!(keys(&event["repository"]), ["url", "name"]);
    assert_eq!(keys(&event["commit"]), ["time", "id"]);
}

#[test]
fn fields_asked_twice_are_merged_where_they_stood_first() {
    let document = "{ events(first: 1) { nodes { id } } __typename events(first: 1) { totalCount nodes { name id } } }";
    let answer = ask(document);
    assert_eq!(keys(&answer), ["events", "__typename"]);
    assert_eq!(keys(&answer["events"]), ["nodes", "totalCount"]);
    assert_eq!(keys(&answer["events"]["nodes"][0]), ["id", "name"]);
}

#[test]
fn skipped_fields_are_absent() {
    let document = "query Some($no: Boolean!) { a: events @include(if: $no) { totalCount } b: events @skip(if: $no) { totalCount } }";
    let response = respond(document, json!({ "no": false }));
    assert_eq!(keys(&response["data"]), ["b"], "{response}");
}

#[test]
fn a_field_that_fails_is_null_among_those_that_answer() {
    let bad = "content(pointer: \"no pointer\")";
    let response = respond(&format!("{{ resources(first: 1) {{ nodes {{ name {bad} kind }} }} }}"), json!({}));
    let node = &response["data"]["resources"]["nodes"][0];
    assert_eq!(keys(node), ["name", "content", "kind"], "{response}");
    assert_eq!(node["content"], Value::Null);
    assert!(node["name"].is_string());
    assert_eq!(response["errors"][0]["path"], json!(["resources", "nodes", 0, "content"]));
}

#[test]
fn null_that_must_not_be_makes_its_holder_null() {
    // `events` is not nullable, so neither is the repository that asks it, nor its list; the data are.
    let nested = "{ quick: __typename repositories(first: 2) { nodes { name events(first: -1) { totalCount } } } }";
    let response = respond(nested, json!({}));
    assert_eq!(response["data"], Value::Null, "{response}");
    assert_eq!(response["errors"].as_array().unwrap().len(), 2, "one for each repository");

    // `node` is nullable: the failure goes no further.
    let id = ask("{ repositories(first: 1) { nodes { id } } }")["repositories"]["nodes"][0]["id"].take();
    let held = "query Held($id: ID!) { quick: __typename node(id: $id) { id ... on Repository { events(first: -1) { totalCount } } } }";
    let response = respond(held, json!({ "id": id }));
    assert_eq!(response["data"], json!({ "quick": "Query", "node": null }), "{response}");
    assert_eq!(response["errors"][0]["path"], json!(["node", "events"]));

    let alone = respond("{ node(id: \"no id\") { id } }", json!({}));
    assert_eq!(alone["data"], json!({ "node": null }), "{alone}");
}

#[test]
fn an_object_without_fields_is_empty() {
    let document = "query Some($no: Boolean!) { events(first: 1) { nodes { id @include(if: $no) } } }";
    assert_eq!(respond(document, json!({ "no": false }))["data"], json!({ "events": { "nodes": [{}] } }));
    assert_eq!(
        respond("query Some($no: Boolean!) { events @include(if: $no) { totalCount } }", json!({ "no": false }))["data"],
        json!({})
    );
}

#[test]
fn the_named_operation_decides() {
    let document = "query A { a: __typename z: __typename } query B { z: __typename a: __typename }";
    for (name, expected) in [("A", ["a", "z"]), ("B", ["z", "a"])] {
        let request = async_graphql::Request::new(document).operation_name(name);
        let world = super::support::world();
        let response = world.block_on(kubestats::graphql::execute(&world.schema, &world.reader, request));
        assert_eq!(keys(&serde_json::to_value(&response).unwrap()["data"]), expected);
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}")).keys().map(String::as_str).collect()
}
