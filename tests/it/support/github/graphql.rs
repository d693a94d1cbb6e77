//! `nodes(ids:)` of the GraphQL API, answered by the selection of the query.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{Selection, SelectionSet};
use serde_json::{Map, Value, json};

use super::State;

/// GitHub answers 100 ids at most.
const MOST_IDS: usize = 100;

pub fn answer(state: &State, web: &str, request: &Value) -> Value {
    let document = match parse_query(request["query"].as_str().unwrap_or_default()) {
        Ok(document) => document,
        Err(error) => return problem("PARSE", &error.to_string()),
    };
    let operation = document.operations.iter().next().unwrap().1;
    let Selection::Field(nodes) = &operation.node.selection_set.node.items[0].node else { panic!("no field") };
    let ids: Vec<&str> =
        request["variables"]["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    if ids.len() > MOST_IDS {
        return problem("ARGUMENT_LIMIT", "You may not provide more than 100 node ids");
    }
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (position, id) in ids.iter().enumerate() {
        let repo = state.repos.values().find(|repo| repo.node_id() == *id);
        match repo.filter(|repo| !repo.is_gone && !repo.is_taken_down) {
            Some(repo) => found.push(selected(&repo.node(web), &nodes.node.selection_set.node)),
            None => {
                found.push(Value::Null);
                errors.push(json!({
                    "type": "NOT_FOUND", "path": ["nodes", position], "locations": [{ "line": 2, "column": 3 }],
                    "message": format!("Could not resolve to a node with the global id of '{id}'"),
                }));
            }
        }
    }
    let mut answer = json!({ "data": { "nodes": found } });
    if !errors.is_empty() {
        answer["errors"] = json!(errors);
    }
    answer
}

/// The refusal of a budget that is used up: GitHub says it with the status 200.
pub fn rate_limited() -> Value {
    json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 7." }] })
}

fn problem(kind: &str, message: &str) -> Value {
    json!({ "data": null, "errors": [{ "type": kind, "message": message }] })
}

fn selected(value: &Value, selection: &SelectionSet) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| selected(item, selection)).collect(),
        Value::Object(_) if !selection.items.is_empty() => {
            let mut part = Map::new();
            for item in &selection.items {
                match &item.node {
                    Selection::Field(field) => {
                        let name = field.node.name.node.as_str();
                        let of = value.get(name).unwrap_or_else(|| panic!("{name} is not emulated"));
                        part.insert(name.to_owned(), selected(of, &field.node.selection_set.node));
                    }
                    Selection::InlineFragment(fragment) => {
                        let Value::Object(more) = selected(value, &fragment.node.selection_set.node) else { continue };
                        part.extend(more);
                    }
                    Selection::FragmentSpread(_) => panic!("fragments by name are not emulated"),
                }
            }
            Value::Object(part)
        }
        other => other.clone(),
    }
}
