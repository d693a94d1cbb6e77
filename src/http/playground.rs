//! The built playground, served from its folder.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, Redirect};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::Context;

/// Everything comes from this origin: scripts, workers, fonts, requests. GraphiQL's editor sets styles and uses data: images
/// and fonts.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MISSING: &str = "<!doctype html><title>kubestats</title><p>The playground is not built. \
     <code>make setup</code> builds it; the API answers at <code>/graphql</code>.";

/// Routes under `/playground/`.
pub fn routes(folder: Option<&Path>) -> Router<Context> {
    let router = Router::new().route("/playground", get(|| async { Redirect::permanent("/playground/") }));
    let router = match folder {
        Some(folder) => router.nest_service("/playground/", ServeDir::new(folder)),
        None => router.route("/playground/", get(|| async { (StatusCode::NOT_FOUND, Html(MISSING)) })),
    };
    router
        .layer(header_layer(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(header::REFERRER_POLICY, "no-referrer"))
        // Names of assets hold a hash of their content, but the page that names them does not.
        .layer(header_layer(header::CACHE_CONTROL, "no-cache"))
        .layer(CompressionLayer::new())
}

fn header_layer(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
