//! The GraphQL API: types, resolvers, pages, limits. Resolvers hold no SQL; they ask the store's questions.
//!
//! Every request reads one version of the data: [`execute`] takes a snapshot and hands it, with the loaders that batch
//! nested fields, to the resolvers ([`sight`]). Jobs and what else belongs to no version are read as they are now, and an answer that
//! holds any of them is not kept. Mutations write through [`crate::jobs`] alone.

mod answers;
mod batch;
mod caller;
mod chart_loaders;
mod content_loaders;
mod cost;
mod diff;
mod documents;
mod duration;
mod entity_query;
mod error;
mod expansion;
mod filter;
mod forge_loaders;
mod id;
mod job_loaders;
mod job_query;
mod limits;
mod loaders;
mod meaning_loaders;
mod mutation;
mod nesting;
mod nodes;
mod order;
mod pagination;
mod payload;
mod query;
mod scalars;
mod sibling_loaders;
mod sight;
mod subscription;
mod tokens;
mod trend;
mod types;
mod validation;

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Error, ID, MergedObject, Request, Response, SDLExportOptions, Value};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::jobs::Service;
use crate::model::JobId;
use crate::store::{Reader, Snapshot, StoreError};
use cost::Cost;
use limits::exceeded;
use sight::Sight;

pub use caller::Caller;
pub use documents::{DocumentId, Documents, DocumentsError, is_named};
pub use limits::{BODY_BYTES, Limit, Limits};
pub use order::{field_type, find as find_operation, root_type};
pub use subscription::answers;

/// The types with their resolvers.
type Resolvers = async_graphql::Schema<Query, mutation::Mutation, subscription::Subscription>;

/// The schema with its resolvers, and what requests may ask of it.
#[derive(Clone)]
pub struct Schema {
    resolvers: Resolvers,
    limits: Limits,
    documents: Documents,
}

impl Deref for Schema {
    type Target = Resolvers;

    fn deref(&self) -> &Resolvers {
        &self.resolvers
    }
}

impl Schema {
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same schema, which knows these documents.
    #[must_use]
    pub fn knowing(mut self, documents: Documents) -> Self {
        self.documents = documents;
        self
    }

    /// Lets a request in by its text, before anybody parses it. One that names its document has its text then.
    ///
    /// # Errors
    /// The response to a request whose document is too large, not known, or not trusted.
    fn admit(&self, request: &mut Request) -> Result<(), Box<Response>> {
        self.check_text(&request.query)
            .and_then(|()| self.documents.resolve(request))
            .and_then(|()| nesting::check(&request.query, &request.variables))
            .map_err(|refused| Box::new(failed(refused)))
    }

    fn check_text(&self, text: &str) -> Result<(), Error> {
        self.limits.check(Limit::DocumentBytes, text.len() as u64, |most| {
            format!("the document has {} bytes; at most {most} are allowed", text.len())
        })?;
        self.limits.check(Limit::Tokens, tokens::measure(text).count, |most| {
            format!("the document has more than {most} tokens")
        })
    }
}

/// The questions that can be asked. All fields of one request see the same version of the data; jobs, and what else belongs to none, are
/// as they are now.
#[derive(MergedObject, Default)]
pub struct Query(
    query::DataQuery,
    entity_query::EntityQuery,
    trend::TrendQuery,
    answers::AnswerQuery,
    job_query::JobQuery,
);

/// The schema. Without `jobs`, a process that only reads, mutations and questions about the server itself are refused.
pub fn schema(jobs: Option<Service>, limits: Limits) -> Schema {
    Schema { resolvers: builder().data(jobs).data(limits).finish(), limits, documents: Documents::default() }
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
pub async fn execute(schema: &Schema, reader: &Reader, mut request: Request) -> Response {
    let cost = Cost::wanted(&request);
    let metered = cost.as_ref().map(|cost| cost.reader(reader));
    let reader = metered.as_ref().unwrap_or(reader);
    match schema.admit(&mut request).and_then(|()| Prepared::new(schema, request)) {
        Ok(prepared) => match reader.recent_snapshot().await {
            Ok(snapshot) => {
                let complexity = prepared.complexity;
                let mut response = prepared.run(schema, reader, snapshot).await.0;
                if let Some(cost) = cost {
                    cost.tell(&mut response, complexity);
                }
                response
            }
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
    schema.admit(&mut request).map_err(|refused| *refused)?;
    let cost = Cost::wanted(&request);
    let metered = cost.as_ref().map(|cost| cost.reader(reader));
    let reader = metered.as_ref().unwrap_or(reader);
    let snapshot = match reader.recent_snapshot().await {
        Ok(snapshot) => snapshot,
        // What is wrong with the request comes first: its sender can mend that.
        Err(failure) => {
            return Err(Prepared::new(schema, request).err().map_or_else(|| unanswered(failure), |refused| *refused));
        }
    };
    let key = request_key(&request);
    if let Some(key) = &key
        && let Some(kept) = snapshot.kept(key).await
    {
        return match cost {
            // To tell its complexity, it has to be measured again.
            Some(cost) => Prepared::new(schema, request)
                .map(|prepared| cost.beside(&kept, prepared.complexity, true))
                .map_err(|refused| *refused),
            None => Ok(kept),
        };
    }
    let key = key.filter(|_| would_query(&mut request));
    let prepared = Prepared::new(schema, request).map_err(|refused| *refused)?;
    let complexity = prepared.complexity;
    let (mut response, is_of_present) = prepared.run(schema, reader, snapshot.clone()).await;
    if response.is_err() {
        if let Some(cost) = cost {
            cost.tell(&mut response, complexity);
        }
        return Err(response);
    }
    let json = serde_json::to_vec(&response).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        failed(error::error(error::Code::Internal, "the answer cannot be written"))
    })?;
    if let Some(key) = key.filter(|_| !is_of_present) {
        snapshot.keep(&key, json.clone()).await;
    }
    Ok(cost.map_or_else(|| json.clone(), |cost| cost.beside(&json, complexity, false)))
}

/// Whether the operation that would run is a query: not a mutation, nor a subscription.
///
/// # Errors
/// The response to a request that is not let in.
pub fn is_query(schema: &Schema, request: &mut Request) -> Result<bool, Box<Response>> {
    schema.admit(request)?;
    Ok(would_query(request))
}

fn would_query(request: &mut Request) -> bool {
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
    complexity: u64,
}

impl Prepared {
    /// # Errors
    /// The response to a request that is not run.
    fn new(schema: &Schema, mut request: Request) -> Result<Self, Box<Response>> {
        let invalid = |error| Box::new(error::with_codes(Response::from_errors(vec![error])));
        let mut document = request.parsed_query().cloned().map_err(invalid)?;
        validation::show_directives(&mut document);
        request.set_parsed_query(document.clone());
        let complexity = expansion::check(&document, &request.variables, &schema.limits);
        let complexity = complexity.map_err(|too_large| Box::new(failed(too_large)))?;
        if let Some(missing) = missing_variable(&request, &document) {
            return Err(Box::new(refusal(&missing)));
        }
        let operation = order::find(&document, request.operation_name.as_deref());
        validation::check_values(&document, operation, &request.variables).map_err(invalid)?;
        Ok(Self { request, document, complexity })
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
    failed(error::from_store(failure))
}

/// The response to a request that failed as a whole.
fn failed(error: Error) -> Response {
    let mut error = error.into_server_error(Default::default());
    // It belongs to no place in the document; places are counted from 1.
    error.locations.clear();
    Response::from_errors(vec![error])
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

/// The answer to an operation for which its socket has no room.
pub fn too_many_operations() -> Response {
    let maximum = Limit::SocketOperations.usual();
    let message = format!("a socket runs {maximum} operations at once; complete one first");
    failed(exceeded(Limit::SocketOperations, None, maximum, message))
}

/// The answer to a request of a client that has too many running already.
pub fn too_many_at_once(limits: &Limits) -> Response {
    let maximum = limits.maximum(Limit::ConcurrentRequests);
    let message = format!("{maximum} requests from your address are running; wait for one of them");
    failed(exceeded(Limit::ConcurrentRequests, None, maximum, message))
}

/// The answer to a request with too large a body.
pub fn too_large_a_body() -> Response {
    let maximum = Limit::BodyBytes.usual();
    failed(exceeded(Limit::BodyBytes, None, maximum, format!("the body of a request has at most {maximum} bytes")))
}

/// The answer to a request whose text is no JSON that can be read, if it is nested too deeply for that.
pub fn too_nested(json: &str) -> Option<Response> {
    nesting::check_json(json).err().map(failed)
}

/// The answer to a request that is not run.
pub fn refusal(message: &str) -> Response {
    failed(error::bad_input(message))
}
