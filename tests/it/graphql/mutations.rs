//! Who may change things. There is no queue here, so whoever may gets as far as `UNAVAILABLE`; everybody else is refused before.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use kubestats::http::{Context, router};
use serde_json::{Value, json};
use tower_service::Service;

use super::support::{respond, world};

const MUTATION: &str = "mutation { syncAll { job { id } userErrors { code } } }";
const HERE: &str = "127.0.0.1:50000";

fn send(peer: Option<&str>, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
    let world = world();
    let context = Context {
        schema: world.schema.clone(),
        reader: world.reader.clone(),
        jobs: None,
        webhook_secret: None,
        playground: None,
    };
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    }
    world.block_on(async {
        let response = router(context).call(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    })
}

/// The code that a mutation is answered with.
#[track_caller]
fn code(peer: Option<&str>, headers: &[(&str, &str)]) -> String {
    let headers = [&[("content-type", "application/json")], headers].concat();
    let (status, answer) = send(peer, "POST", "/graphql", &headers, &json!({ "query": MUTATION }).to_string());
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn whoever_is_at_this_machine_may() {
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        assert_eq!(code(Some(HERE), &[("host", host)]), "UNAVAILABLE");
        assert_eq!(code(Some(HERE), &[("host", host), ("origin", &format!("http://{host}"))]), "UNAVAILABLE");
    }
}

#[test]
fn nobody_else_may() {
    let local = ("host", "localhost:8080");
    assert_eq!(code(None, &[local]), "FORBIDDEN", "nobody knows who sent it");
    assert_eq!(code(Some("192.0.2.1:50000"), &[local]), "FORBIDDEN");
    assert_eq!(code(Some(HERE), &[local, ("x-forwarded-for", "127.0.0.1")]), "FORBIDDEN");
    assert_eq!(code(Some(HERE), &[local, ("via", "1.1 proxy")]), "FORBIDDEN");
    assert_eq!(code(Some(HERE), &[("host", "evil.example:8080")]), "FORBIDDEN", "DNS rebinding");
    assert_eq!(code(Some(HERE), &[local, ("origin", "http://evil.example")]), "FORBIDDEN");
    assert_eq!(code(Some(HERE), &[local, ("origin", "null")]), "FORBIDDEN");
}

#[test]
fn the_refusal_says_why() {
    let headers = [("content-type", "application/json"), ("host", "evil.example")];
    let (_, answer) = send(Some(HERE), "POST", "/graphql", &headers, &json!({ "query": MUTATION }).to_string());
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("this machine only") && message.contains("Host"), "{message}");
}

#[test]
fn a_link_or_a_form_changes_nothing() {
    let local = ("host", "localhost:8080");
    let link = "/graphql?query=mutation%7BsyncAll%7Bjoined%7D%7D";
    assert_eq!(send(Some(HERE), "GET", link, &[local], "").0, StatusCode::METHOD_NOT_ALLOWED);
    let body = json!({ "query": MUTATION }).to_string();
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let headers = [local, ("content-type", media_type)];
        assert_eq!(send(Some(HERE), "POST", "/graphql", &headers, &body).0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

#[test]
fn a_process_without_jobs_says_where_to_ask() {
    let response = respond(MUTATION, json!({}));
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response}");
    assert!(response["errors"][0]["message"].as_str().unwrap().contains("kubestats serve"), "{response}");
}
