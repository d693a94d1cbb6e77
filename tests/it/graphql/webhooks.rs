//! GitHub's webhook: signatures first, then what a delivery means. There is no queue here, so a delivery that means a job is 503.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hmac::{Hmac, Mac};
use http_body_util::BodyExt;
use kubestats::http::{Context, router};
use serde_json::{Value, json};
use sha2::Sha256;
use tower_service::Service;

use super::support::world;

const SECRET: &str = "a secret of this test";

fn sign(secret: &str, body: &[u8]) -> String {
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let digest = key.chain_update(body).finalize().into_bytes();
    digest.iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn send(secret: Option<&str>, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, Value) {
    let world = world();
    let context = Context {
        schema: world.schema.clone(),
        reader: world.reader.clone(),
        jobs: None,
        webhook_secret: secret.map(Into::into),
        playground: None,
    };
    let mut request = Request::builder().method("POST").uri("/webhooks/github");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    world.block_on(async {
        let response = router(context).call(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    })
}

/// A signed delivery.
fn deliver(event: &str, payload: &Value) -> (StatusCode, Value) {
    let body = payload.to_string().into_bytes();
    let signature = sign(SECRET, &body);
    let headers = [
        ("x-hub-signature-256", signature.as_str()),
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("content-type", "application/json"),
    ];
    send(Some(SECRET), &headers, body)
}

fn push(id: u64, url: &str, reference: &str) -> Value {
    json!({ "ref": reference, "repository": { "id": id, "html_url": url, "default_branch": "main" }, "commits": [] })
}

const MAIN: &str = "refs/heads/main";

#[test]
fn without_a_secret_there_is_no_webhook() {
    assert_eq!(send(None, &[], b"{}".to_vec()).0, StatusCode::NOT_FOUND);
    assert_eq!(send(Some(""), &[("x-hub-signature-256", &sign("", b"{}"))], b"{}".to_vec()).0, StatusCode::NOT_FOUND);
}

#[test]
fn only_what_is_signed_is_read() {
    let body = push(7, "https://git.example/ada/cluster", MAIN).to_string().into_bytes();
    let right = sign(SECRET, &body);
    for signature in
        ["", "sha256=", "sha1=abc", &right[7..], &sign("another secret", &body), &sign(SECRET, b"another body")]
    {
        let headers = [("x-hub-signature-256", signature), ("x-github-event", "push")];
        assert_eq!(send(Some(SECRET), &headers, body.clone()).0, StatusCode::UNAUTHORIZED, "{signature}");
    }
    assert_eq!(send(Some(SECRET), &[("x-github-event", "push")], body.clone()).0, StatusCode::UNAUTHORIZED);
    // What is no JSON is not looked at before its signature is.
    let headers = [("x-hub-signature-256", right.as_str()), ("x-github-event", "push")];
    assert_eq!(send(Some(SECRET), &headers, b"no JSON".to_vec()).0, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_ping_is_answered() {
    assert_eq!(deliver("ping", &json!({ "zen": "Keep it logically awesome." })).0, StatusCode::OK);
}

#[test]
fn what_means_nothing_is_ignored() {
    let url = "https://git.example/ada/cluster";
    let subject = json!({ "id": 7, "html_url": url });
    for (event, payload) in [
        ("push", push(7, url, "refs/heads/feature")),
        ("push", push(7, url, "refs/tags/main")),
        ("push", push(8, "https://git.example/no/body", MAIN)),
        ("repository", json!({ "action": "created", "repository": subject })),
        ("issues", json!({ "action": "opened" })),
    ] {
        let (status, answer) = deliver(event, &payload);
        assert_eq!(status, StatusCode::ACCEPTED, "{payload}: {answer}");
        assert!(answer["ignored"].is_string(), "{payload}: {answer}");
    }
}

#[test]
fn known_repositories_are_found_by_id_and_by_url() {
    for (event, payload) in [
        ("push", push(7, "https://git.example/renamed/since", MAIN)),
        ("push", push(9, "https://GIT.example/ada/cluster", MAIN)),
        ("push", push(9, "http://plain.example:3000/ada/apps", MAIN)),
    ]
    .into_iter()
    .chain(["renamed", "edited", "deleted", "publicized"].map(|action| {
        let subject = json!({ "id": 7, "html_url": "https://git.example/a/b" });
        ("repository", json!({ "action": action, "repository": subject }))
    })) {
        let (status, answer) = deliver(event, &payload);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{payload}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("no jobs"), "{answer}");
    }
}

#[test]
fn deliveries_that_are_none_are_refused() {
    assert_eq!(deliver("push", &json!({ "ref": MAIN })).0, StatusCode::BAD_REQUEST);
    assert_eq!(deliver("push", &push(7, "no URL", MAIN)).0, StatusCode::BAD_REQUEST);
    let body = b"payload=%7B%7D".to_vec();
    let signature = sign(SECRET, &body);
    let signed = ("x-hub-signature-256", signature.as_str());
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(send(Some(SECRET), &[signed], body.clone()).0, StatusCode::BAD_REQUEST, "of no event");
    let answer = send(Some(SECRET), &[signed, form, ("x-github-event", "push")], body);
    assert_eq!(answer.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send(Some(SECRET), &[], vec![b' '; (8 << 20) + 1]).0, StatusCode::PAYLOAD_TOO_LARGE);
    // Larger than what other routes take, and none the worse for it.
    let mut large = push(8, "https://git.example/no/body", MAIN);
    large["padding"] = Value::from("x".repeat(2 << 20));
    assert_eq!(deliver("push", &large).0, StatusCode::ACCEPTED);
}
