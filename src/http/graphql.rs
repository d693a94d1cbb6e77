//! GraphQL over HTTP: <https://graphql.github.io/graphql-over-http/draft/>. JSON by POST, queries alone by GET.

use std::net::IpAddr;

use async_graphql::{Request, Response, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;

use super::Context;
use super::caller::{caller, peer};
use super::incoming::Incoming;
use super::peers::Peers;
use super::socket::{self, Sockets};
use crate::graphql::{DocumentId, answer, is_named, is_query, refusal, too_large_a_body, too_many_at_once, too_nested};

const JSON: &str = "application/json";
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// `GET /graphql?query=…`: queries only, so that a link can change nothing. Or the beginning of a socket.
pub async fn get(
    State(context): State<Context>,
    sockets: Sockets,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, _) = request.into_parts();
    if socket::is_asked_for(&parts) {
        return socket::open(context, sockets, parts).await;
    }
    let Some(media_type) = negotiate(&parts.headers) else { return not_acceptable() };
    let request = match parse(parts.uri.query().unwrap_or_default()) {
        Ok(request) if has_document(&request) => request,
        Ok(_) => {
            return refuse(
                media_type,
                StatusCode::BAD_REQUEST,
                "the parameter `query` holds no GraphQL document, and `documentId` and `extensions` name none",
            );
        }
        Err(refused) => return respond(media_type, StatusCode::BAD_REQUEST, *refused),
    };
    let reply = Reply { context: &context, media_type, peer: peer(&parts) };
    reply.run(sockets.requests(), request, true).await
}

/// `POST /graphql` with a JSON body. Any other media type is refused: a browser may send some to a foreign site unasked.
pub async fn post(
    State(context): State<Context>,
    requests: Peers,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let Some(media_type) = negotiate(&parts.headers) else { return not_acceptable() };
    if !media_type_of(parts.headers.get(header::CONTENT_TYPE)).is_some_and(|sent| sent.eq_ignore_ascii_case(JSON)) {
        return refuse(media_type, StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the request as application/json");
    }
    let caller = caller(&parts);
    let reply = Reply { context: &context, media_type, peer: peer(&parts) };
    let body = match Bytes::from_request(axum::extract::Request::from_parts(parts, body), &()).await {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return respond(media_type, StatusCode::PAYLOAD_TOO_LARGE, too_large_a_body());
        }
        Err(rejection) => return rejection.into_response(),
    };
    match serde_json::from_slice::<Incoming>(&body).map(Request::from) {
        Ok(request) if has_document(&request) => reply.run(&requests, request.data(caller), false).await,
        _ => {
            let message = "the body is no GraphQL request: a JSON object with `query` (or `documentId`), and perhaps `variables` and `operationName`";
            respond(media_type, StatusCode::BAD_REQUEST, unreadable(&String::from_utf8_lossy(&body), message))
        }
    }
}

/// Whether a request says what is to be run.
fn has_document(request: &Request) -> bool {
    !request.query.is_empty() || is_named(request)
}

/// How a request is answered.
struct Reply<'c> {
    context: &'c Context,
    media_type: &'static str,
    /// Where it came from.
    peer: Option<IpAddr>,
}

impl Reply<'_> {
    async fn run(self, requests: &Peers, mut request: Request, queries_only: bool) -> axum::response::Response {
        let Context { schema, reader, .. } = self.context;
        let place = self.peer.map(|peer| requests.admit(peer));
        if matches!(place, Some(None)) {
            return respond(self.media_type, StatusCode::TOO_MANY_REQUESTS, too_many_at_once(schema.limits()));
        }
        if queries_only {
            match is_query(schema, &mut request) {
                Ok(true) => {}
                Ok(false) => {
                    let status = StatusCode::METHOD_NOT_ALLOWED;
                    let mut response = refuse(self.media_type, status, "GET runs queries only; use POST");
                    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
                    return response;
                }
                Err(refused) => return self.tell(*refused),
            }
        }
        match answer(schema, reader, request).await {
            Ok(json) => with_content_type(self.media_type, json.into_response()),
            Err(response) => self.tell(response),
        }
    }

    fn tell(&self, response: Response) -> axum::response::Response {
        // A document that could not be run at all is the client's mistake; with the older media type status 200 says only that
        // an answer is there.
        let status = match self.media_type {
            GRAPHQL_RESPONSE if never_began(&response) && is_clients_own(&response) => StatusCode::BAD_REQUEST,
            GRAPHQL_RESPONSE if never_began(&response) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::OK,
        };
        respond(self.media_type, status, response)
    }
}

/// The answer to a request whose JSON cannot be read.
fn unreadable(json: &str, message: &str) -> Response {
    too_nested(json).unwrap_or_else(|| refusal(message))
}

/// The request of a query string. The library's own parser knows no `operationName`.
///
/// # Errors
/// The answer when a parameter is no JSON.
fn parse(query: &str) -> Result<Request, Box<Response>> {
    let no_object =
        |json: &str| Box::new(unreadable(json, "the parameters `variables` and `extensions` take a JSON object"));
    let mut request = Request::new("");
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        match name.as_ref() {
            "query" => request.query = value.into_owned(),
            "operationName" => request.operation_name = Some(value.into_owned()),
            "variables" => request.variables = serde_json::from_str(&value).map_err(|_| no_object(&value))?,
            "documentId" => request = request.data(DocumentId(value.into_owned())),
            "extensions" => request.extensions = serde_json::from_str(&value).map_err(|_| no_object(&value))?,
            _ => {}
        }
    }
    Ok(request)
}

/// The media type of the answer; `None` when the client takes none of ours.
fn negotiate(headers: &HeaderMap) -> Option<&'static str> {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accepted = accepted.join(",");
    if accepted.trim().is_empty() {
        return Some(JSON);
    }
    let mut best = (0.0, None);
    for range in accepted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_type = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            GRAPHQL_RESPONSE => GRAPHQL_RESPONSE,
            JSON | "application/*" | "*/*" => JSON,
            _ => continue,
        };
        let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        // The first of those that are liked best.
        if quality > best.0 {
            best = (quality, Some(media_type));
        }
    }
    best.1
}

fn media_type_of(content_type: Option<&HeaderValue>) -> Option<&str> {
    content_type?.to_str().ok()?.split(';').next().map(str::trim)
}

/// A request that was refused, by us or before a field was asked.
pub(super) fn never_began(response: &Response) -> bool {
    response.is_err() && response.data == Value::Null && response.errors.iter().all(|error| error.path.is_empty())
}

/// Whether asking in another way would help.
fn is_clients_own(response: &Response) -> bool {
    let code = |error: &ServerError| error.extensions.as_ref().and_then(|extensions| extensions.get("code").cloned());
    let own = ["BAD_USER_INPUT", "FORBIDDEN", "PERSISTED_QUERY_NOT_FOUND", "RESOURCE_EXHAUSTED", "UNAVAILABLE"];
    let own = own.map(Value::from);
    response.errors.iter().all(|error| code(error).is_some_and(|code| own.contains(&code)))
}

fn respond(media_type: &'static str, status: StatusCode, response: Response) -> axum::response::Response {
    let mut http = if never_began(&response) {
        // An answer to what was not run has no `data`, not even null.
        Json(serde_json::json!({ "errors": response.errors })).into_response()
    } else {
        GraphQLResponse::from(response).into_response()
    };
    *http.status_mut() = status;
    with_content_type(media_type, http)
}

fn with_content_type(media_type: &'static str, mut http: axum::response::Response) -> axum::response::Response {
    let content_type = match media_type {
        GRAPHQL_RESPONSE => "application/graphql-response+json; charset=utf-8",
        _ => "application/json; charset=utf-8",
    };
    http.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    http
}

fn refuse(media_type: &'static str, status: StatusCode, message: &str) -> axum::response::Response {
    respond(media_type, status, refusal(message))
}

fn not_acceptable() -> axum::response::Response {
    (StatusCode::NOT_ACCEPTABLE, "this endpoint answers application/graphql-response+json and application/json\n")
        .into_response()
}
