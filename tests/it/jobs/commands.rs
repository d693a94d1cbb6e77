//! Commands beside a server and beside each other: what they tell of each other's jobs, and how they end them.

use serde_json::{Value, json};

use super::stalled::{Running, Stalled, column, jobs};
use crate::support::data::{TestData, text};
use crate::support::process::{eventually, send_signal};
use crate::support::repos::fixture;
use crate::support::server::TestServer;

/// The job that runs.
#[track_caller]
fn running(data: &TestData) -> String {
    let running = jobs(data, &["--state", "running"]);
    assert_eq!(running.len(), 1, "{running:#?}");
    running[0]["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn state(data: &TestData, id: &str) -> String {
    let all = jobs(data, &[]);
    all.iter().find(|job| job["id"] == id).unwrap()["state"].as_str().unwrap().to_owned()
}

#[test]
fn an_interrupted_command_cancels_its_jobs() {
    let data = TestData::new();
    let _server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    for command in ["sync", "scan"] {
        let mut interrupted = stalled.run(&data, &[command]);
        let id = running(&data);
        send_signal(interrupted.child.id(), "INT");
        assert_eq!(interrupted.code(), Some(1));
        eventually("it says so", || interrupted.stderr().ends_with("kubestats: cancelled\n"));
        assert_eq!(state(&data, &id), "CANCELLED");
    }
    let states = jobs(&data, &[]);
    assert!(column(&states, "state").iter().all(|state| ["CANCELLED", "SUCCEEDED"].contains(state)), "{states:#?}");
}

#[test]
fn a_job_of_a_command_is_cancelled_from_elsewhere() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    let mut scan = stalled.run(&data, &["scan"]);
    let id = running(&data);
    let cancelled = data.succeed(&["jobs", "cancel", &id]);
    assert!(cancelled.starts_with(&id) && cancelled.contains("CANCELLED  scan "), "{cancelled}");
    assert_eq!(scan.code(), Some(1));
    eventually("it says so", || scan.stderr().ends_with(": cancelled\n"));

    let mut sync = stalled.run(&data, &["sync"]);
    let found = server.query("{ jobs(filter: {state: {eq: RUNNING}}) { nodes { id } } }");
    let document = "mutation End($id: ID!) { cancelJob(id: $id) { job { state } userErrors { message } } }";
    let answer = server.query_with(document, json!({ "id": found["jobs"]["nodes"][0]["id"] }));
    assert_eq!(answer["cancelJob"], json!({ "job": { "state": "CANCELLED" }, "userErrors": [] }));
    assert_eq!(sync.code(), Some(1));

    let late = data.run(&["jobs", "cancel", &id, "019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42"]);
    assert!(!late.success && late.stdout.is_empty(), "{}", late.stdout);
    let complaints = late.complaints();
    assert!(complaints[0].ends_with("the job is CANCELLED already"), "{complaints:?}");
    assert!(complaints[1].contains("there is no job 019aa1f6"), "{complaints:?}");
}

#[test]
fn what_has_ended_is_done_once_more() {
    let data = TestData::new();
    let _server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    let mut scan = stalled.run(&data, &["scan"]);
    let id = running(&data);
    let early = data.run(&["jobs", "retry", &id]);
    assert_eq!(early.complaints(), ["kubestats: the job is RUNNING; it can be asked for again when it has ended"]);
    send_signal(scan.child.id(), "INT");
    scan.code();
    stalled.release();
    let retried: Value = serde_json::from_str(data.succeed(&["jobs", "retry", "--json", &id]).trim()).unwrap();
    assert_eq!((&retried["kind"], &retried["state"]), (&"SCAN".into(), &"SUCCEEDED".into()), "{retried}");
    assert_eq!((&retried["arguments"]["fetch"], retried["id"] == id.as_str()), (&true.into(), false));
}

#[test]
fn a_dead_scan_is_written_off_by_the_next_one() {
    let data = TestData::new();
    let _server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    let mut scan = stalled.run(&data, &["scan"]);
    let id = running(&data);
    scan.child.kill().unwrap();
    scan.code();
    stalled.release();
    data.scan(&stalled.repository.path());
    assert_eq!(state(&data, &id), "CANCELLED");
}

#[test]
fn what_another_process_does_is_told_and_waited_for() {
    let data = TestData::new();
    let _server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    let mut first = stalled.run(&data, &["sync"]);
    let id = running(&data);
    let mut second = stalled.begin(&data, &["sync"]);
    let holder = format!("another process does it (kubestats sync, process {}; job {id})", first.child.id());
    eventually("it says so", || second.stderr().contains(&holder));
    // It shows how far that is, and a scan waits for whoever is at the repository.
    let mut scan = stalled.begin(&data, &["scan"]);
    eventually("it says so", || scan.stderr().contains("another scan of this repository is running (kubestats sync"));
    stalled.release();
    for command in [&mut first, &mut second, &mut scan] {
        assert_eq!(command.code(), Some(0), "{}", command.stderr());
    }
    eventually("it is told", || second.stdout().contains(&id) && second.stdout().contains("SUCCEEDED"));
    eventually("it is told", || scan.stdout().contains("\"seconds\""));
}

#[test]
fn whoever_follows_sees_every_change() {
    let data = TestData::new();
    let _server = TestServer::start(&data);
    let repository = fixture("move");
    data.succeed(&["sync", text(&repository.path())]);
    let oldest = jobs(&data, &[])[0]["id"].as_str().unwrap().to_owned();
    let all = Running::new(&data, &["jobs", "--follow", "--limit", "1"]);
    let running = Running::new(&data, &["jobs", "--follow", "--limit", "1", "--state", "running"]);
    for followed in [&all, &running] {
        eventually("it lists", || followed.stdout().contains("ID "));
    }
    // Of the oldest job, which is not among the first that were listed.
    let change = |state: &str| {
        let columns = format!("'{state}' AS state, toUInt64(toUnixTimestamp64Micro(now64(6))) AS version");
        data.sql(&[&format!("INSERT INTO jobs SELECT * REPLACE ({columns}) FROM jobs FINAL WHERE id = '{oldest}'")]);
    };
    for state in ["RUNNING", "FAILED"] {
        change(state);
        let line = |followed: &Running| {
            followed.stdout().lines().any(|line| line.starts_with(&oldest) && line.contains(&format!("  {state}")))
        };
        eventually("it tells", || line(&all));
        eventually("it tells, of the end, too", || line(&running));
    }
    // What is neither is left out.
    change("SUCCEEDED");
    eventually("it tells", || all.stdout().matches(&format!("{oldest}  ")).count() == 3);
    change("RUNNING");
    eventually("it tells", || running.stdout().matches("RUNNING").count() == 2);
    assert!(!running.stdout().contains("SUCCEEDED"), "{}", running.stdout());
}
