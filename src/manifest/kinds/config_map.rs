//! ConfigMap: variables for substitution, by `substituteFrom` of a Flux Kustomization.

use super::Kind;
use super::fields::plain_text;
use super::smallest::Smallest;
use crate::manifest::yaml::Node;
use crate::model::{Facts, MAX_VARIABLES};

pub static KIND: Kind = Kind { name: "ConfigMap", groups: &[""], references: &[], read };

fn read(config_map: &Node, facts: &mut Facts) {
    if let Some(data) = config_map.get("data") {
        read_variables(data, facts);
    }
}

/// Bytes of the longest value that is kept: a longer one is a file, no variable.
const MAX_VALUE_BYTES: usize = 256;

/// Adds the entries that may be variables.
pub fn read_variables(values: &Node, facts: &mut Facts) {
    let entries = values.as_mapping().map_or(&[][..], |values| values.entries());
    let mut variables = Smallest::new(MAX_VARIABLES);
    for (name, value) in entries {
        let name = name.as_str().filter(|name| is_variable_name(name));
        let value = plain_text(value).filter(|value| value.len() <= MAX_VALUE_BYTES);
        if let Some((name, value)) = name.zip(value) {
            variables.push((name.to_owned(), value.to_owned()));
        }
    }
    facts.variables = variables.into_sorted();
}

/// As Flux has it: `^[_[:alpha:]][_[:alpha:][:digit:]]*$`.
fn is_variable_name(name: &str) -> bool {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    name.len() <= MAX_VALUE_BYTES
        && name.bytes().all(is_part)
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
