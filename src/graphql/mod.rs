//! The GraphQL API: types, resolvers, pages, limits. Resolvers hold no SQL; they ask the store's questions.
//!
//! Every request reads one version of the data: [`execute`] takes a snapshot and hands it, with the loaders that batch
//! nested fields, to the resolvers ([`sight`]). Jobs and what else belongs to no version are read as they are now, and an answer that
//! holds any of them is not kept. Mutations write through [`crate::jobs`] alone.

mod batch;
mod bucket;
mod caller;
mod chart_loaders;
mod content_loaders;
mod diff;
mod entity_query;
mod error;
mod expansion;
mod filter;
mod forge_loaders;
mod id;
mod job_loaders;
mod job_query;
mod loaders;
mod meaning_loaders;
mod mutation;
mod nodes;
mod order;
mod pagination;
mod payload;
mod query;
mod scalars;
mod sibling_loaders;
mod sight;
mod subscription;
mod types;

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{ID, MergedObject, Request, Response, SDLExportOptions, Value};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::jobs::Service;
use crate::model::JobId;
use crate::store::{Reader, Snapshot, StoreError};
use sight::Sight;

pub use caller::Caller;
pub use order::{field_type, find as find_operation, root_type};
pub use subscription::answers;

/// The schema with its resolvers.
pub type Schema = async_graphql::Schema<Query, mutation::Mutation, subscription::Subscription>;

/// The questions that can be asked. All fields of one request see the same version of the data; jobs, and what else belongs to none, are
/// as they are now.
#[derive(MergedObject, Default)]
pub struct Query(query::DataQuery, entity_query::EntityQuery, job_query::JobQuery);

/// Fields may nest this deep. Introspection, as GraphiQL sends it, needs 15.
const MAX_DEPTH: usize = 20;
/// Fields that one document may select, fragments spread.
const MAX_FIELDS: usize = 2_000;

/// The schema. Without `jobs`, a process that only reads, mutations and questions about the server itself are refused.
pub fn schema(jobs: Option<Service>) -> Schema {
    builder().limit_depth(MAX_DEPTH).data(jobs).finish()
}

/// The schema in the schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let options = options.include_specified_by().use_space_ident();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Query, mutation::Mutation, subscription::Subscription> {
    async_graphql::Schema::build(Query::default(), mutation::Mutation, subscription::Subscription)
        .register_output_type::<types::Node>()
        // The library's own types have no description.
        .override_output_type_description::<ID>("An opaque text that names one thing for ever.")
        .override_output_type_description::<types::RepositoryConnection>("A page of repositories.")
        .override_output_type_description::<types::ResourceConnection>("A page of resources.")
        .override_output_type_description::<types::EventConnection>("A page of events.")
        .override_output_type_description::<types::ChartConnection>("A page of charts.")
        .override_output_type_description::<types::ImageConnection>("A page of container images.")
        .override_output_type_description::<types::ReferenceConnection>("A page of references.")
        .override_output_type_description::<types::MetricsConnection>("A page of snapshots.")
        .override_output_type_description::<types::JobConnection>("A page of jobs.")
        .override_output_type_description::<types::FailureConnection>("A page of files that could not be read.")
        .override_output_type_description::<types::VersionChangeConnection>("A page of changes of chart versions.")
}

/// Runs a request against one version of the data.
pub async fn execute(schema: &Schema, reader: &Reader, request: Request) -> Response {
    match Prepared::new(request) {
        Ok(prepared) => match reader.recent_snapshot().await {
            Ok(snapshot) => prepared.run(schema, reader, snapshot).await.0,
            Err(error) => unanswered(error),
        },
        Err(refused) => *refused,
    }
}

/// The answer to a query as JSON; or the response, when something went wrong.
///
/// An answer without errors depends on nothing but the request and the version of the data, so it is kept, and the same
/// request is answered from memory until something is published, without being parsed or resolved again. Not so an answer with anything
/// that belongs to no version: it is made anew every time.
///
/// # Errors
/// The response, when it has errors.
pub async fn answer(schema: &Schema, reader: &Reader, mut request: Request) -> Result<Bytes, Response> {
    let snapshot = match reader.recent_snapshot().await {
        Ok(snapshot) => snapshot,
        // What is wrong with the request comes first: its sender can mend that.
        Err(failure) => {
            return Err(Prepared::new(request).err().map_or_else(|| unanswered(failure), |refused| *refused));
        }
    };
    let key = request_key(&request);
    if let Some(key) = &key
        && let Some(kept) = snapshot.kept(key).await
    {
        return Ok(kept);
    }
    let key = key.filter(|_| is_query(&mut request));
    let (response, is_of_present) = match Prepared::new(request) {
        Ok(prepared) => prepared.run(schema, reader, snapshot.clone()).await,
        Err(refused) => return Err(*refused),
    };
    if response.is_err() {
        return Err(response);
    }
    let json = serde_json::to_vec(&response).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Response::from_errors(vec![
            error::error(error::Code::Internal, "the answer cannot be written").into_server_error(Default::default()),
        ])
    })?;
    if let Some(key) = key.filter(|_| !is_of_present) {
        snapshot.keep(&key, json.clone()).await;
    }
    Ok(json)
}

/// Whether the operation that would run is a query: not a mutation, nor a subscription.
pub fn is_query(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return true };
    document.operations.iter().all(|(operation_name, operation)| {
        let meant = name.as_deref().is_none_or(|name| operation_name.is_some_and(|this| this == name));
        !meant || operation.node.ty == OperationType::Query
    })
}

/// All that an answer depends on, beside the data; `None` when it cannot be written down.
fn request_key(request: &Request) -> Option<String> {
    serde_json::to_string(&(&request.operation_name, &request.variables, &request.query)).ok()
}

/// A request that may be run.
struct Prepared {
    request: Request,
    document: ExecutableDocument,
}

impl Prepared {
    /// # Errors
    /// The response to a request that is not run.
    fn new(mut request: Request) -> Result<Self, Box<Response>> {
        let document = match request.parsed_query() {
            Ok(document) => document.clone(),
            Err(error) => return Err(Box::new(error::with_codes(Response::from_errors(vec![error])))),
        };
        if let Err(too_large) = expansion::check(&document, MAX_FIELDS) {
            return Err(Box::new(Response::from_errors(vec![too_large.into_server_error(Default::default())])));
        }
        match missing_variable(&request, &document) {
            Some(missing) => Err(Box::new(refusal(&missing))),
            None => Ok(Self { request, document }),
        }
    }

    /// The response, and whether it holds anything of the present, which belongs to no version of the data.
    async fn run(self, schema: &Schema, reader: &Reader, snapshot: Snapshot) -> (Response, bool) {
        let operation = self.request.operation_name.clone();
        let (spawner, tasks) = batch::channel();
        let sight = Arc::new(Sight::new(reader, snapshot, spawner));
        let response = tasks.run_beside(schema.execute(self.request.data(sight.clone()))).await;
        let response = error::with_codes(order::in_query_order(response, &self.document, operation.as_deref()));
        (response, sight.present().was_asked())
    }

    /// The first answer of a subscription; none when it has none to give.
    async fn run_event(self, schema: &Schema, reader: &Reader, snapshot: Snapshot) -> Option<Response> {
        let operation = self.request.operation_name.clone();
        let (spawner, tasks) = batch::channel();
        let sight = Arc::new(Sight::new(reader, snapshot, spawner));
        let mut responses = schema.execute_stream(self.request.data(sight));
        let response = tasks.run_beside(responses.next()).await?;
        Some(error::with_codes(order::in_query_order(response, &self.document, operation.as_deref())))
    }
}

/// A job's id, as the API writes it.
pub fn global_id_of_job(id: JobId) -> String {
    id::encode(id::NodeType::Job, id.0).to_string()
}

fn unanswered(failure: StoreError) -> Response {
    Response::from_errors(vec![error::from_store(failure).into_server_error(Default::default())])
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

/// The answer to a request that is not run because there are too many already.
pub fn too_many(message: &str) -> Response {
    Response::from_errors(vec![
        error::error(error::Code::ResourceExhausted, message).into_server_error(Default::default()),
    ])
}

/// The answer to a request that is not run.
pub fn refusal(message: &str) -> Response {
    Response::from_errors(vec![error::bad_input(message).into_server_error(Default::default())])
}
