//! The emulator and our query, held against what GitHub publishes of its APIs: `fixtures/github/facts.json`, which names its sources.

use std::collections::BTreeMap;

use async_graphql::Value as Literal;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use serde_json::Value;

use super::{Asked, known};
use crate::support::github::{Emulator, Repo};

const FACTS: &str = include_str!("../fixtures/github/facts.json");
const QUERY: &str = include_str!("../../../src/forge/github/repositories.graphql");

const SCALARS: [&str; 6] = ["Boolean", "DateTime", "ID", "Int", "String", "URI"];

fn facts() -> Value {
    serde_json::from_str(FACTS).unwrap()
}

/// Whether a JSON value is of a type such as `string|null`.
fn is_of(value: &Value, types: &str) -> bool {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    types.split('|').any(|this| this == name)
}

#[track_caller]
fn check_rest(schema: &str, body: &Value) {
    let facts: BTreeMap<String, String> = serde_json::from_value(facts()["rest"][schema].clone()).unwrap();
    assert!(facts.len() > 80, "{schema}");
    for (name, types) in &facts {
        let (types, is_optional) = types.strip_suffix('?').map_or((types.as_str(), false), |types| (types, true));
        match body.get(name) {
            Some(value) => assert!(is_of(value, types), "{schema}.{name} is {types}, not {value}"),
            None => assert!(is_optional, "{schema}.{name} is always there"),
        }
    }
    for name in body.as_object().unwrap().keys() {
        assert!(facts.contains_key(name), "{schema} has no {name}");
    }
}

#[test]
fn the_emulator_answers_as_the_rest_schemas_say() {
    let mut bare = Repo::new(2, "ada/bare");
    (bare.description, bare.license, bare.language) = (None, None, None);
    for repo in [Repo::new(1, "ada/cluster"), bare] {
        check_rest("repo-search-result-item", &repo.item("http://forge.example"));
        check_rest("full-repository", &repo.full("http://forge.example"));
    }
}

#[test]
fn the_emulator_is_held_against_something() {
    let mut body = Repo::new(1, "ada/cluster").item("http://forge.example");
    for (name, value) in [("id", Value::from("1")), ("pushed_at", Value::Null), ("unknown", Value::from(1))] {
        let before = body.clone();
        body[name] = value;
        let checked = std::panic::catch_unwind(|| check_rest("repo-search-result-item", &body));
        assert!(checked.is_err(), "{name}");
        body = before;
    }
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

#[test]
fn the_emulator_answers_as_the_graphql_schema_says() {
    let facts = facts();
    let mut bare = Repo::new(2, "ada/bare");
    (bare.description, bare.license, bare.language) = (None, None, None);
    for repo in [Repo::new(1, "ada/cluster"), bare] {
        check_node(&facts["graphql"], "Repository!", &repo.node("http://forge.example"));
    }
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
