//! ClickHouse's HTTP interface, as far as the `clickhouse` crate and a person with `curl` use it.

use super::authentication::Authentication;
use super::host::Host;
use super::request::{self, Task};
use super::{insert, query};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

/// What every handler gets.
#[derive(Clone)]
pub(super) struct Context {
    pub host: Arc<Host>,
    pub authentication: Option<Arc<Authentication>>,
}

/// `/ping` and `/`; the limit of the body does not hold for the rows of an insert.
pub(super) fn router(context: Context) -> Router {
    Router::new()
        .route("/ping", get(async || "Ok.\n"))
        .route("/", get(statement).post(statement))
        // Statements are measured where they are read; rows are streamed.
        .layer(DefaultBodyLimit::disable())
        .with_state(context)
}

async fn statement(State(context): State<Context>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let refusal = context.authentication.and_then(|authentication| authentication.refusal(&parts));
    if let Some(refusal) = refusal {
        return refusal;
    }
    let answered = match request::read(Request::from_parts(parts, body)).await {
        Ok(Task::Query(request)) => query::answer(context.host, request).await,
        Ok(Task::Insert(request, rows)) => insert::store(context.host, request, rows).await,
        Err(exception) => Err(exception),
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}
