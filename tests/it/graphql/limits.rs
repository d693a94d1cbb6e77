//! Limits of requests: each is told by its name, with what was asked for and what is allowed.

use std::net::SocketAddr;
use std::time::Duration;

use async_graphql::Request;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use kubestats::graphql::{Limit, Limits, execute, schema};
use kubestats::http::router;
use kubestats::store::{ReadLimits, Reader, ReaderOptions};
use serde_json::{Value, json};
use tower_service::Service;

use super::departures::slow_reader;
use super::http::{context, send};
use super::support::{ask, ask_with, respond, world};
use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

/// The response to a document under other limits.
fn respond_within(limits: Limits, document: &str) -> Value {
    let world = world();
    let response = world.block_on(execute(&schema(None, limits), &world.reader, Request::new(document)));
    serde_json::to_value(&response).unwrap()
}

/// The response tells of this limit alone.
#[track_caller]
fn check(response: &Value, limit: &str, value: Option<u64>, maximum: u64) {
    let mut expected = json!({ "code": "RESOURCE_EXHAUSTED", "limit": limit, "maximum": maximum });
    if let Some(value) = value {
        expected["value"] = json!(value);
    }
    assert_eq!(response["errors"][0]["extensions"], expected, "{response:.500}");
}

#[test]
fn all_limits_are_told() {
    let data = ask("{ limits { name value description } }");
    let limits = data["limits"].as_array().unwrap();
    assert_eq!(limits.len(), Limit::ALL.len());
    for (told, limit) in limits.iter().zip(Limit::ALL) {
        let expected = Limits::default().maximum(limit);
        assert_eq!((told["name"].as_str(), told["value"].as_u64()), (Some(limit.name()), Some(expected)));
    }
}

#[test]
fn documents_past_a_limit_are_refused() {
    // 860 bytes that stand for a billion fields: they have to be counted without being spread.
    let levels: String = (0..22).map(|n| format!("fragment F{n} on Query{{...F{0} ...F{0}}}", n + 1)).collect();
    let doubling = format!("{{...F0}}{levels}fragment F22 on Query{{__typename}}");
    assert!(doubling.len() < 860, "{} bytes", doubling.len());
    check(&respond(&doubling, json!({})), "fields", Some(1 << 22), 2_000);

    let aliases: String = (0..201).map(|number| format!("f{number}: __typename ")).collect();
    check(&respond(&format!("{{ {aliases} }}"), json!({})), "aliases", Some(201), 200);
    let directives = "@include(if: true) ".repeat(201);
    check(&respond(&format!("{{ __typename {directives} }}"), json!({})), "directives", Some(201), 200);
    check(&respond(&format!("{{ __typename {} }}", ") ".repeat(20_000)), json!({})), "tokens", Some(20_003), 20_000);
    let long = format!("{{ __typename }}#{}", "x".repeat(256 << 10));
    check(&respond(&long, json!({})), "documentBytes", Some(long.len() as u64), 256 << 10);
    let pages = "{ repositories(first: 500) { nodes { resources(first: 500) { nodes { id name } } } } }";
    check(&respond(pages, json!({})), "complexity", Some(1 + 500 * (2 + 500 * 3)), 250_000);
    let ids = vec!["a"; 501];
    let document = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    check(&respond(document, json!({ "ids": ids })), "pageSize", Some(501), 500);
}

/// A filter in so many others.
fn nested(filters: usize) -> Value {
    (0..filters).fold(json!({ "kind": { "eq": "HelmRelease" } }), |inner, _| json!({ "not": inner }))
}

const FILTERED: &str = "query Q($filter: ResourceEventFilter) { events(filter: $filter) { totalCount } }";

/// Past any depth that whoever parses a document, or reads a value, comes back from.
#[test]
fn what_is_nested_too_deeply_is_refused_before_anybody_goes_down_into_it() {
    check(&respond(FILTERED, json!({ "filter": nested(50) })), "nesting", Some(52), 40);
    let lists = (0..45).fold(json!({}), |inner, _| json!({ "and": [inner] }));
    check(&respond(FILTERED, json!({ "filter": lists })), "nesting", Some(91), 40);
    let literal = nested(50).to_string().replace('"', "").replace("HelmRelease", "\"HelmRelease\"");
    check(&respond(&format!("{{ events(filter: {literal}) {{ totalCount }} }}"), json!({})), "nesting", Some(54), 40);
    let brackets = format!("{}1{}", "[".repeat(1_500), "]".repeat(1_500));
    for document in [
        format!("{{ __type(name: {brackets}) {{ name }} }}"),
        format!("{{ __typename @skip(if: {brackets}) }}"),
        format!("query Q($name: String = {brackets}) {{ __type(name: $name) {{ name }} }}"),
    ] {
        let value = if document.starts_with('{') { 1_502 } else { 1_501 };
        check(&respond(&document, json!({})), "nesting", Some(value), 40);
    }
}

#[test]
fn filters_of_a_sensible_depth_are_answered() {
    let count = |filter: Value| ask_with(FILTERED, json!({ "filter": filter }))["events"]["totalCount"].take();
    assert!(count(nested(0)).as_u64() > Some(0));
    assert_eq!(count(nested(10)), count(nested(0)), "no to an even number of nos");
}

#[test]
fn a_server_answers_the_deepest_that_it_lets_in() {
    let data = TestData::new();
    data.scan(&fixture("graphql-cluster").path());
    let server = TestServer::start(&data);
    let around = "resources(first: 1) { nodes { repository { ".repeat(5);
    let document = format!(
        "query Q($filter: ResourceEventFilter) {{ repositories {{ nodes {{ {around} \
         events(filter: $filter) {{ totalCount }} {} }} }} }}",
        "} } }".repeat(5)
    );
    let answer = server.query_with(&document, json!({ "filter": nested(38) }));
    let innermost =
        (0..5).fold(&answer["repositories"]["nodes"][0], |outer, _| &outer["resources"]["nodes"][0]["repository"]);
    assert!(innermost["events"]["totalCount"].as_u64() > Some(0), "{answer}");
}

#[test]
fn deep_nesting_is_refused_however_it_is_sent() {
    let post = |variables: &Value| {
        let body = json!({ "query": FILTERED, "variables": variables }).to_string();
        send(Method::POST, "/graphql", &[(header::CONTENT_TYPE, "application/json")], &body)
    };
    let get = |variables: &Value| {
        let query = [("query", FILTERED), ("variables", &variables.to_string())];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        send(Method::GET, &format!("/graphql?{query}"), &[], "")
    };
    // The reader of JSON goes no deeper than 128 levels.
    for filters in [50, 110, 500] {
        let variables = json!({ "filter": nested(filters) });
        for answer in [post(&variables), get(&variables)] {
            let error = &answer.json()["errors"][0]["extensions"];
            assert_eq!((&error["limit"], &error["maximum"]), (&json!("nesting"), &json!(40)), "{}", answer.body);
        }
    }
}

#[test]
fn arguments_past_a_limit_are_refused() {
    let list = |count: usize| json!(vec!["a"; count]);
    for (limit, maximum, value, variables) in [
        ("dimensions", 5, 6, json!({ "groupBy": vec!["KIND"; 6] })),
        ("measures", 10, 11, json!({ "measures": vec![json!({ "count": "EVENTS" }); 11] })),
        ("groups", 1_000, 1_001, json!({ "top": 1_001 })),
        ("filterValues", 1_000, 1_001, json!({ "filter": { "kind": { "in": list(1_001) } } })),
        ("filterTextBytes", 4_096, 4_097, json!({ "filter": { "kind": { "eq": "a".repeat(4_097) } } })),
        ("filterComparisons", 200, 201, json!({ "filter": { "or": vec![json!({ "kind": { "eq": "a" } }); 201] } })),
    ] {
        let document = "query Q($groupBy: [EventDimension!]! = [], $measures: [EventMeasure!]! = [], $top: Int! = 10, \
             $filter: ResourceEventFilter) { eventTrend(groupBy: $groupBy, measures: $measures, top: $top, \
             filter: $filter) { truncated } }";
        check(&respond(document, variables), limit, Some(value), maximum);
    }
}

#[test]
fn other_limits_can_be_chosen() {
    let limits = Limits::default().with(Limit::PageSize, 50).with(Limit::Depth, 2).with(Limit::Buckets, 3);
    check(&respond_within(limits, "{ events(first: 51) { totalCount } }"), "pageSize", Some(51), 50);
    check(&respond_within(limits, "{ events { nodes { type } } }"), "depth", Some(3), 2);
    let trend = "{ eventTrend(bucket: DAY, range: { from: \"2024-01-01\", to: \"2024-02-01\" }) { truncated } }";
    check(&respond_within(limits, trend), "buckets", None, 3);
    check(
        &respond_within(limits.with(Limit::Buckets, 40).with(Limit::TrendRows, 30), trend),
        "trendRows",
        Some(31),
        30,
    );
    let larger = limits.with(Limit::PageSize, 1_000).with(Limit::Depth, 20);
    let answer = respond_within(larger, "{ events(first: 1000) { nodes { type } } }");
    assert_eq!(answer.get("errors"), None, "{answer}");
}

#[test]
fn a_question_reads_no_more_than_it_may() {
    let world = world();
    for (limits, limit, maximum) in [
        (ReadLimits { rows: 3, bytes: 1 << 30 }, "rowsRead", 3),
        (ReadLimits { rows: 1 << 30, bytes: 3 }, "bytesRead", 3),
    ] {
        // What the version of the data is asked for is a row or two.
        let reader = Reader::new(world.store.clone(), ReaderOptions::default()).within(limits);
        let request = Request::new("{ events(first: 5) { nodes { type } } }");
        let response = world.block_on(execute(&world.schema, &reader, request));
        let response = serde_json::to_value(&response).unwrap();
        check(&response, limit, None, maximum);
        assert!(response["errors"][0]["message"].as_str().unwrap().contains("time range"), "{response}");
    }
}

#[test]
fn a_question_takes_no_longer_than_it_may() {
    let world = world();
    let response = world.block_on(async {
        let reader = slow_reader("slower", Duration::from_secs(1)).await;
        execute(&world.schema, &reader, Request::new("{ __typename }")).await
    });
    let response = serde_json::to_value(&response).unwrap();
    assert_eq!(response["errors"][0]["extensions"], json!({ "code": "TIMEOUT", "limit": "seconds", "maximum": 1 }));
}

#[test]
fn one_client_has_so_many_requests_running() {
    let world = world();
    let status = |peer: &str| {
        let schema = schema(None, Limits::default().with(Limit::ConcurrentRequests, 0));
        let context = context(schema, world.reader.clone());
        let body = Body::from(json!({ "query": "{ __typename }" }).to_string());
        let request = axum::http::Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        world.block_on(async {
            let response = router(context).call(request).await.unwrap();
            let status = response.status();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice::<Value>(&body).unwrap())
        })
    };
    let (refused, response) = status("192.0.2.1:50000");
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    check(&response, "concurrentRequests", None, 0);
    let (answered, _) = status("127.0.0.1:50000");
    assert_eq!(answered, StatusCode::OK, "a proxy on this machine stands for many");
}
