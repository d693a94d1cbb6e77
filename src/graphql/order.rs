//! Puts a response into the shape that the specification asks for: fields in the order of the query
//! (<https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering>), null where a field failed, and where null must not
//! stand, null for what holds it (<https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>). The executor lists
//! fields in the order in which they happened to finish, and leaves out the ones that failed.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, PathSegment, Response, Value};

/// The type of each field of each object and interface.
static FIELDS: LazyLock<HashMap<Name, HashMap<Name, Type>>> = LazyLock::new(field_types);

/// The response with every object's fields in query order, and null for a field that failed.
pub fn in_query_order(mut response: Response, document: &ExecutableDocument, operation: Option<&str>) -> Response {
    let never_began = !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty());
    if !never_began && let Some(operation) = find(document, operation) {
        let root = Type { base: BaseType::Named(Name::new(root_type(operation))), nullable: true };
        let failures: Vec<&[PathSegment]> = response.errors.iter().map(|error| error.path.as_slice()).collect();
        let data = match std::mem::take(&mut response.data) {
            // Every field was skipped, or failed.
            Value::Null => Value::Object(IndexMap::new()),
            data => data,
        };
        let shape = Shape { document, selections: vec![&operation.selection_set.node] };
        response.data = shape.arrange(data, Some(&root), &failures).unwrap_or_default();
    }
    response
}

/// The operation that a request means.
pub fn find<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(name) => operations.find(|(this, _)| this.is_some_and(|this| this == name)),
        None => operations.next(),
    };
    found.map(|(_, operation)| &operation.node)
}

/// The type of a field of an object or interface; `None` for those of introspection.
pub fn field_type(of: &str, field: &str) -> Option<&'static Type> {
    FIELDS.get(of)?.get(field)
}

pub const fn root_type(operation: &OperationDefinition) -> &'static str {
    match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

fn field_types() -> HashMap<Name, HashMap<Name, Type>> {
    // Introspection's own fields are in no schema document; nobody needs their types.
    let definitions = parse_schema(super::sdl()).map(|schema| schema.definitions).unwrap_or_default();
    let mut types = HashMap::new();
    for definition in definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            _ => continue,
        };
        let fields = fields.into_iter().map(|field| (field.node.name.node, field.node.ty.node));
        types.insert(definition.node.name.node, fields.collect());
    }
    types
}

/// What is asked of a value: the selections of all fields that share its response key.
struct Shape<'a> {
    document: &'a ExecutableDocument,
    selections: Vec<&'a SelectionSet>,
}

/// The fields with one response key, and the type of the first, where it is known.
#[derive(Default)]
struct Wanted<'a> {
    fields: Vec<&'a Field>,
    result: Option<&'a Type>,
}

impl<'a> Shape<'a> {
    /// The value in order. `failures` are the paths of errors, from here on. `None`: it is null, which its type forbids.
    fn arrange(&self, value: Value, of: Option<&Type>, failures: &[&[PathSegment]]) -> Option<Value> {
        let nullable = of.is_none_or(|of| of.nullable);
        let null = nullable.then_some(Value::Null);
        let failed = failures.iter().any(|path| path.is_empty());
        let arranged = match (value, of.map(|of| &of.base)) {
            (Value::Null, Some(BaseType::Named(_)))
                if !failed && self.is_object() && !(nullable && failures.is_empty()) =>
            {
                // Fields of it failed or were skipped, all of them: the executor has no empty object.
                self.arrange_object(IndexMap::new(), of, failures)
            }
            (Value::Null, _) => return null,
            (Value::List(items), base) => {
                let inner = match base {
                    Some(BaseType::List(inner)) => Some(inner.as_ref()),
                    _ => None,
                };
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, item)| {
                    let here = |segment: &PathSegment| matches!(segment, PathSegment::Index(this) if *this == index);
                    self.arrange(item, inner, &below(failures, here))
                });
                items.collect::<Option<Vec<Value>>>().map(Value::List)
            }
            (Value::Object(fields), _) if self.is_object() => self.arrange_object(fields, of, failures),
            (leaf, _) => Some(leaf),
        };
        arranged.or(null)
    }

    fn arrange_object(
        &self,
        mut fields: IndexMap<Name, Value>,
        of: Option<&Type>,
        failures: &[&[PathSegment]],
    ) -> Option<Value> {
        let owner = match of.map(|of| &of.base) {
            Some(BaseType::Named(name)) => Some(name),
            _ => None,
        };
        let mut wanted = IndexMap::new();
        let mut seen = HashSet::new();
        for selection in &self.selections {
            self.collect(selection, owner, &mut wanted, &mut seen);
        }
        let mut arranged = IndexMap::with_capacity(fields.len());
        for (key, Wanted { fields: same_key, result }) in wanted {
            let here = |segment: &PathSegment| matches!(segment, PathSegment::Field(name) if name == key.as_str());
            let failures = below(failures, here);
            // What is neither there nor failed was skipped, or is of another type.
            let value = match fields.swap_remove(key) {
                None if failures.is_empty() => continue,
                value => value.unwrap_or_default(),
            };
            let selections = same_key.iter().map(|field| &field.selection_set.node).collect();
            let nested = Shape { document: self.document, selections };
            arranged.insert(key.clone(), nested.arrange(value, result, &failures)?);
        }
        Some(Value::Object(arranged))
    }

    fn is_object(&self) -> bool {
        self.selections.iter().any(|set| !set.items.is_empty())
    }

    /// The fields of a selection by response key. A fragment counts once a level, however often it is spread there.
    fn collect(
        &self,
        selection: &'a SelectionSet,
        owner: Option<&Name>,
        wanted: &mut IndexMap<&'a Name, Wanted<'a>>,
        seen: &mut HashSet<&'a Name>,
    ) {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let same_key = wanted.entry(&field.response_key().node).or_default();
                    same_key.fields.push(field);
                    let result = owner.and_then(|owner| FIELDS.get(owner)?.get(&field.name.node));
                    same_key.result = same_key.result.or(result);
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    self.collect(&fragment.node.selection_set.node, condition.or(owner), wanted, seen);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if seen.insert(name)
                        && let Some(fragment) = self.document.fragments.get(name)
                    {
                        let condition = &fragment.node.type_condition.node.on.node;
                        self.collect(&fragment.node.selection_set.node, Some(condition), wanted, seen);
                    }
                }
            }
        }
    }
}

/// The rests of the paths that go through a segment.
fn below<'p>(failures: &[&'p [PathSegment]], here: impl Fn(&PathSegment) -> bool) -> Vec<&'p [PathSegment]> {
    let through = failures.iter().filter_map(|path| path.split_first());
    through.filter(|(first, _)| here(first)).map(|(_, rest)| rest).collect()
}
