//! The HTTP server: GraphQL by request and by socket, webhooks of forges, the playground, health.

mod caller;
mod graphql;
mod incoming;
mod peers;
mod playground;
mod socket;
mod webhook;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::trace::TraceLayer;

use crate::graphql::{BODY_BYTES, Limit, Schema};
use crate::jobs::Service;
use crate::store::Reader;
use peers::Peers;
use socket::Sockets;

/// Time that requests get to be answered when the server is asked to end.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// Time that sockets get to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What handlers share.
#[derive(Clone)]
pub struct Context {
    pub schema: Schema,
    pub reader: Reader,
    /// The writing half; `None` where there is none.
    pub jobs: Option<Service>,
    /// What GitHub signs its deliveries with; `None`: there is no webhook.
    pub webhook_secret: Option<Arc<str>>,
    /// Folder of the built playground; `None` when there is none.
    pub playground: Option<PathBuf>,
}

/// Serves all routes until `shutdown` is ready and the requests that are running then are answered, for at most ten seconds; sockets are
/// closed then.
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
    let sockets = Sockets::new(requests(&context));
    let service = with_sockets(context, sockets.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let closing = sockets.clone();
    let (ending, ended) = oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        closing.close();
        // Whoever waits for it is gone where the server failed.
        let _ = ending.send(());
    };
    // A client that neither goes on nor goes away must not keep the process.
    let late = async move {
        if ended.await.is_err() {
            return std::future::pending().await;
        }
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    let served = tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(shutdown).into_future() => served,
        () = late => {
            tracing::warn!("requests that did not end are cut off");
            Ok(())
        }
    };
    sockets.close();
    sockets.closed(GOODBYE).await;
    served
}

/// All routes. Who a request comes from is read from its extension `ConnectInfo<SocketAddr>`.
pub fn router(context: Context) -> Router {
    let requests = requests(&context);
    with_sockets(context, Sockets::new(requests))
}

/// The requests that run, by the addresses they came from.
fn requests(context: &Context) -> Peers {
    let most = context.schema.limits().maximum(Limit::ConcurrentRequests);
    Peers::new(usize::try_from(most).unwrap_or(usize::MAX))
}

fn with_sockets(context: Context, sockets: Sockets) -> Router {
    let requests = sockets.requests().clone();
    let ask = get(move |state, request| graphql::get(state, sockets, request))
        .post(move |state, request| graphql::post(state, requests, request));
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/playground/") }))
        .route("/graphql", ask)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(webhook::routes(context.webhook_secret.as_ref()))
        .merge(playground::routes(context.playground.as_deref()))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES))
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
