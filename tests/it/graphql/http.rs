//! GraphQL over HTTP: methods, media types and status codes, through the router without a socket.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use kubestats::graphql::Schema;
use kubestats::http::{Context, router};
use kubestats::store::Reader;
use serde_json::{Value, json};
use tower_service::Service;

use super::support::world;

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
const QUERY: &str = "/graphql?query=%7B__typename%7D";

pub struct Answer {
    pub status: StatusCode,
    media_type: String,
    allow: Option<String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub fn send(method: Method, uri: &str, headers: &[(header::HeaderName, &str)], body: &str) -> Answer {
    send_through(&world().reader, method, uri, headers, body)
}

fn send_through(
    reader: &Reader,
    method: Method,
    uri: &str,
    headers: &[(header::HeaderName, &str)],
    body: &str,
) -> Answer {
    send_to(context(world().schema.clone(), reader.clone()), method, uri, headers, body)
}

/// What a server needs that only reads.
pub fn context(schema: Schema, reader: Reader) -> Context {
    Context { schema, reader, jobs: None, webhook_secret: None, playground: None }
}

pub fn send_to(
    context: Context,
    method: Method,
    uri: &str,
    headers: &[(header::HeaderName, &str)],
    body: &str,
) -> Answer {
    let world = world();
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    world.block_on(async {
        let response = router(context).call(request).await.unwrap();
        let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, media_type, allow) = (response.status(), text(header::CONTENT_TYPE), text(header::ALLOW));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status, media_type: media_type.unwrap_or_default(), allow, body }
    })
}

fn get(uri: &str) -> Answer {
    send(Method::GET, uri, &[], "")
}

fn post(body: &Value) -> Answer {
    send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, JSON)], &body.to_string())
}

fn post_accepting(accept: &str, body: &Value) -> Answer {
    send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, JSON), (header::ACCEPT, accept)], &body.to_string())
}

#[test]
fn post_and_get_answer_alike() {
    for answer in [post(&json!({ "query": "{__typename}" })), get(QUERY)] {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.media_type.starts_with(JSON), "{}", answer.media_type);
        assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));
    }
}

#[test]
fn get_takes_variables_and_an_operation() {
    let uri = "/graphql?query=query+A%28%24n%3AInt%29%7Bevents%28first%3A%24n%29%7Bnodes%7Btype%7D%7D%7Dquery+B%7B__typename%7D\
        &variables=%7B%22n%22%3A1%7D&operationName=A";
    assert_eq!(get(uri).json()["data"]["events"]["nodes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn get_changes_nothing() {
    for (document, name) in [
        ("mutation%7Banything%7D", ""),
        ("subscription%7Banything%7D", ""),
        ("query+A%7B__typename%7Dmutation+B%7Banything%7D", "&operationName=B"),
    ] {
        let answer = get(&format!("/graphql?query={document}{name}"));
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{document}");
        assert_eq!(answer.allow.as_deref(), Some("POST"));
        assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains("POST"));
    }
    let answer = get("/graphql?query=query+A%7B__typename%7Dmutation+B%7Banything%7D&operationName=A");
    assert_eq!(answer.status, StatusCode::OK, "the named operation is a query");
}

#[test]
fn only_json_is_taken() {
    let body = json!({ "query": "{__typename}" }).to_string();
    for media_type in
        ["text/plain", "application/graphql", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    {
        let answer = send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, media_type)], &body);
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
        assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains(JSON));
    }
    assert_eq!(send(Method::POST, "/graphql", &[], &body).status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for media_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let answer = send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, media_type)], &body);
        assert_eq!(answer.status, StatusCode::OK, "{media_type}");
    }
}

#[test]
fn other_methods_are_refused() {
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(send(method.clone(), QUERY, &[], "").status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[test]
fn the_client_chooses_the_media_type() {
    for (accept, expected) in [
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html, application/graphql-response+json;q=0.9, */*;q=0.1", GRAPHQL),
        ("application/json, multipart/mixed", JSON),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json;q=0.5, application/graphql-response+json", GRAPHQL),
        ("APPLICATION/JSON", JSON),
        ("", JSON),
    ] {
        let answer = post_accepting(accept, &json!({ "query": "{__typename}" }));
        assert_eq!(answer.status, StatusCode::OK, "{accept}");
        assert_eq!(answer.media_type, format!("{expected}; charset=utf-8"), "{accept}");
    }
    for accept in ["text/html", "application/xml", "application/json;q=0"] {
        assert_eq!(
            post_accepting(accept, &json!({ "query": "{__typename}" })).status,
            StatusCode::NOT_ACCEPTABLE,
            "{accept}"
        );
    }
}

#[test]
fn what_never_began_is_400_with_the_newer_media_type_only() {
    // Not parsed, not valid, no such operation, variables that do not fit.
    for body in [
        json!({ "query": "{" }),
        json!({ "query": "{ nothing }" }),
        json!({ "query": "query A { __typename }", "operationName": "B" }),
        json!({ "query": "query A($n: Int!) { events(first: $n) { totalCount } }" }),
        json!({ "query": "query A { __typename } query B { __typename }" }),
    ] {
        let older = post_accepting(JSON, &body);
        let newer = post_accepting(GRAPHQL, &body);
        assert_eq!((older.status, newer.status), (StatusCode::OK, StatusCode::BAD_REQUEST), "{body}");
        for answer in [older, newer] {
            assert_eq!(answer.json().get("data"), None, "{body}: {}", answer.body);
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
        }
    }
}

#[test]
fn values_that_their_types_do_not_take_are_errors_of_the_request() {
    let after = "query Q($value: DateTime) { __typename events(filter: { time: { gt: $value } }) { totalCount } }";
    let first = "query Q($value: Int) { __typename events(first: $value) { totalCount } }";
    let stars = "query Q($value: Long) { repositories(filter: { stars: { gt: $value } }) { totalCount } }";
    let idle = "query Q($value: Duration!) { inactiveRepositories(idle: $value) { lastEventAt } }";
    let which = "query Q($value: ResourceEventFilter) { events(filter: $value) { totalCount } }";
    for (document, value) in [
        (after, json!("garbage")),
        (after, json!(true)),
        (after, json!({})),
        (first, json!(1_u64 << 40)),
        (first, json!(-(1_i64 << 40))),
        (stars, json!(1.18e21)),
        (idle, json!("P1Y")),
        (which, json!("HelmRelease")),
        (which, json!({ "kind": "HelmRelease" })),
        (which, json!({ "and": [{ "kind": 1 }] })),
        (which, json!({ "time": { "gt": "never" } })),
        ("{ __typename events(filter: { time: { gt: \"garbage\" } }) { totalCount } }", json!(null)),
        ("{ __typename events(first: 1099511627776) { totalCount } }", json!(null)),
        ("{ repositories(filter: { stars: { in: [1, 1180591620717411303424] } }) { totalCount } }", json!(null)),
        ("{ events(filter: { kind: \"HelmRelease\" }) { totalCount } }", json!(null)),
        ("{ ...F } fragment F on Query { events(filter: \"HelmRelease\") { totalCount } }", json!(null)),
        (
            "query Q($value: DateTime = \"garbage\") { events(filter: { time: { gt: $value } }) { totalCount } }",
            json!(null),
        ),
    ] {
        let body = json!({ "query": document, "variables": { "value": value } });
        let (older, newer) = (post_accepting(JSON, &body), post_accepting(GRAPHQL, &body));
        assert_eq!((older.status, newer.status), (StatusCode::OK, StatusCode::BAD_REQUEST), "{body}: {}", newer.body);
        for answer in [older, newer] {
            let error = answer.json()["errors"][0].take();
            assert_eq!((answer.json().get("data"), error.get("path")), (None, None), "{body}: {}", answer.body);
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{body}: {}", answer.body);
        }
    }
}

#[test]
fn directives_of_typename_use_variables() {
    for (document, skipped, kept) in [
        ("query Q($a: Boolean!) { __typename @skip(if: $a) }", json!({}), json!({ "__typename": "Query" })),
        (
            "query Q($a: Boolean!) { events { __typename @skip(if: $a) ... on ResourceEventConnection { t: __typename } } }",
            json!({ "events": { "t": "ResourceEventConnection" } }),
            json!({ "events": { "__typename": "ResourceEventConnection", "t": "ResourceEventConnection" } }),
        ),
        (
            "query Q($a: Boolean!) { ...F } fragment F on Query { t: __typename @skip(if: $a) @include(if: true) }",
            json!({}),
            json!({ "t": "Query" }),
        ),
    ] {
        for (value, expected) in [(true, skipped), (false, kept)] {
            let answer = post_accepting(GRAPHQL, &json!({ "query": document, "variables": { "a": value } }));
            assert_eq!(answer.json(), json!({ "data": expected }), "{document}");
        }
    }
    let unknown = post_accepting(GRAPHQL, &json!({ "query": "{ __typename @skip(if: $a) }" }));
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "{}", unknown.body);
}

#[test]
fn what_began_is_200_although_it_failed() {
    let nullable = json!({ "query": "{ __typename node(id: \"no id\") { id } }" });
    let required = json!({ "query": "{ __typename events(first: -1) { totalCount } }" });
    for accept in [JSON, GRAPHQL] {
        let answer = post_accepting(accept, &nullable);
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["data"], json!({ "__typename": "Query", "node": null }));
        let answer = post_accepting(accept, &required);
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json().get("data"), Some(&Value::Null), "the failed field is not nullable: {}", answer.body);
        assert_eq!(answer.json()["errors"][0]["path"], json!(["events"]));
    }
}

#[test]
fn our_own_failure_is_500_with_the_newer_media_type_only() {
    let body = json!({ "query": "{ events { totalCount } }" }).to_string();
    for (accept, expected) in [(JSON, StatusCode::OK), (GRAPHQL, StatusCode::INTERNAL_SERVER_ERROR)] {
        let headers = [(header::CONTENT_TYPE, JSON), (header::ACCEPT, accept)];
        let answer = send_through(&world().failing_reader(), Method::POST, "/graphql", &headers, &body);
        assert_eq!(answer.status, expected, "{}", answer.body);
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "INTERNAL");
    }
}

#[test]
fn bodies_that_are_no_request_are_refused() {
    let one = json!({ "query": "{__typename}" });
    let bodies = [
        json!([one, one]),
        json!([]),
        json!({}),
        json!({ "query": "" }),
        json!({ "query": 1 }),
        json!("{__typename}"),
        json!(null),
    ];
    for body in bodies.iter().map(Value::to_string).chain(["{".to_owned(), String::new()]) {
        let answer = send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, JSON)], &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
    }
    for uri in ["/graphql", "/graphql?query=", "/graphql?query=%7B__typename%7D&variables=x"] {
        assert_eq!(get(uri).status, StatusCode::BAD_REQUEST, "{uri}");
    }
    let large = format!("{{\"query\":\"{{__typename}}{}\"}}", " ".repeat(1 << 20));
    for accept in [JSON, GRAPHQL] {
        let headers = [(header::CONTENT_TYPE, JSON), (header::ACCEPT, accept)];
        let answer = send(Method::POST, "/graphql", &headers, &large);
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.media_type, format!("{accept}; charset=utf-8"));
        let extensions = json!({ "code": "RESOURCE_EXHAUSTED", "limit": "bodyBytes", "maximum": 1 << 20 });
        assert_eq!(answer.json()["errors"][0]["extensions"], extensions, "{}", answer.body);
    }
}

#[test]
fn variables_may_be_null_or_too_many() {
    for extra in [
        json!({ "variables": null }),
        json!({ "variables": {} }),
        json!({ "variables": { "unknown": 1 } }),
        json!({ "operationName": null, "extensions": null }),
    ] {
        let mut body = json!({ "query": "query Q($first: Int) { events(first: $first) { __typename } }" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let answer = post(&body);
        assert_eq!(answer.status, StatusCode::OK, "{body}");
        assert_eq!(
            answer.json(),
            json!({ "data": { "events": { "__typename": "ResourceEventConnection" } } }),
            "{body}"
        );
    }
}

#[test]
fn health_is_told() {
    let (health, ready) = (get("/healthz"), get("/readyz"));
    assert_eq!((health.status, health.body.as_str()), (StatusCode::OK, "ok\n"));
    assert_eq!((ready.status, ready.body.as_str()), (StatusCode::OK, "ready\n"));
}

#[test]
fn a_playground_that_is_not_built_says_so() {
    let answer = get("/playground/");
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("make setup"), "{}", answer.body);
}
