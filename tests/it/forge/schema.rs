//! Our query and the emulator's answers to it, held against what GitHub publishes of its GraphQL API: `fixtures/github/facts.json`,
//! which names its source.

use async_graphql::Value as Literal;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use serde_json::{Value, json};

use super::{Asked, known};
use crate::support::github::{Budget, Emulator, NOON, Repo};
use crate::support::http;

const FACTS: &str = include_str!("../fixtures/github/facts.json");
const QUERY: &str = include_str!("../../../src/forge/github/repositories.graphql");

const SCALARS: [&str; 6] = ["Boolean", "DateTime", "ID", "Int", "String", "URI"];

fn facts() -> Value {
    serde_json::from_str(FACTS).unwrap()
}

/// The type without its marks of lists and nullability.
fn bare(written: &str) -> &str {
    written.trim_matches(['[', ']', '!'])
}

/// Checks each field, its arguments, and what is selected of it.
fn check_selection(facts: &Value, parent: &str, selection: &SelectionSet) -> usize {
    let mut fields = 0;
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) if field.node.name.node == "__typename" => {}
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let fact = &facts[parent]["fields"][name];
                let written = fact["type"].as_str().unwrap_or_else(|| panic!("{parent} has no {name}"));
                check_arguments(facts, fact, &field.node);
                let is_whole = field.node.selection_set.node.items.is_empty();
                assert_eq!(is_whole, SCALARS.contains(&bare(written)), "{parent}.{name} is {written}");
                fields += 1 + check_selection(facts, bare(written), &field.node.selection_set.node);
            }
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref().unwrap().node.on.node.as_str();
                assert!(facts[parent]["types"].as_array().unwrap().contains(&on.into()), "{parent} is never {on}");
                fields += check_selection(facts, on, &fragment.node.selection_set.node);
            }
            Selection::FragmentSpread(spread) => panic!("{}", spread.node.fragment_name.node),
        }
    }
    fields
}

fn check_arguments(facts: &Value, fact: &Value, field: &Field) {
    for (name, value) in &field.arguments {
        let written = fact["args"][name.node.as_str()].as_str().unwrap_or_else(|| panic!("no argument {name}"));
        check_literal(facts, written, &value.node.clone().into_const());
        if let Some(variable) = value.node.to_string().strip_prefix('$') {
            assert_eq!((variable, written), ("ids", "[ID!]!"));
        }
    }
}

fn check_literal(facts: &Value, written: &str, value: &Option<Literal>) {
    let written = written.trim_end_matches('!');
    match value {
        None => {}
        Some(Literal::List(items)) => {
            let of = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap();
            items.iter().for_each(|item| check_literal(facts, of, &Some(item.clone())));
        }
        Some(Literal::Enum(name)) => {
            let values = facts[written]["values"].as_array().unwrap();
            assert!(values.contains(&Value::from(name.as_str())), "{written} has no {name}");
        }
        Some(Literal::Object(fields)) => {
            for (name, value) in fields {
                let of = facts[written]["fields"][name.as_str()]["type"].as_str().unwrap();
                check_literal(facts, of, &Some(value.clone()));
            }
        }
        Some(Literal::Number(_)) => assert_eq!(written, "Int"),
        Some(other) => panic!("{other}"),
    }
}

#[test]
fn our_query_asks_for_what_the_graphql_schema_has() {
    let facts = facts();
    let document = parse_query(QUERY).unwrap();
    let operation = document.operations.iter().next().unwrap().1;
    let fields = check_selection(&facts["graphql"], "Query", &operation.node.selection_set.node);
    assert!(fields > 30, "{fields} fields were checked");
    let sent: Vec<String> =
        operation.node.variable_definitions.iter().map(|one| one.node.var_type.to_string()).collect();
    assert_eq!(sent, ["[ID!]!"]);
}

/// Checks an answer by the types of its fields.
fn check_node(facts: &Value, written: &str, value: &Value) {
    let Some(inner) = written.strip_suffix('!') else {
        if !value.is_null() {
            check_node(facts, &format!("{written}!"), value);
        }
        return;
    };
    if let Some(of) = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return value.as_array().unwrap().iter().for_each(|item| check_node(facts, of, item));
    }
    match inner {
        "Int" => assert!(value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()), "{value}"),
        "Boolean" => assert!(value.is_boolean(), "{value}"),
        "ID" | "String" | "URI" | "DateTime" => assert!(value.is_string(), "{value}"),
        inner => {
            for (name, value) in value.as_object().unwrap().iter().filter(|(name, _)| *name != "__typename") {
                let of =
                    facts[inner]["fields"][name]["type"].as_str().unwrap_or_else(|| panic!("{inner} has no {name}"));
                check_node(facts, of, value);
            }
        }
    }
}

/// Sends our query for these ids as it is, and checks what comes over HTTP: the envelope here, the rest is the caller's.
#[track_caller]
fn sent(emulator: &Emulator, ids: &[&str]) -> Value {
    let body = json!({ "query": QUERY, "variables": { "ids": ids } }).to_string();
    let headers = ["Authorization: Bearer github_pat_right", "Content-Type: application/json"];
    let response = http::send(emulator.host().parse().unwrap(), "POST", "/graphql", &headers, &body);
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    let answer = response.json();
    let is_known = |name: &String| ["data", "errors"].contains(&name.as_str());
    assert!(answer.as_object().unwrap().keys().all(is_known), "{answer}");
    answer["errors"].as_array().into_iter().flatten().for_each(check_error);
    answer
}

/// An error as the GraphQL specification has it, with the type that GitHub adds.
fn check_error(error: &Value) {
    assert!(error["message"].is_string(), "{error}");
    for (name, value) in error.as_object().unwrap() {
        let is_right = match name.as_str() {
            "message" | "type" => value.is_string(),
            "path" => value.as_array().unwrap().iter().all(|step| step.is_string() || step.is_u64()),
            "locations" => {
                value.as_array().unwrap().iter().all(|place| place["line"].is_u64() && place["column"].is_u64())
            }
            _ => false,
        };
        assert!(is_right, "{name}: {error}");
    }
}

#[test]
fn the_emulator_answers_as_the_graphql_schema_says() {
    let facts = facts();
    let emulator = Emulator::start();
    let mut bare = Repo::new(2, "ada/bare");
    (bare.description, bare.license, bare.language) = (None, None, None);
    let ids = [Repo::new(1, "ada/cluster").node_id(), bare.node_id(), Repo::new(3, "ada/nothing").node_id()];
    emulator.add(Repo::new(1, "ada/cluster"));
    emulator.add(bare);
    let answer = sent(&emulator, &ids.each_ref().map(String::as_str));
    let nodes = answer["data"]["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), &nodes[2]), (3, &Value::Null));
    for node in &nodes[..2] {
        check_node(&facts["graphql"], "Repository!", node);
    }
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["type"], &errors[0]["path"]), (1, &json!("NOT_FOUND"), &json!(["nodes", 2])));
}

#[test]
fn refusals_of_the_emulator_are_errors_of_graphql() {
    let emulator = Emulator::start();
    let ids: Vec<String> = (1..=101).map(|id| Repo::new(id, "ada/cluster").node_id()).collect();
    let too_many = sent(&emulator, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((&too_many["data"], too_many["errors"].as_array().unwrap().len()), (&Value::Null, 1));
    let used_up = Budget { limit: 5_000, remaining: 0, resets_at: NOON + 60, window: 3_600 };
    emulator.state().budgets.insert("graphql", used_up);
    assert_eq!(sent(&emulator, &["R_1"])["errors"][0]["type"], "RATE_LIMITED");
}

#[test]
fn the_query_that_is_sent_is_the_one_that_was_checked() {
    let emulator = Emulator::start();
    emulator.add(Repo::new(1, "ada/cluster"));
    Asked::at(&emulator).repositories(&[known(&emulator, &Repo::new(1, "ada/cluster"))]).unwrap();
    let sent: Value = serde_json::from_str(&emulator.requests()[0].body).unwrap();
    assert_eq!(sent["query"], QUERY);
    assert_eq!(sent["variables"]["ids"][0], "R_kgDO00000001");
}
