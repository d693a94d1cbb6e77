//! What a document stands for once its fragments are spread, counted without spreading them.
//!
//! Fragments that spread one another twice double with each level: a document of 860 bytes stands for millions of fields, and
//! validation would visit each of them before any limit is looked at.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, Directive, ExecutableDocument, Field, Selection, SelectionSet, Type};
use async_graphql::{Error, Name, Positioned, Value, Variables};

use super::limits::{Limit, Limits};
use super::order::{field_type, root_type};
use super::pagination::DEFAULT_SIZE;

/// How the types of pages end.
const PAGE: &str = "Connection";
/// Arguments that say how many rows a page or another list has.
const SIZES: [&str; 2] = ["first", "last"];
/// The argument that lists what is asked for.
const IDS: &str = "ids";
/// Fields of a connection below which everything is asked of each row.
const ROWS: [&str; 2] = ["nodes", "edges"];

/// Measures a document, and answers its complexity.
///
/// # Errors
/// `RESOURCE_EXHAUSTED`, with the first limit that it is past.
pub fn check(document: &ExecutableDocument, variables: &Variables, limits: &Limits) -> Result<u64, Error> {
    limits.check(Limit::Fragments, document.fragments.len() as u64, |most| {
        format!("the document has more than {most} fragments")
    })?;
    let mut counter = Counter::new(document, variables);
    let (mut all, mut complexity) = (Measures::default(), 0);
    for (_, operation) in document.operations.iter() {
        let measures = counter.selection(&operation.node.selection_set.node, Some(root_type(&operation.node)));
        complexity = complexity.max(measures.once.saturating_add(measures.a_row));
        all = all.and(measures).with_directives(&operation.node.directives);
    }
    limits.check(Limit::Fields, all.fields, |most| {
        format!("the document selects more than {most} fields, each fragment counted wherever it is spread")
    })?;
    limits.check(Limit::Aliases, all.aliases, |most| {
        format!("the document has more than {most} aliases, each fragment counted wherever it is spread")
    })?;
    limits.check(Limit::Directives, all.directives, |most| {
        format!("the document has more than {most} directives, each fragment counted wherever it is spread")
    })?;
    limits.check(Limit::Depth, all.depth, |most| {
        format!("the document has a depth of {}; at most {most} are allowed", all.depth)
    })?;
    if let Some((name, size)) = counter.largest_page {
        let message = |most| match name {
            IDS => format!("`{name}` holds {size}; at most {most} are allowed"),
            _ => format!("`{name}` is {size}; it has to be between 0 and {most}"),
        };
        limits.check(Limit::PageSize, size, message)?;
    }
    limits.check(Limit::Complexity, complexity, |most| {
        format!(
            "the document has a complexity of {complexity}; at most {most} are allowed: ask for fewer fields, or for smaller pages"
        )
    })?;
    Ok(complexity)
}

/// What a selection stands for.
#[derive(Clone, Copy, Default)]
struct Measures {
    fields: u64,
    aliases: u64,
    directives: u64,
    depth: u64,
    /// Complexity of what is asked once.
    once: u64,
    /// Complexity of what is asked of each row, where the selection is that of a page.
    a_row: u64,
}

impl Measures {
    /// Both, side by side.
    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            once: self.once.saturating_add(other.once),
            a_row: self.a_row.saturating_add(other.a_row),
        }
    }

    fn with_directives(mut self, directives: &[Positioned<Directive>]) -> Self {
        self.directives = self.directives.saturating_add(directives.len() as u64);
        self
    }
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// What stands for a variable without a value; of several operations, the first that says so.
    defaults: HashMap<&'a Name, &'a Value>,
    /// Of each fragment; nothing while it is being counted, since one that holds itself is refused by validation.
    fragments: HashMap<&'a Name, Measures>,
    /// The largest number that a page or a list of ids was asked to have, and its argument.
    largest_page: Option<(&'static str, u64)>,
}

impl<'a> Counter<'a> {
    fn new(document: &'a ExecutableDocument, variables: &'a Variables) -> Self {
        let mut defaults = HashMap::new();
        let definitions = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
        for definition in definitions.map(|definition| &definition.node) {
            if let Some(default) = &definition.default_value {
                defaults.entry(&definition.name.node).or_insert(&default.node);
            }
        }
        Self { document, variables, defaults, fragments: HashMap::new(), largest_page: None }
    }

    /// `of` is the type that the fields belong to, where it is known.
    fn selection(&mut self, selection: &'a SelectionSet, of: Option<&'a str>) -> Measures {
        selection.items.iter().fold(Measures::default(), |sum, item| {
            sum.and(match &item.node {
                Selection::Field(field) => self.field(&field.node, of),
                Selection::InlineFragment(fragment) => {
                    let of = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str()).or(of);
                    let measures = self.selection(&fragment.node.selection_set.node, of);
                    measures.with_directives(&fragment.node.directives)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node).with_directives(&spread.node.directives)
                }
            })
        })
    }

    fn field(&mut self, field: &'a Field, of: Option<&'a str>) -> Measures {
        let name = of.and_then(|of| field_type(of, &field.name.node)).map(innermost);
        let inner = self.selection(&field.selection_set.node, name);
        let size = self.size(field);
        let below = if name.is_some_and(|name| name.ends_with(PAGE)) {
            let (argument, rows) = size.unwrap_or((SIZES[0], u64::from(DEFAULT_SIZE)));
            self.note(argument, rows);
            inner.once.saturating_add(inner.a_row.saturating_mul(rows))
        } else {
            let items = size.map(|(_, items)| items).or_else(|| self.ids(field)).unwrap_or(1);
            inner.once.saturating_add(inner.a_row).saturating_mul(items)
        };
        let complexity = below.saturating_add(1);
        let is_row = ROWS.contains(&field.name.node.as_str());
        let (once, a_row) = if is_row { (0, complexity) } else { (complexity, 0) };
        let measures = Measures {
            fields: inner.fields.saturating_add(1),
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives,
            depth: inner.depth.saturating_add(1),
            once,
            a_row,
        };
        measures.with_directives(&field.directives)
    }

    fn fragment(&mut self, name: &'a Name) -> Measures {
        if let Some(measures) = self.fragments.get(name) {
            return *measures;
        }
        self.fragments.insert(name, Measures::default());
        let measures = match self.document.fragments.get(name) {
            Some(fragment) => {
                let of = fragment.node.type_condition.node.on.node.as_str();
                let measures = self.selection(&fragment.node.selection_set.node, Some(of));
                measures.with_directives(&fragment.node.directives)
            }
            None => Measures::default(),
        };
        self.fragments.insert(name, measures);
        measures
    }

    /// The argument that says how many rows a field has, and how many. What is no number of a list is left to validation.
    fn size(&self, field: &'a Field) -> Option<(&'static str, u64)> {
        let sizes = SIZES.map(|name| Some((name, self.argument(field, name)?)));
        for (name, value) in sizes.into_iter().flatten() {
            let Value::Number(number) = &value else { continue };
            let size = number.as_i64().and_then(|size| i32::try_from(size).ok());
            if let Some(size) = size.and_then(|size| u64::try_from(size).ok()) {
                return Some((name, size));
            }
        }
        None
    }

    /// The ids that a field's arguments list.
    fn ids(&mut self, field: &'a Field) -> Option<u64> {
        match self.argument(field, IDS)? {
            Value::List(ids) => {
                self.note(IDS, ids.len() as u64);
                Some(ids.len() as u64)
            }
            _ => None,
        }
    }

    fn note(&mut self, name: &'static str, size: u64) {
        if self.largest_page.is_none_or(|(_, largest)| largest < size) {
            self.largest_page = Some((name, size));
        }
    }

    /// The value of an argument, its variables filled in where that is all it is or holds.
    fn argument(&self, field: &'a Field, name: &str) -> Option<Value> {
        let value = &field.get_argument(name)?.node;
        value.clone().into_const_with(|name| Ok::<_, ()>(self.variable(&name))).ok()
    }

    fn variable(&self, name: &Name) -> Value {
        let value = self.variables.get(name).or_else(|| self.defaults.get(name).copied());
        value.cloned().unwrap_or_default()
    }
}

/// The name of what a type is, or is a list of.
pub fn innermost(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::{Value, Variables};
    use serde_json::json;

    use super::{Limits, check};

    /// `levels` fragments that each spread the next one twice.
    fn doubling(levels: usize) -> String {
        let fragments = (0..levels).map(|level| {
            let next = level + 1;
            format!("fragment F{level} on Query {{ ...F{next} ...F{next} }} ")
        });
        let fragments: String = fragments.collect();
        format!("{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}")
    }

    fn complexity(document: &str, variables: serde_json::Value) -> Result<u64, async_graphql::Error> {
        check(&parse_query(document).unwrap(), &Variables::from_json(variables), &Limits::default())
    }

    /// The name of the limit that the document is past.
    fn limit(document: &str) -> Option<Value> {
        let error = complexity(document, json!({})).err()?;
        error.extensions?.get("limit").cloned()
    }

    #[test]
    fn doubling_fragments_are_counted_without_being_spread() {
        assert_eq!(limit(&doubling(10)), None);
        assert_eq!(limit(&doubling(11)), Some("fields".into()));
        assert_eq!(limit(&doubling(150)), Some("fields".into()));
        assert_eq!(limit(&doubling(200)), Some("fragments".into()));
    }

    #[test]
    fn a_fragment_that_holds_itself_does_not_hang() {
        assert_eq!(limit("{ ...F } fragment F on Query { __typename ...F }"), None, "validation refuses it");
    }

    #[test]
    fn operations_are_counted_together() {
        let operations: String = (0..21).map(|number| format!("query Q{number} {{ ...F }} ")).collect();
        let fields = "a ".repeat(100);
        assert_eq!(limit(&format!("{operations} fragment F on Query {{ {fields} }}")), Some("fields".into()));
    }

    #[test]
    fn each_limit_is_looked_at() {
        let many = |number: usize, text: &str| format!("{{ {} }}", text.repeat(number));
        assert_eq!(limit(&many(201, "a: b ")), Some("aliases".into()));
        assert_eq!(limit(&many(201, "a @skip(if: true) ")), Some("directives".into()));
        assert_eq!(limit(&format!("{}{}", "{ a ".repeat(21), " }".repeat(21))), Some("depth".into()));
        assert_eq!(limit("{ events(first: 501) { totalCount } }"), Some("pageSize".into()));
        let nested = "{ repositories(first: 500) { nodes { events(last: 500) { nodes { name } } } } }";
        assert_eq!(limit(nested), Some("complexity".into()));
    }

    #[test]
    fn what_is_asked_of_a_row_counts_as_often_as_there_are_rows() {
        let check = |document: &str, variables: serde_json::Value, expected: u64| {
            assert_eq!(complexity(document, variables).ok(), Some(expected), "{document}");
        };
        check("{ a b { c } }", json!({}), 3);
        check("{ events(first: 10) { totalCount nodes { id name } } }", json!({}), 1 + 1 + 10 * 3);
        check("{ events { nodes { id } } }", json!({}), 1 + 50 * 2);
        let spread = "{ events(last: 10) { ...F } } fragment F on ResourceEventConnection { edges { node { id } } }";
        check(spread, json!({}), 1 + 10 * 3);
        let history = "{ repository { ... on Repository { metricsHistory(first: 1000) { stars forks } } } }";
        check(history, json!({}), 1 + 1 + 1000 * 2);
        let nested =
            "query Q($n: Int = 20) { repositories(first: $n) { nodes { events(first: 5) { nodes { id } } } } }";
        check(nested, json!({}), 1 + 20 * (1 + 1 + 5 * 2));
        check(nested, json!({ "n": 2 }), 1 + 2 * (1 + 1 + 5 * 2));
        check("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ["a", "b", "c"] }), 1 + 3);
        // What is no number is for validation to refuse.
        check("{ events(first: \"x\") { nodes { id } } }", json!({}), 1 + 50 * 2);
        check("{ events(first: 99999999999) { nodes { id } } }", json!({}), 1 + 50 * 2);
    }
}
