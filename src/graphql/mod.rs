//! The GraphQL API: types, resolvers, pages, limits. Resolvers hold no SQL; they ask the store's questions.
//!
//! Every request reads one version of the data: [`execute`] takes a snapshot and hands it, with the loaders that batch
//! nested fields, to the resolvers.

mod batch;
mod bucket;
mod error;
mod expansion;
mod filter;
mod id;
mod loaders;
mod order;
mod pagination;
mod query;
mod scalars;
mod types;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{EmptyMutation, EmptySubscription, ID, Request, Response, SDLExportOptions, Value};

use crate::store::Reader;

pub use order::{field_type, find as find_operation, root_type};

/// The schema with its resolvers.
pub type Schema = async_graphql::Schema<query::Query, EmptyMutation, EmptySubscription>;

/// Fields may nest this deep. Introspection, as GraphiQL sends it, needs 15.
const MAX_DEPTH: usize = 20;
/// Fields that one document may select, fragments spread.
const MAX_FIELDS: usize = 2_000;

/// The schema over a reader.
pub fn schema(reader: Reader) -> Schema {
    builder().limit_depth(MAX_DEPTH).data(reader).finish()
}

/// The schema in the schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let options = options.include_specified_by().use_space_ident();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<query::Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(query::Query, EmptyMutation, EmptySubscription)
        .register_output_type::<types::Node>()
        // The library's own types have no description.
        .override_output_type_description::<ID>("An opaque text that names one thing for ever.")
        .override_output_type_description::<types::RepositoryConnection>("A page of repositories.")
        .override_output_type_description::<types::ResourceConnection>("A page of resources.")
        .override_output_type_description::<types::EventConnection>("A page of events.")
        .override_output_type_description::<types::FailureConnection>("A page of files that could not be read.")
}

/// Runs a request against one version of the data.
pub async fn execute(schema: &Schema, reader: &Reader, mut request: Request) -> Response {
    let document = match request.parsed_query() {
        Ok(document) => document.clone(),
        // Executing it says what is wrong with it.
        Err(_) => return error::with_codes(schema.execute(request).await),
    };
    if let Err(too_large) = expansion::check(&document, MAX_FIELDS) {
        return Response::from_errors(vec![too_large.into_server_error(Default::default())]);
    }
    let operation = request.operation_name.clone();
    if let Some(missing) = missing_variable(&request, &document) {
        return refusal(&missing);
    }
    match reader.snapshot().await {
        Ok(snapshot) => {
            let (spawner, tasks) = batch::channel();
            let loaders = loaders::Loaders::new(&snapshot, &spawner);
            let response = tasks.run_beside(schema.execute(request.data(snapshot).data(loaders))).await;
            error::with_codes(order::in_query_order(response, &document, operation.as_deref()))
        }
        Err(error) => Response::from_errors(vec![error::from_store(error).into_server_error(Default::default())]),
    }
}

/// What to say when a variable that must have a value has none. The executor notices only when a field asks for it.
fn missing_variable(request: &Request, document: &ExecutableDocument) -> Option<String> {
    let operation = order::find(document, request.operation_name.as_deref())?;
    let missing = operation.variable_definitions.iter().map(|definition| &definition.node).find(|definition| {
        let given = request.variables.get(&definition.name.node).is_some_and(|value| *value != Value::Null);
        !given && !definition.var_type.node.nullable && definition.default_value.is_none()
    })?;
    Some(format!("the variable `${}` needs a value of type `{}`", missing.name.node, missing.var_type.node))
}

/// The answer to a request that is not run.
pub fn refusal(message: &str) -> Response {
    Response::from_errors(vec![error::bad_input(message).into_server_error(Default::default())])
}
