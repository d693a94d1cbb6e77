//! The whole way: scan, serve, ask over HTTP; and what happens to a server in between.

use serde_json::json;

use crate::support::data::{TestData, text};
use crate::support::http::send;
use crate::support::process::{eventually, is_running, send_signal};
use crate::support::repos::fixture;
use crate::support::server::TestServer;

const COUNTS: &str = "{ repositories { nodes { name eventCount resourceCount } } events { totalCount } }";

/// The answer to [`COUNTS`] when only the fixture `moves-paired` was scanned.
fn counts() -> serde_json::Value {
    json!({
        "repositories": { "nodes": [{ "name": "moves-paired", "eventCount": 8, "resourceCount": 1 }] },
        "events": { "totalCount": 8 },
    })
}

/// A data directory with one scanned repository.
fn scanned() -> TestData {
    let data = TestData::new();
    data.scan(&fixture("moves-paired").path());
    data
}

/// A server on a data directory in which nothing was scanned.
fn empty() -> (TestData, TestServer) {
    let data = TestData::new();
    let server = TestServer::start(&data);
    (data, server)
}

#[test]
fn what_was_scanned_is_answered_over_http() {
    let data = scanned();
    let server = TestServer::start(&data);
    assert_eq!(server.query(COUNTS), counts());
    let document = "query($kind: String!) { resources(filter: {kind: {eq: $kind}}) { nodes {
        name path repository { name } events(orderBy: [{field: TIME, direction: ASC}]) {
            nodes { type path commit { subject actor { name isBot } } } } } } }";
    let body = json!({ "query": document, "variables": { "kind": "ConfigMap" } });
    let response = server.post(&body.to_string());
    assert_eq!(response.status, 200);
    let event = |event_type: &str, path: &str, subject: &str| {
        let commit = json!({ "subject": subject, "actor": { "name": "Ada Author", "isBot": false } });
        json!({ "type": event_type, "path": path, "commit": commit })
    };
    let expected = json!({ "data": { "resources": { "nodes": [{
        "name": "same", "path": "f.yaml", "repository": { "name": "moves-paired" }, "events": { "nodes": [
            event("CREATED", "a.yaml", "create two"),
            event("MODIFIED", "c.yaml", "two become three"),
            event("MODIFIED", "f.yaml", "three become one"),
        ] } }] } } });
    assert_eq!(response.json(), expected);
}

#[test]
fn while_a_server_runs_other_commands_use_its_engine() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let engine = data.engine_pid();
    let empty = json!({ "repositories": { "nodes": [] }, "events": { "totalCount": 0 } });
    assert_eq!(server.query(COUNTS), empty);
    let repository = fixture("moves-paired");
    data.scan(&repository.path());
    assert_eq!(server.query(COUNTS), counts(), "the server sees a scan of another process at once");
    assert_eq!(data.query(COUNTS, json!({})), counts());
    assert_eq!(data.events(&repository.path()).len(), 8);
    assert_eq!(data.engine_pid(), engine, "no command started an engine of its own");
    assert!(is_running(engine), "no command ended the server's engine");
    assert_eq!(server.query(COUNTS), counts());
}

#[test]
fn queries_by_get_and_nothing_else() {
    let (_data, server) = empty();
    let response = server.get("/graphql?query=%7B__typename%7D");
    assert_eq!((response.status, response.json()), (200, json!({ "data": { "__typename": "Query" } })));
    let refused = server.get("/graphql?query=mutation%7B__typename%7D");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    assert!(refused.json()["errors"][0]["message"].as_str().unwrap().contains("POST"), "{}", refused.body);
    assert_eq!(server.get("/graphql?query=subscription%7B__typename%7D").status, 405);
    for nothing in ["/graphql", "/graphql?query="] {
        assert_eq!(server.get(nothing).status, 400, "{nothing}");
    }
}

#[test]
fn bad_requests_are_told_what_is_wrong() {
    let (_data, server) = empty();
    for body in ["{", "", "[]", "{\"query\": 1}", "{\"query\": \"\"}"] {
        let response = server.post(body);
        assert_eq!(response.status, 400, "{body:?}: {}", response.body);
        let error = &response.json()["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{error}");
        assert!(error["message"].as_str().unwrap().contains("query"), "{error}");
    }
    let body = "{\"query\": \"{ __typename }\"}";
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let header = format!("Content-Type: {content_type}");
        assert_eq!(send(server.address, "POST", "/graphql", &[&header], body).status, 415, "{content_type}");
    }
    assert_eq!(send(server.address, "POST", "/graphql", &[], body).status, 415, "no content type");
    let header = "Content-Type: application/json; charset=utf-8";
    assert_eq!(send(server.address, "POST", "/graphql", &[header], body).status, 200);
}

#[test]
fn a_query_that_is_wrong_is_an_error_in_the_answer() {
    let (_data, server) = empty();
    let body = "{\"query\": \"{ nothing }\"}";
    let response = server.post(body);
    assert_eq!(response.status, 200);
    assert!(response.json()["errors"][0]["message"].as_str().unwrap().contains("nothing"), "{}", response.body);
    let headers = ["Content-Type: application/json", "Accept: application/graphql-response+json"];
    let response = send(server.address, "POST", "/graphql", &headers, body);
    assert_eq!(response.status, 400, "as GraphQL over HTTP has it for its own media type");
    assert!(response.header("content-type").unwrap().starts_with("application/graphql-response+json"));
}

#[test]
fn health_readiness_and_the_way_to_the_playground() {
    let (_data, server) = empty();
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    for from in ["/", "/playground"] {
        let response = server.get(from);
        assert!((300..400).contains(&response.status), "{from}: {}", response.status);
        assert_eq!(response.header("location"), Some("/playground/"), "{from}");
    }
    assert_eq!(server.get("/nowhere").status, 404);
}

#[test]
fn a_killed_engine_is_back_for_the_next_query() {
    let data = scanned();
    let server = TestServer::start(&data);
    for _ in 0..3 {
        let engine = data.engine_pid();
        send_signal(engine, "KILL");
        assert_eq!(server.query(COUNTS), counts());
        eventually("another engine runs", || data.engine_pid() != engine);
    }
    eventually("it is ready again", || server.get("/readyz").status == 200);
}

#[test]
fn a_killed_engine_is_back_for_a_query_of_another_process() {
    let data = scanned();
    let _server = TestServer::start(&data);
    send_signal(data.engine_pid(), "KILL");
    assert_eq!(data.query(COUNTS, json!({})), counts());
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let data = scanned();
    let server = TestServer::start(&data);
    let second = data.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.success);
    assert_eq!(second.complaints().len(), 1, "{}", second.stderr);
    let complaint = second.complaints()[0];
    let holder = format!("kubestats serve (pid {})", server.pid());
    assert!(complaint.contains(text(&data.path())) && complaint.contains(&holder), "{complaint}");
    assert_eq!(server.query(COUNTS), counts(), "the first one is not disturbed");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (_data, server) = empty();
    let address = server.address.to_string();
    let second = TestData::new().run(&["serve", "--listen", &address]);
    assert!(!second.success);
    assert!(second.complaints()[0].contains(&address), "{}", second.stderr);
}

#[test]
fn after_sigterm_everything_has_ended() {
    let data = scanned();
    let mut server = TestServer::start(&data);
    let engine = data.engine_pid();
    assert!(is_running(engine));
    assert_eq!(server.query(COUNTS), counts());
    assert!(server.stop(), "it ended in order; its log:\n{}", server.log());
    assert!(!is_running(engine), "the engine is left behind");
    assert!(data.is_free(), "the data directory is still locked");
    assert!(!data.path().join("run/engine.sock").exists(), "the socket is left behind");
    assert_eq!(data.query(COUNTS, json!({})), counts());
}

#[test]
fn after_a_kill_of_the_server_its_engine_ends_too() {
    let data = scanned();
    let server = TestServer::start(&data);
    let engine = data.engine_pid();
    send_signal(server.pid(), "KILL");
    eventually("the orphaned engine ends", || !is_running(engine));
    assert_eq!(data.query(COUNTS, json!({})), counts());
}
