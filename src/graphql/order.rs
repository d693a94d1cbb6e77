//! Puts a response into the order of its query, as the specification asks for
//! (<https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering>): the executor lists fields in the order in which
//! they happened to finish, and leaves out the ones that failed.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, PathSegment, Response, Value};

/// The response with every object's fields in query order, and null for a field that failed.
pub fn in_query_order(mut response: Response, document: &ExecutableDocument, operation: Option<&str>) -> Response {
    for failed in response.errors.iter().filter(|error| !error.path.is_empty()) {
        set_null(&mut response.data, &failed.path);
    }
    if let Some(operation) = find(document, operation) {
        let data = std::mem::take(&mut response.data);
        response.data = arrange(data, &[&operation.selection_set.node], document);
    }
    response
}

fn find<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(name) => operations.find(|(this, _)| this.is_some_and(|this| this == name)),
        None => operations.next(),
    };
    found.map(|(_, operation)| &operation.node)
}

fn arrange(value: Value, selections: &[&SelectionSet], document: &ExecutableDocument) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(|item| arrange(item, selections, document)).collect()),
        Value::Object(mut fields) if !selections.is_empty() => {
            let mut wanted: IndexMap<&Name, Vec<&Field>> = IndexMap::new();
            let mut seen = HashSet::new();
            for selection in selections {
                collect(selection, document, &mut wanted, &mut seen);
            }
            let mut arranged = IndexMap::with_capacity(fields.len());
            for (key, same_key) in wanted {
                if let Some(value) = fields.swap_remove(key) {
                    let nested: Vec<&SelectionSet> = same_key.iter().map(|field| &field.selection_set.node).collect();
                    let nested = if nested.iter().all(|set| set.items.is_empty()) { Vec::new() } else { nested };
                    arranged.insert(key.clone(), arrange(value, &nested, document));
                }
            }
            Value::Object(arranged)
        }
        scalar => scalar,
    }
}

/// The fields of a selection by response key. A fragment counts once a level, however often it is spread there.
fn collect<'a>(
    selection: &'a SelectionSet,
    document: &'a ExecutableDocument,
    wanted: &mut IndexMap<&'a Name, Vec<&'a Field>>,
    seen: &mut HashSet<&'a Name>,
) {
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => {
                wanted.entry(&field.node.response_key().node).or_default().push(&field.node);
            }
            Selection::InlineFragment(fragment) => {
                collect(&fragment.node.selection_set.node, document, wanted, seen);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if seen.insert(name)
                    && let Some(fragment) = document.fragments.get(name)
                {
                    collect(&fragment.node.selection_set.node, document, wanted, seen);
                }
            }
        }
    }
}

fn set_null(data: &mut Value, path: &[PathSegment]) {
    match (data, path) {
        (Value::Object(fields), [PathSegment::Field(name)]) => {
            fields.entry(Name::new(name)).or_insert(Value::Null);
        }
        (Value::Object(fields), [PathSegment::Field(name), rest @ ..]) => {
            if let Some(value) = fields.get_mut(name.as_str()) {
                set_null(value, rest);
            }
        }
        (Value::List(items), [PathSegment::Index(index), rest @ ..]) => {
            if let Some(value) = items.get_mut(*index) {
                set_null(value, rest);
            }
        }
        _ => {}
    }
}
