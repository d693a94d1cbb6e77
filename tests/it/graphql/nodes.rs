//! Global ids: what an id names comes back under it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::support::{ask, ask_with, respond};

#[test]
fn every_type_of_node_comes_back_under_its_id() {
    let first = ask("{ repositories(first: 1) { nodes { id fullName } } resources(first: 1) { nodes { id name } } \
           events(first: 1) { nodes { id time } } }");
    for (list, name, field) in [
        ("repositories", "Repository", "fullName"),
        ("resources", "Resource", "name"),
        ("events", "ResourceEvent", "time"),
    ] {
        let wanted = &first[list]["nodes"][0];
        let document =
            format!("query Node($id: ID!) {{ node(id: $id) {{ __typename id ... on {name} {{ {field} }} }} }}");
        let found = ask_with(&document, json!({ "id": wanted["id"] }));
        assert_eq!(found["node"], json!({ "__typename": name, "id": wanted["id"], field: wanted[field] }));
    }
}

#[test]
fn a_repository_is_found_by_each_of_its_names() {
    let known = ask("{ repositories(first: 1) { nodes { id fullName url } } }")["repositories"]["nodes"][0].take();
    for name in ["id", "fullName", "url"] {
        let document = "query Named($by: RepositoryBy!) { repository(by: $by) { id fullName url } }";
        assert_eq!(ask_with(document, json!({ "by": { name: known[name] } }))["repository"], known, "{name}");
    }
    let name = known["fullName"].as_str().unwrap().to_uppercase();
    let document = "query Named($by: RepositoryBy!) { repository(by: $by) { id fullName url } }";
    assert_eq!(ask_with(document, json!({ "by": { "fullName": name } }))["repository"], known, "{name}");
    for arguments in ["", "(by: {})", "(by: {id: \"x\", url: \"y\"})"] {
        let response = respond(&format!("{{ repository{arguments} {{ id }} }}"), json!({}));
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}

#[test]
fn nodes_come_in_the_order_of_their_ids() {
    let lists = ask(
        "{ repositories(first: 2) { nodes { id } } resources(first: 3) { nodes { id } } events(first: 3) { nodes { id } } }",
    );
    let ids = |list: &str| lists[list]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone());
    let mut ids: Vec<Value> = ids("events").chain(ids("repositories")).chain(ids("resources")).collect();
    // One stands twice, and in the midst of another type.
    ids.insert(1, ids[7].clone());
    let document = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let expected: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    assert_eq!(ask_with(document, json!({ "ids": ids }))["nodes"], json!(expected));
    assert_eq!(ask_with(document, json!({ "ids": [] }))["nodes"], json!([]));
    let response = respond(document, json!({ "ids": vec![&ids[0]; 501] }));
    assert_eq!(response["errors"][0]["extensions"]["limit"], "pageSize", "{response}");
}

#[test]
fn what_is_not_stored_is_null() {
    let first = ask(
        "{ repositories(first: 1) { nodes { id } } resources(first: 1) { nodes { id } } events(first: 1) { nodes { id } } }",
    );
    for list in ["repositories", "resources", "events"] {
        let id = first[list]["nodes"][0]["id"].as_str().unwrap();
        // Another UUID of the same type.
        let mut bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
        let last = bytes.last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        let stranger = URL_SAFE_NO_PAD.encode(bytes);
        let answer = ask_with("query Node($id: ID!) { node(id: $id) { id } }", json!({ "id": stranger }));
        assert_eq!(answer["node"], Value::Null, "{list}");
    }
    assert_eq!(ask("{ repository(by: {fullName: \"no/body\"}) { id } }")["repository"], Value::Null);
}

#[test]
fn an_id_that_is_none_leaves_the_others_alone() {
    let id = ask("{ repositories(first: 1) { nodes { id } } }")["repositories"]["nodes"][0]["id"].take();
    let document = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let response = respond(document, json!({ "ids": [id, "bad", id] }));
    assert_eq!(response["data"]["nodes"], json!([{ "id": id }, null, { "id": id }]), "{response}");
    let errors = response["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["path"]), (1, &json!(["nodes", 1])), "{response}");
    assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn nested_fields_lead_both_ways() {
    let data =
        ask("{ resources(first: 5, orderBy: [{ field: UPDATED_AT, direction: DESC }]) { nodes { id repository { id \
             resources(first: 100) { nodes { id } } } events(first: 100) { totalCount nodes { \
             resource { id } repository { id } } } } } }");
    for resource in data["resources"]["nodes"].as_array().unwrap() {
        let siblings = resource["repository"]["resources"]["nodes"].as_array().unwrap();
        assert!(siblings.iter().any(|sibling| sibling["id"] == resource["id"]), "{resource}");
        let events = resource["events"]["nodes"].as_array().unwrap();
        assert_eq!(json!(events.len()), resource["events"]["totalCount"]);
        assert!(!events.is_empty());
        for event in events {
            assert_eq!(event["resource"]["id"], resource["id"]);
            assert_eq!(event["repository"]["id"], resource["repository"]["id"]);
        }
    }
}
