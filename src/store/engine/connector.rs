//! The client's end: the unmodified `clickhouse` crate over a Unix socket.

use clickhouse::{Client, Compression};
use http::Uri;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::UnixStream;
use tower_service::Service;

// The host is for the HTTP header only; the connector goes to the socket whatever the URL says.
const URL: &str = "http://engine.local";

/// A client of the engine that serves `socket`, also after that engine was restarted. Connects on the first use.
pub fn client(socket: &Path) -> Client {
    let connector = UnixConnector { socket: socket.into() };
    let transport = legacy::Client::builder(TokioExecutor::new()).build(connector);
    // Nothing is gained by compressing what never leaves the machine's memory.
    Client::with_http_client(transport).with_url(URL).with_compression(Compression::None)
}

/// Opens connections to one socket.
#[derive(Debug, Clone)]
pub struct UnixConnector {
    socket: Arc<Path>,
}

impl Service<Uri> for UnixConnector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let socket = Arc::clone(&self.socket);
        Box::pin(async move {
            // A long path is a symlink to a short one; followed here, because the system would count the long
            // one's bytes, and each time, because a restarted engine may have another.
            let target = fs::read_link(&socket);
            let stream = UnixStream::connect(target.as_deref().unwrap_or(&socket)).await;
            stream.map(TokioIo::new).map_err(|error| {
                let reason = format!("the embedded engine does not answer at {}: {error}", socket.display());
                io::Error::new(error.kind(), reason)
            })
        })
    }
}
