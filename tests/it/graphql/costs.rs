//! What a request cost is told to whoever asks.

use async_graphql::Request;
use kubestats::graphql::{answer, execute};
use kubestats::store::{Reader, ReaderOptions};
use serde_json::{Value, json};

use super::support::world;

const DOCUMENT: &str = "{ events(first: 5) { nodes { type resource { name } } } }";

fn request(document: &str, extensions: Value) -> Request {
    serde_json::from_value(json!({ "query": document, "extensions": extensions })).unwrap()
}

fn wanted(document: &str) -> Request {
    request(document, json!({ "cost": true }))
}

/// The answer as clients get it.
fn answered(reader: &Reader, request: Request) -> Value {
    let world = world();
    let answer = world.block_on(answer(&world.schema, reader, request));
    serde_json::from_slice(&answer.unwrap()).unwrap()
}

#[test]
fn a_cost_is_told_to_whoever_asks() {
    let world = world();
    let reader = Reader::new(world.store.clone(), ReaderOptions::default());
    let first = answered(&reader, wanted(DOCUMENT));
    let cost = &first["extensions"]["cost"];
    assert_eq!(cost["complexity"], 1 + 5 * (1 + 1 + 2));
    assert_eq!(cost["fromCache"], false);
    assert_eq!(cost["questions"], json!(reader.asked()), "the version, the page and the resources");
    assert_eq!(cost["questions"], 3);
    let number = |cost: &Value, name: &str| cost[name].as_f64().unwrap_or_else(|| panic!("no {name} in {cost}"));
    assert!(number(cost, "rowsRead") >= 5.0, "{cost}");
    assert!(number(cost, "bytesRead") > number(cost, "rowsRead"), "{cost}");
    assert!(number(cost, "milliseconds") > 0.0, "{cost}");

    let again = answered(&reader, wanted(DOCUMENT));
    let cost = &again["extensions"]["cost"];
    assert_eq!((&cost["fromCache"], &cost["complexity"]), (&json!(true), &json!(21)));
    assert!(cost["questions"].as_u64().unwrap() <= 1, "at most the version: {cost}");

    for extensions in [json!({}), json!({ "cost": false }), json!({ "cost": 1 }), json!(null)] {
        assert_eq!(answered(&reader, request(DOCUMENT, extensions)), json!({ "data": first["data"] }));
    }
}

#[test]
fn what_has_no_rows_has_a_cost_too() {
    let reader = Reader::new(world().store.clone(), ReaderOptions::default());
    let nothing = "{ events(first: 5, filter: { kind: { eq: \"Nothing\" } }) { totalCount nodes { type } } }";
    let answer = answered(&reader, wanted(nothing));
    assert_eq!(answer["data"]["events"], json!({ "totalCount": 0, "nodes": [] }));
    assert!(answer["extensions"]["cost"]["rowsRead"].is_u64(), "{answer}");
}

#[test]
fn a_failed_answer_has_its_cost() {
    let world = world();
    let request = || wanted("{ __typename node(id: \"nothing\") { id } }");
    let response = world.block_on(answer(&world.schema, &world.reader, request())).unwrap_err();
    let response = serde_json::to_value(&response).unwrap();
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(response["extensions"]["cost"]["complexity"], 3);
    // As a socket answers.
    let response = serde_json::to_value(world.block_on(execute(&world.schema, &world.reader, request()))).unwrap();
    assert_eq!(response["extensions"]["cost"]["complexity"], 3);
}
