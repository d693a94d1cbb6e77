//! SQL with the values that the server binds.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

const PUBLISHED: &str = include_str!("../../../clickhouse/queries/published.sql");
const VISIBLE: &str = include_str!("../../../clickhouse/queries/visible.sql");
const INSTALLED: &str = include_str!("../../../clickhouse/queries/installed.sql");

/// A value of a parameter. Its text form suits whatever type the SQL declares for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Parameter {
    Text(String),
    Texts(Vec<String>),
    Integer(i64),
    Integers(Vec<i64>),
    Bool(bool),
}

impl Parameter {
    /// A list of ids, for `Array(UUID)`.
    pub fn uuids(ids: &[uuid::Uuid]) -> Self {
        Self::Texts(ids.iter().map(uuid::Uuid::to_string).collect())
    }
}

/// SQL, complete but for the values of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    sql: Cow<'static, str>,
    parameters: Vec<(Cow<'static, str>, Parameter)>,
}

impl Statement {
    /// SQL as it stands in its file; `{{installed}}`, `{{published}}` and `{{visible}}` are filled in.
    pub fn new(sql: &'static str) -> Self {
        let mut statement = Self { sql: Cow::Borrowed(sql), parameters: Vec::new() };
        for (marker, included) in [("installed", INSTALLED), ("published", PUBLISHED), ("visible", VISIBLE)] {
            if statement.sql.contains(&format!("{{{{{marker}}}}}")) {
                statement.replace(marker, &without_comments(included));
            }
        }
        statement
    }

    /// Puts a fragment in the place of `{{marker}}`. Fragments come from our own code, never from outside.
    pub fn with(mut self, marker: &str, fragment: &Fragment) -> Self {
        let mut sql = String::new();
        for part in &fragment.parts {
            match part {
                Part::Text(text) => sql.push_str(text),
                Part::Value(parameter, server_type) => {
                    let name = format!("p{}", self.parameters.len());
                    let _ = write!(sql, "{{{name}:{server_type}}}");
                    self.parameters.push((Cow::Owned(name), parameter.clone()));
                }
            }
        }
        self.replace(marker, &sql);
        self
    }

    /// Puts fixed text in the place of `{{marker}}`.
    pub fn with_text(mut self, marker: &str, text: &'static str) -> Self {
        self.replace(marker, text);
        self
    }

    /// Binds a parameter that the file names itself.
    pub fn bind(mut self, name: &'static str, value: Parameter) -> Self {
        self.parameters.push((Cow::Borrowed(name), value));
        self
    }

    pub fn sql(&self) -> &str {
        &self.sql
    }

    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.parameters.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// About how many bytes it holds.
    pub fn size(&self) -> usize {
        let value = |value: &Parameter| match value {
            Parameter::Text(text) => text.len(),
            Parameter::Texts(texts) => texts.iter().map(|text| text.len() + 24).sum(),
            Parameter::Integers(integers) => integers.len() * 8,
            Parameter::Integer(_) | Parameter::Bool(_) => 8,
        };
        self.sql.len()
            + self.parameters.iter().map(|(name, parameter)| name.len() + 32 + value(parameter)).sum::<usize>()
    }

    fn replace(&mut self, marker: &str, text: &str) {
        self.sql = Cow::Owned(self.sql.replace(&format!("{{{{{marker}}}}}"), text));
    }
}

/// A piece of SQL with its own parameters, built by [`super::filter`] and [`super::page`].
#[derive(Clone, Debug, Default)]
pub struct Fragment {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// A value and the type ClickHouse reads it as.
    Value(Parameter, String),
}

impl Fragment {
    /// SQL of a file of its own, with other fragments in the places of their markers; `{{visible}}` is filled in.
    pub fn file(sql: &'static str, parts: &[(&str, &Self)]) -> Self {
        let sql = without_comments(sql).replace("{{visible}}", &without_comments(VISIBLE));
        let mut fragment = Self::default();
        let mut rest = sql.as_str();
        while let Some((before, marked)) = rest.split_once("{{") {
            fragment = fragment.text(before);
            let (marker, after) = marked.split_once("}}").unwrap_or((marked, ""));
            if let Some((_, part)) = parts.iter().find(|(name, _)| *name == marker) {
                fragment = fragment.append((*part).clone());
            }
            rest = after;
        }
        fragment.text(rest)
    }

    pub fn text(mut self, text: &str) -> Self {
        self.parts.push(Part::Text(text.to_owned()));
        self
    }

    /// Appends a reference to a new parameter; `server_type` is the type ClickHouse reads it as.
    pub fn value(mut self, value: Parameter, server_type: &str) -> Self {
        self.parts.push(Part::Value(value, server_type.to_owned()));
        self
    }

    pub fn append(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }
}

fn without_comments(sql: &str) -> String {
    let code: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
    code.join(" ")
}
