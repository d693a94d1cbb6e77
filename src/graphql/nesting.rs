//! How deeply a request is nested: looked at before anything goes down into it, since whoever does needs stack for each level.

use async_graphql::{Error, Value, Variables};

use super::limits::Limit;
use super::tokens;

/// # Errors
/// `RESOURCE_EXHAUSTED` for a document or a variable that is nested too deeply.
pub fn check(document: &str, variables: &Variables) -> Result<(), Error> {
    check_one("the document", tokens::measure(document).nesting)?;
    variables.iter().try_for_each(|(name, value)| check_one(&format!("the variable `${name}`"), levels(value)))
}

/// # Errors
/// As those of [`check`], for a text of JSON: the variables, or a body that holds them.
pub fn check_json(text: &str) -> Result<(), Error> {
    check_one("the JSON of the request", tokens::measure(text).nesting)
}

fn check_one(what: &str, nesting: u64) -> Result<(), Error> {
    let message = |most| format!("{what} is nested {nesting} levels deep; at most {most} are allowed");
    Limit::Nesting.check(usize::try_from(nesting).unwrap_or(usize::MAX), message)
}

/// Levels of lists and objects, without a call for each.
fn levels(value: &Value) -> u64 {
    let mut deepest = 0;
    let mut waiting = vec![(value, 1)];
    while let Some((value, level)) = waiting.pop() {
        match value {
            Value::List(items) => waiting.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(fields) => waiting.extend(fields.values().map(|field| (field, level + 1))),
            _ => continue,
        }
        deepest = deepest.max(level);
    }
    deepest
}
