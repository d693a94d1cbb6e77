//! How many fields a document stands for once its fragments are spread, counted without spreading them.
//!
//! Fragments that spread one another twice double with each level: a document of 860 bytes stands for millions of fields, and
//! validation would visit each of them before any limit is looked at.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Error, Name};

use super::error::{Code, error};

/// Fragments of one document: each may be a level of the recursion here and in the executor.
const MAX_FRAGMENTS: usize = 200;

/// Refuses a document that stands for more than `limit` fields.
///
/// # Errors
/// `RESOURCE_EXHAUSTED`, with the limit.
pub fn check(document: &ExecutableDocument, limit: usize) -> Result<(), Error> {
    if document.fragments.len() > MAX_FRAGMENTS {
        let message = format!("the document has more than {MAX_FRAGMENTS} fragments");
        return Err(error(Code::ResourceExhausted, message));
    }
    let mut counter = Counter { document, fragments: HashMap::new() };
    let operations = document.operations.iter();
    let fields = operations.map(|(_, operation)| counter.fields(&operation.node.selection_set.node)).max();
    match fields {
        Some(fields) if fields > limit => {
            let message = format!("the document selects more than {limit} fields, fragments spread");
            Err(error(Code::ResourceExhausted, message))
        }
        _ => Ok(()),
    }
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// Fields of each fragment; 0 while it is being counted, since one that holds itself is refused by validation.
    fragments: HashMap<&'a Name, usize>,
}

impl<'a> Counter<'a> {
    fn fields(&mut self, selection: &'a SelectionSet) -> usize {
        let items = selection.items.iter();
        items.fold(0, |sum: usize, item| {
            sum.saturating_add(match &item.node {
                Selection::Field(field) => self.fields(&field.node.selection_set.node).saturating_add(1),
                Selection::InlineFragment(fragment) => self.fields(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            })
        })
    }

    fn fragment(&mut self, name: &'a Name) -> usize {
        if let Some(fields) = self.fragments.get(name) {
            return *fields;
        }
        self.fragments.insert(name, 0);
        let fields = match self.document.fragments.get(name) {
            Some(fragment) => self.fields(&fragment.node.selection_set.node),
            None => 0,
        };
        self.fragments.insert(name, fields);
        fields
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::check;

    /// `levels` fragments that each spread the next one twice.
    fn doubling(levels: usize) -> String {
        let fragments = (0..levels).map(|level| {
            let next = level + 1;
            format!("fragment F{level} on Query {{ ...F{next} ...F{next} }} ")
        });
        let fragments: String = fragments.collect();
        format!("{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}")
    }

    #[test]
    fn doubling_fragments_are_counted_without_being_spread() {
        assert!(check(&parse_query(doubling(10)).unwrap(), 2_000).is_ok());
        assert!(check(&parse_query(doubling(11)).unwrap(), 2_000).is_err());
        assert!(check(&parse_query(doubling(150)).unwrap(), 2_000).is_err());
    }

    #[test]
    fn a_fragment_that_holds_itself_does_not_hang() {
        let document = parse_query("{ ...F } fragment F on Query { __typename ...F }").unwrap();
        assert!(check(&document, 2_000).is_ok(), "validation refuses it");
    }
}
