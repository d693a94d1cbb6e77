//! Jobs through the program: what it prints, and what becomes of its jobs when it is killed, stopped or interrupted.

use std::io::{Read, Write};

use super::stalled::{Stalled, column, jobs};
use crate::support::data::{TestData, json_lines, text};
use crate::support::process::{PATIENCE, eventually, send_signal};
use crate::support::repos::fixture;
use crate::support::server::TestServer;

#[test]
fn scans_of_the_command_line_are_seen_as_jobs() {
    let (repository, empty) = (fixture("move"), fixture("empty"));
    let data = TestData::new();
    data.run(&["scan", text(&repository.path()), text(&empty.path())]);
    data.scan(&repository.path());
    let jobs = jobs(&data, &[]);
    assert_eq!(column(&jobs, "kind"), ["SCAN"; 3]);
    let mut states = column(&jobs[..2], "state");
    states.sort_unstable();
    assert_eq!((states, &jobs[2]["state"]), (vec!["FAILED", "SUCCEEDED"], &"SUCCEEDED".into()));
    let failed = jobs.iter().find(|job| job["state"] == "FAILED").unwrap();
    assert_eq!(failed["error"]["code"], "GIT");
    assert!(failed["error"]["message"].as_str().unwrap().contains("empty"), "{failed}");
    assert!(jobs[2]["repository"].as_str().unwrap().ends_with("/move"), "{}", jobs[2]);
    assert_eq!(jobs[2]["requested_by"], "cli");
    let first = jobs[..2].iter().find(|job| job["state"] == "SUCCEEDED").unwrap();
    assert!(first["progress"]["total"].as_u64() > Some(0), "it told how far it was: {first}");
    assert!(first["run"].is_string() && jobs[2]["run"].is_null(), "only a scan that stored something has a run");
    let shown = data.succeed(&["jobs", first["id"].as_str().unwrap()]);
    assert!(shown.contains("  state      SUCCEEDED") && shown.contains("2 commits that touch YAML"), "{shown}");
    let workers = std::fs::read_dir(data.path().join("run")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(workers.into_iter().all(|name| !name.to_str().unwrap().starts_with("worker-")), "a lock is left");
}

#[test]
fn a_sync_ends_with_all_that_it_asks_for() {
    let repository = fixture("move");
    let data = TestData::new();
    let ran = data.run(&["sync", text(&repository.path())]);
    assert!(ran.success, "{}", ran.stderr);
    let mut printed: Vec<&str> = ran.stdout.lines().map(|line| line.split("  ").next().unwrap()).collect();
    printed.dedup();
    assert_eq!(printed, ["SUCCEEDED"], "{}", ran.stdout);
    assert!(ran.stdout.contains("sync ") && ran.stdout.contains("scan ") && ran.stdout.contains("/move"));
    assert!(ran.stderr.contains("/move: running"), "{}", ran.stderr);
    let resources = "{ repositories { nodes { fullName resourceCount } } }";
    let answer = data.query(resources, serde_json::json!({}));
    assert_eq!(answer["repositories"]["nodes"][0]["resourceCount"], 1);
    // By its name from now on.
    let name = answer["repositories"]["nodes"][0]["fullName"].as_str().unwrap();
    let again = json_lines(&data.succeed(&["sync", "--json", name]));
    assert!(again.iter().all(|job| job["state"] == "SUCCEEDED" && job["repository"] == name), "{again:#?}");
    assert_eq!(again[0]["arguments"]["fetch"], true);

    let scans = jobs(&data, &["--kind", "SCAN"]);
    assert!(!scans.is_empty() && column(&scans, "kind").iter().all(|kind| *kind == "SCAN"));
    assert_eq!(jobs(&data, &["--kind", "scan", "--limit", "1"]).len(), 1);
    assert!(jobs(&data, &["--state", "failed"]).is_empty());
    let table = data.succeed(&["jobs"]);
    assert!(table.trim_start().starts_with("ID ") && table.contains(name), "{table}");
    let followed = data.succeed(&["jobs", "--follow", scans[0]["id"].as_str().unwrap()]);
    assert!(followed.contains("SUCCEEDED"), "{followed}");
}

#[test]
fn what_is_not_there_is_told() {
    let data = TestData::new();
    let ran = data.run(&["sync", "no/where"]);
    assert!(!ran.success && ran.complaints().len() == 1, "{}", ran.stderr);
    let ran = data.run(&["jobs", "019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42"]);
    assert!(!ran.success);
    assert_eq!(ran.complaints(), ["kubestats: there is no job 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42"]);
    let ran = data.run(&["jobs", "--state", "done"]);
    assert!(!ran.success && ran.stderr.contains("SUCCEEDED"), "{}", ran.stderr);
}

#[test]
fn what_a_killed_process_was_doing_is_picked_up_by_the_next_server() {
    let data = TestData::new().with("KUBESTATS_JOBS__SHUTDOWN_SECONDS", "0");
    let mut server = TestServer::start(&data);
    let stalled = Stalled::new(&data);
    let mut command = stalled.run(&data, &["sync"]);
    let running = jobs(&data, &["--state", "running"]).remove(0);
    let id = running["id"].as_str().unwrap();
    command.child.kill().unwrap();
    command.code();
    server.kill();

    let state = |data: &TestData| {
        let all = jobs(data, &[]);
        let job = all.into_iter().find(|job| job["id"] == id).unwrap();
        (job["state"].as_str().unwrap().to_owned(), job["attempts"].as_u64().unwrap())
    };
    let mut next = TestServer::start(&data);
    eventually("it runs again", || state(&data) == ("RUNNING".to_owned(), 2));
    let shown = data.succeed(&["jobs", id]);
    assert!(shown.contains("picked up again"), "{shown}");
    // A server that is told to end leaves it to the next one.
    assert!(next.stop());
    assert_eq!(state(&data), ("QUEUED".to_owned(), 1));
    let mut last = TestServer::start(&data);
    eventually("it runs once more", || state(&data).0 == "RUNNING");
    last.kill();
}

#[test]
fn a_server_that_knows_nothing_looks_for_repositories_at_once() {
    let data = TestData::new()
        .with("KUBESTATS_DISCOVERY__ENABLED", "true")
        .with("KUBESTATS_DISCOVERY__QUERIES", "")
        .with("KUBESTATS_GITHUB__URL", "http://127.0.0.1:9");
    let server = TestServer::start(&data);
    eventually("it says so", || server.log().contains("  discovery   on, 0 queries; without github.token"));
    let jobs = jobs(&data, &[]);
    assert_eq!((column(&jobs, "kind"), column(&jobs, "requested_by")), (vec!["DISCOVER"], vec!["schedule discovery"]));

    let quiet = TestData::new();
    let server = TestServer::start(&quiet);
    eventually("it says so", || server.log().contains("  discovery   off (discovery.enabled)"));
    assert!(self::jobs(&quiet, &[]).is_empty());
}

#[test]
fn what_a_log_would_tell_a_terminal_is_shown_instead() {
    let data = TestData::new();
    let id = "019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42";
    data.succeed(&["migrate"]);
    let columns = "id, kind, state, created_at, started_at, ended_at, error_code, error_message, requested_by, version";
    let job = format!(
        "INSERT INTO jobs ({columns}) VALUES ('{id}', 'SYNC', 'FAILED', 1780000000, 1780000000, 1780000002.5, 'GIT', '\\x1b[2Jgone', 'api', 1)"
    );
    let line = format!("INSERT INTO job_log VALUES ('{id}', 0, 1780000001, 'WARN', 'a\\x1b[31mb\\nc')");
    data.sql(&[&job, &line]);
    let shown = data.succeed(&["jobs", id]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains(r"WARN  a\u{1b}[31mb\nc") && shown.contains(r"GIT: \u{1b}[2Jgone"), "{shown}");
    assert!(shown.contains("2.5 s"), "{shown}");
    let table = data.succeed(&["jobs"]);
    assert!(!table.contains('\u{1b}') && table.contains(r"\u{1b}[2Jgone"), "{table:?}");
}

/// A client that has promised a body and never sends it.
fn stalled(server: &TestServer) -> std::net::TcpStream {
    let mut client = std::net::TcpStream::connect(server.address).unwrap();
    let head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\
                Expect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    // The server says so when it waits for the body.
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    client
}

#[test]
fn a_client_that_stalls_does_not_keep_the_server() {
    let data = TestData::new();
    let mut server = TestServer::start(&data);
    let _client = stalled(&server);
    assert!(server.stop(), "{}", server.log());
    assert!(server.log().contains("requests that did not end are cut off"), "{}", server.log());
}

#[test]
fn whoever_asks_twice_does_not_wait() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let _client = stalled(&server);
    send_signal(server.pid(), "INT");
    eventually("the first one is heard", || std::net::TcpStream::connect(server.address).is_err());
    send_signal(server.pid(), "INT");
    eventually("the second one ends it", || server.log().contains("ended at once"));
    assert!(!server.log().contains("cut off"), "{}", server.log());
}
