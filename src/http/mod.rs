//! The HTTP server: GraphQL, the playground, health.

mod graphql;
mod playground;

use std::future::Future;
use std::io;
use std::path::PathBuf;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::trace::TraceLayer;

use crate::graphql::Schema;
use crate::store::Reader;

/// Bytes that the body of a request may have.
const MAX_BODY: usize = 1 << 20;

/// What handlers share.
#[derive(Clone)]
pub struct Context {
    pub schema: Schema,
    pub reader: Reader,
    /// Folder of the built playground; `None` when there is none.
    pub playground: Option<PathBuf>,
}

/// Serves all routes until `shutdown` is ready and the requests that are running then are answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    context: Context,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // The end of an answer would otherwise wait until its beginning is acknowledged: up to 40 ms on a connection that is
    // kept open.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    axum::serve(listener, router(context)).with_graceful_shutdown(shutdown).await
}

/// All routes.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/playground/") }))
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(playground::routes(context.playground.as_deref()))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        // Whoever handles a failure logs it; the layer would log it a second time.
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(context)
}

/// Ready when ClickHouse answers.
async fn ready(State(context): State<Context>) -> (StatusCode, &'static str) {
    match context.reader.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
