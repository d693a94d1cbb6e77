//! What the library's own validation passes over.
//!
//! It does not look at `__typename`, nor at all values: a number that is too large for its type, a text that is no time, or a text in place of
//! an input object would only be noticed when a field asks for it, with other fields answered or changed already. The specification wants
//! such a request refused as a whole (<https://spec.graphql.org/October2021/#sec-Values-of-Correct-Type>).

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, DocumentOperations, ExecutableDocument, Field, InlineFragment, InputValueDefinition, OperationDefinition,
    Selection, SelectionSet, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{InputType, InputValueError, Name, Pos, Positioned, ServerError, Value, Variables};

use super::duration::Duration;
use super::expansion::innermost;
use super::order::{field_type, root_type};
use super::scalars::{DateTime, Long};

/// Arguments, or fields of an input object, by name.
type Inputs = HashMap<Name, Type>;

#[derive(Default)]
struct Known {
    /// By the type that has the field, and the field.
    arguments: HashMap<(Name, Name), Inputs>,
    objects: HashMap<Name, Inputs>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(known);

fn known() -> Known {
    let mut known = Known::default();
    let inputs = |definitions: Vec<Positioned<InputValueDefinition>>| -> Inputs {
        definitions.into_iter().map(|input| (input.node.name.node, input.node.ty.node)).collect()
    };
    for definition in parse_schema(super::sdl()).map(|schema| schema.definitions).unwrap_or_default() {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node;
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            TypeKind::InputObject(object) => {
                known.objects.insert(name, inputs(object.fields));
                continue;
            }
            _ => continue,
        };
        for field in fields {
            known.arguments.insert((name.clone(), field.node.name.node), inputs(field.node.arguments));
        }
    }
    known
}

/// Puts each `__typename` with directives into a fragment that has them in its place: it means the same, and validation sees them. A variable
/// that only they use would count as unused.
pub fn show_directives(document: &mut ExecutableDocument) {
    let fragments = document.fragments.values_mut().map(|fragment| &mut fragment.node.selection_set.node);
    fragments.for_each(show_directives_in);
    match &mut document.operations {
        DocumentOperations::Single(operation) => show_directives_in(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| show_directives_in(&mut operation.node.selection_set.node));
        }
    }
}

fn show_directives_in(selection: &mut SelectionSet) {
    for item in &mut selection.items {
        match &mut item.node {
            Selection::Field(field) if field.node.name.node == "__typename" && !field.node.directives.is_empty() => {
                let place = item.pos;
                let directives = std::mem::take(&mut field.node.directives);
                let items = vec![Positioned::new(Selection::Field(field.clone()), place)];
                let selection_set = Positioned::new(SelectionSet { items }, place);
                let fragment = InlineFragment { type_condition: None, directives, selection_set };
                item.node = Selection::InlineFragment(Positioned::new(fragment, place));
            }
            Selection::Field(field) => show_directives_in(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => show_directives_in(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Looks at the values of a document, and at those of the variables of the operation that would run.
///
/// # Errors
/// The first value that its type does not take, of those that the library's validation lets pass.
pub fn check_values(
    document: &ExecutableDocument,
    operation: Option<&OperationDefinition>,
    variables: &Variables,
) -> Result<(), ServerError> {
    for definition in operation.iter().flat_map(|operation| &operation.variable_definitions) {
        let name = &definition.node.name.node;
        let default = definition.node.default_value.as_ref().map(|default| &default.node);
        for value in [variables.get(name), default].into_iter().flatten() {
            check_value(&format!("${name}"), value, &definition.node.var_type.node, definition.pos)?;
        }
    }
    for (_, operation) in document.operations.iter() {
        check_selection(&operation.node.selection_set.node, Some(root_type(&operation.node)))?;
    }
    document.fragments.values().try_for_each(|fragment| {
        let of = fragment.node.type_condition.node.on.node.as_str();
        check_selection(&fragment.node.selection_set.node, Some(of))
    })
}

fn check_selection(selection: &SelectionSet, of: Option<&str>) -> Result<(), ServerError> {
    selection.items.iter().try_for_each(|item| match &item.node {
        Selection::Field(field) => {
            of.map_or(Ok(()), |of| check_arguments(&field.node, of))?;
            let below = of.and_then(|of| field_type(of, &field.node.name.node)).map(innermost);
            check_selection(&field.node.selection_set.node, below)
        }
        Selection::InlineFragment(fragment) => {
            let of = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str()).or(of);
            check_selection(&fragment.node.selection_set.node, of)
        }
        Selection::FragmentSpread(_) => Ok(()),
    })
}

fn check_arguments(field: &Field, of: &str) -> Result<(), ServerError> {
    let Some(known) = KNOWN.arguments.get(&(Name::new(of), field.name.node.clone())) else { return Ok(()) };
    for (name, value) in &field.arguments {
        let Some(of) = known.get(&name.node) else { continue };
        // Variables are looked at by themselves.
        let value = value.node.clone().into_const_with(|_| Ok::<_, ServerError>(Value::Null))?;
        check_value(&name.node, &value, of, name.pos)?;
    }
    Ok(())
}

fn check_value(what: &str, value: &Value, of: &Type, place: Pos) -> Result<(), ServerError> {
    match (value, &of.base) {
        (Value::Null, _) => Ok(()),
        (Value::List(items), BaseType::List(of)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check_value(&format!("{what}.{index}"), item, of, place))
        }
        // It stands for a list of one.
        (one, BaseType::List(of)) => check_value(what, one, of, place),
        (value, BaseType::Named(name)) => match (value, KNOWN.objects.get(name)) {
            (Value::Object(fields), Some(known)) => fields.iter().try_for_each(|(field, value)| {
                known.get(field).map_or(Ok(()), |of| check_value(&format!("{what}.{field}"), value, of, place))
            }),
            (_, Some(_)) => Err(ServerError::new(format!("`{what}` has to be an object, a `{name}`"), Some(place))),
            (leaf, None) => check_leaf(what, leaf, name, place),
        },
    }
}

fn check_leaf(what: &str, value: &Value, of: &Name, place: Pos) -> Result<(), ServerError> {
    match of.as_str() {
        "DateTime" => check_as::<DateTime>(what, value, place),
        "Duration" => check_as::<Duration>(what, value, place),
        "Long" => check_as::<Long>(what, value, place),
        "Int" => check_as::<i32>(what, value, place),
        _ => Ok(()),
    }
}

fn check_as<T: InputType>(what: &str, value: &Value, place: Pos) -> Result<(), ServerError> {
    let fault = |fault: InputValueError<T>| {
        let mut fault = fault.into_server_error(place);
        fault.message = format!("`{what}`: {}", fault.message);
        fault
    };
    T::parse(Some(value.clone())).map(|_| ()).map_err(fault)
}
