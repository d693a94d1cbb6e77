//! Which tables a query's answer is made of, and their columns: known from the query and the schema alone, so that an
//! empty answer has the same columns as any other.

use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};

use crate::graphql::{field_type, root_type};

/// Fields that hold the rows of a connection or an aggregate.
const ROWS: [&str; 3] = ["nodes", "edges", "rows"];
/// Scalars that are numbers.
const NUMBERS: [&str; 3] = ["Int", "Long", "Float"];

/// A list of the answer, or a single object.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Response keys that lead to it.
    pub path: Vec<String>,
    /// Whether it is a list; an object is one row.
    pub is_list: bool,
    /// In the order of the query.
    pub columns: Vec<Column>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Response keys that lead to its value, from the row on.
    pub path: Vec<String>,
    pub is_number: bool,
}

impl Table {
    pub fn title(&self) -> String {
        self.path.join(".")
    }
}

impl Column {
    /// `repository.fullName`.
    pub fn name(&self) -> String {
        self.path.join(".")
    }
}

/// The tables of a valid query's answer: one for each of its lists. Without a list, the answer itself is one row, or the
/// one object that was asked for.
pub fn tables(document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Vec<Table> {
    let query = Query { document, operation, variables };
    let root = Parent { of: root_type(operation), selections: vec![&operation.selection_set.node] };
    let fields = query.fields(&root);
    let mut lists: Vec<Table> = fields.iter().flat_map(|field| query.lists(field)).collect();
    if lists.is_empty() {
        let (path, row) = match fields.as_slice() {
            [only] if only.is_object() => (vec![only.key.to_owned()], only.inside()),
            _ => (Vec::new(), root),
        };
        lists.push(Table { path, is_list: false, columns: query.columns(&row) });
    }
    lists
}

struct Query<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

/// An object or interface, and what is asked of it.
struct Parent<'a> {
    of: &'a str,
    selections: Vec<&'a SelectionSet>,
}

/// All fields of an object that share a response key.
struct Asked<'a> {
    key: &'a str,
    name: &'a str,
    /// What it is, or what it is a list of; empty for introspection.
    of: &'a str,
    is_list: bool,
    selections: Vec<&'a SelectionSet>,
}

impl<'a> Asked<'a> {
    /// Whether it is an object of the schema. Introspection's own are not in it, and stay whole.
    fn is_object(&self) -> bool {
        !self.is_list && !self.of.is_empty() && self.selections.iter().any(|selection| !selection.items.is_empty())
    }

    fn inside(&self) -> Parent<'a> {
        Parent { of: self.of, selections: self.selections.clone() }
    }
}

impl<'a> Query<'a> {
    /// The lists of a field of the root: itself, or the rows it holds.
    fn lists(&self, field: &Asked<'a>) -> Vec<Table> {
        let table = |path: &[&str], rows: &Asked<'a>| Table {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            is_list: true,
            columns: self.columns(&rows.inside()),
        };
        if field.is_list {
            return vec![table(&[field.key], field)];
        }
        let inside = self.fields(&field.inside()).into_iter();
        let rows = inside.filter(|field| field.is_list && ROWS.contains(&field.name));
        rows.map(|rows| table(&[field.key, rows.key], &rows)).collect()
    }

    /// The columns of an object: objects in it are opened, lists in it are not.
    fn columns(&self, row: &Parent<'a>) -> Vec<Column> {
        let mut columns = Vec::new();
        for field in self.fields(row) {
            let key = || field.key.to_owned();
            if field.is_object() {
                let inner = self.columns(&field.inside()).into_iter();
                columns.extend(inner.map(|column| Column { path: [vec![key()], column.path].concat(), ..column }));
            } else {
                let is_number = !field.is_list && NUMBERS.contains(&field.of);
                columns.push(Column { path: vec![key()], is_number });
            }
        }
        columns
    }

    /// The fields of an object by response key, in the order of the answer.
    fn fields(&self, parent: &Parent<'a>) -> Vec<Asked<'a>> {
        let mut fields = Vec::new();
        for selection in &parent.selections {
            self.add(selection, parent.of, &mut fields);
        }
        fields
    }

    fn add(&self, selection: &'a SelectionSet, of: &'a str, fields: &mut Vec<Asked<'a>>) {
        for item in &selection.items {
            if self.is_left_out(&item.node) {
                continue;
            }
            match &item.node {
                Selection::Field(field) => add_field(&field.node, of, fields),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.add(&fragment.node.selection_set.node, of, fields);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) else { continue };
                    let of = fragment.node.type_condition.node.on.node.as_str();
                    self.add(&fragment.node.selection_set.node, of, fields);
                }
            }
        }
    }

    /// Whether `@skip` or `@include` takes the selection out of the answer.
    fn is_left_out(&self, selection: &Selection) -> bool {
        selection.directives().iter().any(|directive| {
            let condition = directive.node.get_argument("if").map(|value| value.node.clone());
            let known = condition.map(|value| value.into_const_with(|name| self.variable(&name).cloned().ok_or(())));
            let condition = known == Some(Ok(Value::Boolean(true)));
            match directive.node.name.node.as_str() {
                "skip" => condition,
                "include" => !condition,
                _ => false,
            }
        })
    }

    fn variable(&self, name: &Name) -> Option<&Value> {
        let definitions = self.operation.variable_definitions.iter().map(|definition| &definition.node);
        let default = || definitions.filter(|one| one.name.node == *name).find_map(|one| one.default_value());
        self.variables.get(name).or_else(default)
    }
}

fn add_field<'a>(field: &'a Field, of: &'a str, fields: &mut Vec<Asked<'a>>) {
    let key = field.response_key().node.as_str();
    let selection = &field.selection_set.node;
    match fields.iter_mut().find(|asked| asked.key == key) {
        Some(asked) => asked.selections.push(selection),
        None => {
            let name = field.name.node.as_str();
            let (of, is_list) = match field_type(of, name).map(|result| &result.base) {
                Some(BaseType::Named(result)) => (result.as_str(), false),
                Some(BaseType::List(result)) => (element(&result.base), true),
                None => ("", false),
            };
            fields.push(Asked { key, name, of, is_list, selections: vec![selection] });
        }
    }
}

fn element(list: &BaseType) -> &str {
    match list {
        BaseType::Named(name) => name,
        BaseType::List(inner) => element(&inner.base),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    /// `title: column column…`, `#` before a number; a single object in brackets.
    fn outline(text: &str, variables: serde_json::Value) -> Vec<String> {
        let document = parse_query(text).unwrap();
        let operation = crate::graphql::find_operation(&document, None).unwrap();
        let column = |column: &Column| format!("{}{}", if column.is_number { "#" } else { "" }, column.name());
        let outline = |table: Table| {
            let title = if table.is_list { table.title() } else { format!("[{}]", table.title()) };
            format!("{title}: {}", table.columns.iter().map(column).collect::<Vec<_>>().join(" "))
        };
        tables(&document, operation, &Variables::from_json(variables)).into_iter().map(outline).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(outline(text, json!({})), expected, "{text}");
    }

    #[test]
    fn the_rows_of_a_connection_are_a_table() {
        check(
            "{ repositories { totalCount nodes { url resourceCount headCommit { time actor { name } } fullName } } }",
            &["repositories.nodes: url #resourceCount headCommit.time headCommit.actor.name fullName"],
        );
        check("{ events { edges { cursor node { kind } } } }", &["events.edges: cursor node.kind"]);
        check("{ eventTrend { range { from } rows { value series } } }", &["eventTrend.rows: #value series"]);
    }

    #[test]
    fn a_list_in_a_row_is_one_column() {
        check("{ events { nodes { changes { pointer after } kind } } }", &["events.nodes: changes kind"]);
        check(
            "{ resources { nodes { name events { totalCount nodes { type } } } } }",
            &["resources.nodes: name #events.totalCount events.nodes"],
        );
    }

    #[test]
    fn without_a_list_the_answer_is_one_row() {
        check("{ repository(fullName: \"a/b\") { fullName eventCount } }", &["[repository]: fullName #eventCount"]);
        check("{ __typename }", &["[]: __typename"]);
        check("{ __schema { types { name } } }", &["[]: __schema"]);
        check("{ a: events { totalCount } b: resources { totalCount } }", &["[]: #a.totalCount #b.totalCount"]);
    }

    #[test]
    fn each_list_is_a_table() {
        check(
            "{ a: events { nodes { kind } } resources { all: nodes { name } totalCount } events { totalCount } }",
            &["a.nodes: kind", "resources.all: name"],
        );
    }

    #[test]
    fn fragments_and_fields_that_are_asked_for_twice_are_one_column() {
        check(
            "{ events { ...E nodes { kind commit { subject } } } } fragment E on ResourceEventConnection { nodes { commit { id } kind } }",
            &["events.nodes: commit.id commit.subject kind"],
        );
        check(
            "{ node(id: 1) { id ... on Resource { name repository { name } } } }",
            &["[node]: id name repository.name"],
        );
    }

    #[test]
    fn what_is_skipped_is_no_column() {
        let text =
            "query($with: Boolean = false) { events { nodes { kind name @include(if: $with) path @skip(if: true) } } }";
        assert_eq!(outline(text, json!({})), ["events.nodes: kind"]);
        assert_eq!(outline(text, json!({ "with": true })), ["events.nodes: kind name"]);
    }
}
