//! The schema: committed as it is, and described to the last value.

use std::fs;
use std::path::Path;

use kubestats::graphql::sdl;
use serde_json::Value;

use super::support::ask;

#[test]
fn the_committed_schema_is_the_real_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let different = committed.lines().zip(sdl().lines().map(str::to_owned)).position(|(old, new)| old != new);
    assert!(
        committed == sdl(),
        "schema.graphql differs from the code, first in line {}; `cargo run -- schema > schema.graphql` writes it again",
        different.unwrap_or_else(|| committed.lines().count().min(sdl().lines().count())) + 1,
    );
}

#[test]
fn everything_in_the_schema_has_a_description() {
    let mut undescribed = Vec::new();
    for meta in introspection() {
        let name = meta["name"].as_str().unwrap().to_owned();
        // Types of introspection itself are the library's.
        if name.starts_with("__") {
            continue;
        }
        check(&meta, &name, &mut undescribed);
        for list in ["fields", "inputFields", "enumValues"] {
            for member in items(&meta[list]) {
                let member_name = format!("{name}.{}", member["name"].as_str().unwrap());
                check(member, &member_name, &mut undescribed);
                for argument in items(&member["args"]) {
                    let argument_name = format!("{member_name}({})", argument["name"].as_str().unwrap());
                    check(argument, &argument_name, &mut undescribed);
                }
            }
        }
    }
    assert_eq!(undescribed, Vec::<String>::new(), "without a description");
}

/// The types, as introspection tells of them.
pub fn introspection() -> Vec<Value> {
    let named = "name kind ofType { name kind ofType { name kind ofType { name kind } } }";
    let input = format!("name description type {{ {named} }}");
    let mut data = ask(&format!(
        "{{ __schema {{ types {{ kind name description enumValues {{ name description }} inputFields {{ {input} }} \
             fields {{ name description args {{ {input} }} type {{ {named} }} }} }} }} }}"
    ));
    let Value::Array(types) = data["__schema"]["types"].take() else { panic!("no types") };
    assert!(types.len() > 20, "{} types", types.len());
    types
}

fn check(described: &Value, name: &str, undescribed: &mut Vec<String>) {
    if described["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
        undescribed.push(name.to_owned());
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}
