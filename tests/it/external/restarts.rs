//! A server that goes away and comes back, while a scan writes and readers ask.

use std::process::Stdio;

use serde_json::{Value, json};

use super::data_at;
use crate::scan::stored::Stored;
use crate::support::data::{TestData, text};
use crate::support::external::TestClickHouse;
use crate::support::process::eventually;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

const COUNT: &str = r#"{"query": "{ events { totalCount } }"}"#;
/// More than a scan lives through: it then fails, and the next one goes on.
const RESTARTS: usize = 8;

#[test]
fn while_the_server_is_away_the_program_says_so_and_then_goes_on() {
    let mut clickhouse = TestClickHouse::start();
    let data = data_at(&clickhouse.url, "kubestats");
    data.scan(&fixture("moves-paired").path());
    let server = TestServer::start(&data);
    assert_eq!(server.get("/readyz").status, 200);

    clickhouse.kill();
    let ready = server.get("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (503, "the database does not answer\n"));
    assert_eq!(server.get("/healthz").status, 200);
    let error = server.post(COUNT).json()["errors"][0].take();
    let message = "the database cannot be reached at the moment; try again";
    assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!(message), &json!("INTERNAL")));
    // One line for the health check, one for the question (and one that it was repeated): each failure is logged once.
    eventually("the failure is in the log", || server.log().contains("a question failed"));
    let log = server.log();
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("not ready"), count("ERROR"), count("a question failed")), (1, 1, 1), "{log}");

    clickhouse.start_again();
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.query("{ events { totalCount } }")["events"]["totalCount"], 8);
}

#[test]
fn restarts_under_load_change_nothing() {
    let repository = fixture("many-commits");
    let undisturbed = TestData::new();
    undisturbed.scan(&repository.path());
    let expected = Stored::read(&undisturbed);
    let whole = json!(expected.event_count());

    let mut clickhouse = TestClickHouse::start();
    let data = TestData::in_database(clickhouse.database());
    let server = TestServer::start(&data);
    let mut restarts = 0;
    loop {
        let mut command = data.command(&["scan", "--json", text(&repository.path())]);
        let mut scan = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = restarts;
        let mut ended = None;
        while ended.is_none() && restarts < RESTARTS {
            clickhouse.kill();
            clickhouse.start_again();
            restarts += 1;
            // Each life is used before it ends.
            eventually("a reader is answered", || is_answered(&server, &whole));
            ended = scan.try_wait().unwrap();
        }
        let ended = ended.unwrap_or_else(|| scan.wait().unwrap());
        if ended.success() {
            break;
        }
        assert!(restarts > before, "a scan failed without a restart");
    }
    assert!(restarts > 2, "the server was restarted {restarts} times only");
    Stored::read(&data).assert_equals(&expected);
}

/// Whether a reader gets an answer, which is a right one; else it got a clear error.
#[track_caller]
fn is_answered(server: &TestServer, whole: &Value) -> bool {
    let response = server.post(COUNT).json();
    if let Some(error) = response.pointer("/errors/0") {
        let code = error["extensions"]["code"].as_str().unwrap();
        assert!(["INTERNAL", "TIMEOUT"].contains(&code), "{response}");
        return false;
    }
    let count = &response["data"]["events"]["totalCount"];
    assert!(*count == json!(0) || count == whole, "a reader saw a part of a scan: {response}");
    true
}
