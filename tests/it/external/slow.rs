//! Answers that do not come, and connections that end in the middle of something.

use serde_json::{Value, json};

use super::data_at;
use crate::scan::stored::Stored;
use crate::support::data::{TestData, text};
use crate::support::external::TestClickHouse;
use crate::support::faults::{Fault, Proxy};
use crate::support::process::eventually;
use crate::support::repos::{TempRepo, fixture};
use crate::support::server::TestServer;

/// In the head of every request that reads for a client, and of no other.
const READS: &str = "readonly=2";
/// In the head of the request that stores events.
const STORES_EVENTS: &str = "INSERT+INTO+%60resource_events%60";
const EVENTS: &str = r#"{"query": "{ events { totalCount } }"}"#;

/// A proxy before the shared server, and data that are reached through it.
fn through_proxy() -> (Proxy, TestData) {
    let server = TestClickHouse::shared();
    let proxy = Proxy::start(&server.url);
    let data = data_at(&proxy.url, &server.database().name);
    (proxy, data)
}

fn undisturbed(repository: &TempRepo) -> Stored {
    let data = TestData::new();
    data.scan(&repository.path());
    Stored::read(&data)
}

fn error_of(server: &TestServer) -> Value {
    let mut response = server.post(EVENTS).json();
    response["errors"][0].take()
}

#[test]
fn a_question_without_an_answer_is_a_timeout() {
    let (proxy, data) = through_proxy();
    let server = TestServer::start(&data);
    proxy.plan(READS, Fault::Hang);
    let error = error_of(&server);
    assert_eq!(error["extensions"]["code"], "TIMEOUT", "{error}");
    assert_eq!(proxy.happened(), 1, "a question that took too long is not asked again");
    assert_eq!(server.query("{ events { totalCount } }")["events"]["totalCount"], 0);
}

#[test]
fn an_insert_without_an_answer_is_given_up() {
    let (proxy, data) = through_proxy();
    let repository = fixture("moves-paired");
    proxy.plan(STORES_EVENTS, Fault::Hang);
    let ran = data.run(&["scan", text(&repository.path())]);
    assert!(!ran.success);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
    assert!(ran.complaints()[0].contains("ClickHouse did not answer within 8 s"), "{}", ran.stderr);
    data.scan(&repository.path());
    Stored::read(&data).assert_equals(&undisturbed(&repository));
}

#[test]
fn a_cut_insert_is_sent_again_and_stored_once() {
    let repository = fixture("moves-paired");
    let expected = undisturbed(&repository);
    for fault in [Fault::CutRequest { after: 2000 }, Fault::CutAnswer { after: 0 }, Fault::CutAnswer { after: 20 }] {
        let (proxy, data) = through_proxy();
        proxy.plan(STORES_EVENTS, fault);
        data.scan(&repository.path());
        assert_eq!(proxy.happened(), 1, "{fault:?}");
        Stored::read(&data).assert_equals(&expected);
    }
}

#[test]
fn an_insert_cut_twice_is_reported_and_the_next_scan_mends_it() {
    let repository = fixture("moves-paired");
    let (proxy, data) = through_proxy();
    // Stored, although nobody learns of it.
    proxy.plan(STORES_EVENTS, Fault::CutAnswer { after: 0 });
    proxy.plan(STORES_EVENTS, Fault::CutRequest { after: 2000 });
    let ran = data.run(&["scan", text(&repository.path())]);
    assert!(!ran.success);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
    assert!(ran.complaints()[0].contains("the connection to ClickHouse broke"), "{}", ran.stderr);
    let repositories = data.query("{ repositories { nodes { scanStatus eventCount } } }", json!({}));
    assert_eq!(repositories["repositories"]["nodes"], json!([{ "scanStatus": "FAILED", "eventCount": 0 }]));
    data.scan(&repository.path());
    Stored::read(&data).assert_equals(&undisturbed(&repository));
}

#[test]
fn a_cut_answer_is_asked_for_again() {
    let (proxy, data) = through_proxy();
    data.scan(&fixture("moves-paired").path());
    let server = TestServer::start(&data);
    for (first, after) in [(8, 0), (9, 20), (10, 300)] {
        proxy.plan(READS, Fault::CutAnswer { after });
        // Another page each time: the answer to one that was asked before is known.
        let answer = server.query(&format!("{{ events(first: {first}) {{ totalCount nodes {{ path }} }} }}"));
        assert_eq!(answer["events"]["totalCount"], 8);
    }
    assert_eq!(proxy.happened(), 3);
}

#[test]
fn an_answer_cut_twice_is_a_failure_that_is_logged_once() {
    let (proxy, data) = through_proxy();
    let server = TestServer::start(&data);
    for _ in 0..2 {
        proxy.plan(READS, Fault::CutAnswer { after: 0 });
    }
    let error = error_of(&server);
    assert_eq!(error["extensions"]["code"], "INTERNAL");
    assert_eq!(error["message"], "the database cannot be reached at the moment; try again");
    eventually("the failure is in the log", || server.log().contains("ERROR"));
    let log = server.log();
    assert_eq!(log.lines().filter(|line| line.contains("ERROR")).count(), 1, "{log}");
}

#[test]
fn an_insert_of_a_dead_scan_that_comes_late_is_not_seen() {
    let repository = fixture("moves-paired");
    let (proxy, data) = through_proxy();
    proxy.plan(STORES_EVENTS, Fault::Late);
    proxy.plan(STORES_EVENTS, Fault::CutRequest { after: 2000 });
    assert!(!data.run(&["scan", text(&repository.path())]).success);
    // Comes when the next scan stores its own events, long after it cleared what the first one left.
    data.scan(&repository.path());
    assert_eq!(proxy.happened(), 2);
    let rows = data.sql(&["SELECT count() AS rows, uniq(run_id) AS runs FROM resource_events"]);
    assert_eq!(rows, ["{\"rows\":8,\"runs\":1}\n"]);
    Stored::read(&data).assert_equals(&undisturbed(&repository));
}
