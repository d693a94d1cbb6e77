//! HTTP and HTTPS to a server.
//!
//! The `clickhouse` crate's own connector leaves Nagle's algorithm on: the last packet of an insert then waits for the
//! server's delayed acknowledgement, some 40 ms (95th percentile 47.8 ms against 5.5 ms).

use std::error::Error;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use clickhouse::Client;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use super::{ExternalOptions, StoreError};

/// Notices a server that vanished without a word.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// A server ends idle connections after 3 s or more; a request must not meet that end.
const IDLE: Duration = Duration::from_secs(2);

/// A client whose requests go to the server's URL.
pub(super) fn client(options: &ExternalOptions) -> Result<Client, StoreError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    // Shared out among the addresses of a name; the limit of everything is the connector's below.
    tcp.set_connect_timeout(Some(options.connect_timeout));
    let authorities = match options.url.scheme() {
        "https" => trusted(options.ca_file.as_deref())?,
        _ => RootCertStore::empty(),
    };
    let tls = tls(authorities)?;
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let connector = Connector { connector, limit: options.connect_timeout };
    let transport = legacy::Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
    Ok(Client::with_http_client(transport).with_url(options.url.as_str()))
}

fn tls(authorities: RootCertStore) -> Result<ClientConfig, StoreError> {
    // Named, not installed: no other part of the program can have chosen another one before.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| StoreError::Setting { key: "url", reason: format!("no TLS: {error}") })?;
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

/// The authorities in `ca_file`, or else the system's.
fn trusted(ca_file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let refused = |reason: String| StoreError::Setting { key: "ca_file", reason };
    let mut authorities = RootCertStore::empty();
    let Some(path) = ca_file else {
        // Single certificates of a system may be broken; the others count.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if authorities.is_empty() {
            return Err(refused("this system trusts no authority at all; name a file of some".to_owned()));
        }
        return Ok(authorities);
    };
    let failed = |error: &dyn Error| refused(format!("{}: {error}", path.display()));
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        authorities.add(certificate).map_err(|error| failed(&error))?;
    }
    if authorities.is_empty() {
        return Err(refused(format!("{}: it holds no certificate", path.display())));
    }
    Ok(authorities)
}

/// Opens connections, each within a limit, and says in plain words why one could not be opened.
#[derive(Clone)]
struct Connector {
    connector: HttpsConnector<HttpConnector>,
    /// For the name, TCP and TLS together.
    limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(|error| reason(error.as_ref()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.connector.call(uri), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(|error| reason(error.as_ref())),
                Err(_) => Err(io::Error::other(format!("no connection within {} s", limit.as_secs_f64()))),
            }
        })
    }
}

/// The one line that helps, from a chain of errors.
fn reason(error: &(dyn Error + 'static)) -> io::Error {
    let mut error = error;
    loop {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return io::Error::other(tls_reason(tls));
        }
        // The error inside one of the system's is no source of it.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inside.map(|inside| inside as &(dyn Error + 'static)).or(error.source()) {
            Some(cause) => error = cause,
            None => return io::Error::other(error.to_string()),
        }
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => {
            format!("its certificate is not accepted ({reason}); clickhouse.ca_file names a private authority")
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS; a port without TLS needs http://".to_owned(),
        other => format!("TLS: {other}"),
    }
}
