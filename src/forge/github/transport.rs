//! How requests reach a forge: TLS with the system's authorities, and a proxy where there is one.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioIo};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use crate::forge::ForgeError;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn Error + Send + Sync>;

/// What stands between us and https URLs.
#[derive(Clone)]
pub struct Proxy {
    /// http, https, socks5 or socks5h, with user name and password where it wants them.
    pub url: Url,
    /// Hosts that are reached without it, as the variable `NO_PROXY` lists them.
    pub exceptions: String,
}

/// octocrab over our own transport: its own one follows redirects by itself, past the gate, and logs every failure as an error.
pub(super) fn octocrab(
    authorization: Option<HeaderValue>,
    api: Uri,
    proxy: Option<&Proxy>,
    failed: &dyn Fn(String) -> ForgeError,
) -> Result<Octocrab, ForgeError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = tls(failed)?;
    let matcher = proxy.map(|proxy| Matcher::builder().https(proxy.url.as_str()).no(proxy.exceptions.as_str()).build());
    let route = Route { proxy: matcher.map(Arc::new), to_proxy: over_tls(tls.clone(), tcp.clone()), tcp };
    let transport = legacy::Client::builder(TokioExecutor::new()).build(over_tls(tls, route));
    let built = OctocrabBuilder::new_empty()
        .with_service(transport)
        .with_layer(&AuthHeaderLayer::new(authorization, api.clone(), api))
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(octocrab) => Ok(octocrab),
        Err(never) => match never {},
    }
}

fn tls(failed: &dyn Fn(String) -> ForgeError) -> Result<ClientConfig, ForgeError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authorities = rustls::RootCertStore::empty();
    // Single certificates of a system may be broken; the others count.
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| failed(format!("no TLS: {error}")))?;
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

fn over_tls<Connector>(tls: ClientConfig, connector: Connector) -> HttpsConnector<Connector> {
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector)
}

/// Opens connections on which TLS begins: to the host itself, or through the proxy.
#[derive(Clone)]
struct Route {
    tcp: HttpConnector,
    proxy: Option<Arc<Matcher>>,
    to_proxy: HttpsConnector<HttpConnector>,
}

impl Route {
    async fn through(&self, proxy: &Intercept, uri: Uri) -> Result<Stream, Failure> {
        let to = proxy.uri().clone();
        let is_local = match to.scheme_str() {
            Some("socks5") => true,
            Some("socks5h") => false,
            _ => {
                let mut tunnel = Tunnel::new(to, self.to_proxy.clone());
                if let Some(authorization) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                return Ok(tunnel.call(uri).await?);
            }
        };
        let mut socks = SocksV5::new(to, self.tcp.clone()).local_dns(is_local);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        Ok(socks.call(uri).await?.into())
    }
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // None of the connectors within has a limit.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut route = self.clone();
        Box::pin(async move {
            let Some(proxy) = route.proxy.as_ref().and_then(|proxy| proxy.intercept(&uri)) else {
                return Ok(route.tcp.call(uri).await?.into());
            };
            route.through(&proxy, uri).await.map_err(|error| {
                let name = proxy.uri().authority().map_or("", http::uri::Authority::as_str);
                io::Error::other(format!("the proxy {name}: {}", innermost(error.as_ref()))).into()
            })
        })
    }
}

/// The cause that helps.
pub(super) fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
