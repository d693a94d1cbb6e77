//! Scans that are killed: what readers see afterwards, and after the next scan.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::stored::Stored;
use crate::support::data::{TestData, text};
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::process::{eventually, holds_within, wait_for_end};
use crate::support::repos::fixture;

/// Moments at which scans are killed, spread over the time that an undisturbed one takes.
const MOMENTS: u32 = 8;
/// The same for `make soak`.
const SOAK_MOMENTS: u32 = 200;

on_both_hostings! {
    a_killed_scan_and_the_next_equal_an_undisturbed_one
    nothing_of_a_killed_scan_is_seen
    a_killed_scan_that_continued_leaves_what_was_there
    two_scans_of_a_repository_at_once_do_not_mix
}

fn a_killed_scan_and_the_next_equal_an_undisturbed_one(hosting: Hosting) {
    kill_and_compare(hosting, MOMENTS);
}

#[test]
#[ignore = "soak"]
fn soak_scans_killed_at_many_moments_and_the_next_equal_an_undisturbed_one() {
    kill_and_compare(Hosting::Embedded, SOAK_MOMENTS);
    kill_and_compare(Hosting::External, SOAK_MOMENTS);
}

/// Kills scans of one repository at so many moments, and compares what readers see after one more.
fn kill_and_compare(hosting: Hosting, moments: u32) {
    let repository = fixture("many-commits");
    let undisturbed = TestData::on(hosting);
    let started = Instant::now();
    undisturbed.scan(&repository.path());
    let whole = started.elapsed();
    let expected = Stored::read(&undisturbed);
    assert_eq!(expected.event_count(), 11_882);

    let data = TestData::on(hosting);
    let mut killed = 0;
    for moment in 1..=moments {
        killed += u32::from(kill_after(&data, &repository.path(), whole * moment / moments));
    }
    assert!(killed > moments / 3, "only {killed} scans ran long enough to be killed");
    data.scan(&repository.path());
    Stored::read(&data).assert_equals(&expected);
}

fn nothing_of_a_killed_scan_is_seen(hosting: Hosting) {
    let repository = fixture("many-commits");
    let data = TestData::on(hosting);
    let mut child = start(&data, &repository.path());
    let progress = BufReader::new(child.stderr.take().unwrap()).lines();
    // Rows lie in the database by then, since an insert has 8,000 events.
    let ninety = progress.map_while(Result::ok).find(|line| line.contains(" 90 % "));
    assert!(ninety.is_some(), "the scan told of no progress");
    child.kill().unwrap();
    wait_for_end(&mut child);
    let answer =
        data.query("{ repositories { nodes { scanStatus eventCount } } events(first: 1) { nodes { id } } }", json!({}));
    assert_eq!(answer["events"]["nodes"], json!([]));
    assert_eq!(answer["repositories"]["nodes"], json!([{ "scanStatus": "PENDING", "eventCount": 0 }]));
}

fn a_killed_scan_that_continued_leaves_what_was_there(hosting: Hosting) {
    let repository = fixture("many-commits");
    let head = repository.git(&["rev-parse", "main"]);
    repository.git(&["update-ref", "refs/heads/main", "main~5000"]);
    let data = TestData::on(hosting);
    let first = data.scan(&repository.path());
    let before = Stored::read(&data);
    repository.git(&["update-ref", "refs/heads/main", &head]);

    let mut child = start(&data, &repository.path());
    let progress = BufReader::new(child.stderr.take().unwrap()).lines();
    let most = progress.map_while(Result::ok).find(|line| line.contains(" 90 % "));
    assert!(most.is_some(), "the scan told of no progress");
    child.kill().unwrap();
    wait_for_end(&mut child);
    Stored::read(&data).assert_equals(&before);
    let second = data.scan(&repository.path());
    assert_eq!((&first["commits"], &second["commits"]), (&json!(1000), &json!(6000)));
    let fresh = TestData::on(hosting);
    fresh.scan(&repository.path());
    Stored::read(&data).assert_equals(&Stored::read(&fresh));
}

fn two_scans_of_a_repository_at_once_do_not_mix(hosting: Hosting) {
    let repository = fixture("many-commits");
    let data = TestData::on(hosting);
    let _server = crate::support::server::TestServer::start(&data);
    let mut first = start(&data, &repository.path());
    let progress = BufReader::new(first.stderr.take().unwrap()).lines();
    let mut progress = progress.map_while(Result::ok);
    assert!(progress.any(|line| line.contains("commits to read")));
    let second = data.run(&["scan", text(&repository.path())]);
    assert!(!second.success);
    assert_eq!(second.complaints().len(), 1, "{}", second.stderr);
    assert!(second.complaints()[0].contains("another scan of this repository is running"), "{}", second.stderr);
    progress.for_each(drop);
    assert!(wait_for_end(&mut first).success());
    let answer = data.query("{ repositories { nodes { scanStatus eventCount } } }", json!({}));
    assert_eq!(answer["repositories"]["nodes"], json!([{ "scanStatus": "SUCCEEDED", "eventCount": 11_882 }]));
}

fn start(data: &TestData, source: &Path) -> Child {
    let mut command = data.command(&["scan", text(source)]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills a scan after some time; answers whether it was still running.
fn kill_after(data: &TestData, source: &Path, time: Duration) -> bool {
    let mut command = data.command(&["scan", text(source)]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ended = holds_within(time, || child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
        wait_for_end(&mut child);
        // The orphaned engine notices the end of its pipe.
        eventually("the engine of a killed scan ends", || data.is_free());
    }
    !ended
}
