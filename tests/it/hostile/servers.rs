//! Servers that send forever, say nothing, or lie.

use std::fs;
use std::thread;

use super::server::{self, Mood};
use super::{Scanned, scan, scan_with};
use crate::support::data::TestData;
use crate::support::process::eventually;
use crate::support::repos::fixture;

/// Limits that are soon reached.
fn small_limits() -> TestData {
    TestData::new().with("KUBESTATS_GIT__FETCH_LIMIT_MB", "1").with("KUBESTATS_GIT__FETCH_TIMEOUT_SECONDS", "600")
}

/// Time that is soon over; enough for the neighbours on a busy machine.
fn little_time() -> TestData {
    TestData::new().with("KUBESTATS_GIT__FETCH_TIMEOUT_SECONDS", "20")
}

/// Asks a server in this mood by both protocols.
#[track_caller]
fn refused(mood: Mood, data: fn() -> TestData, words: &str) {
    for url in [server::http(mood), server::git(mood)] {
        refused_by(&url, data(), words);
    }
}

/// Asks one server.
#[track_caller]
fn refused_by(url: &str, data: TestData, words: &str) {
    let scanned = scan_with(data, &format!("{url}/owner/name"));
    scanned.refused(words);
    nothing_is_left(&scanned);
}

/// What was received in vain is deleted, and no git runs on.
#[track_caller]
fn nothing_is_left(scanned: &Scanned) {
    let mirrors = fs::read_dir(scanned.data.path().join("mirrors")).unwrap().map(|entry| entry.unwrap().path());
    for packs in mirrors.map(|mirror| mirror.join("objects/pack")).filter(|packs| packs.exists()) {
        for file in fs::read_dir(&packs).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(name.starts_with("pack-"), "{name} is left");
        }
    }
    let data = scanned.data.path();
    eventually("no git runs on", || {
        let processes = fs::read_dir("/proc").unwrap();
        let mut running = processes.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
        !running.any(|arguments| {
            let arguments = String::from_utf8_lossy(&arguments);
            arguments.starts_with("git\0") && arguments.contains(data.to_str().unwrap())
        })
    });
}

#[test]
fn a_server_that_sends_a_file_forever_is_stopped_by_the_limit_of_bytes() {
    refused(Mood::EndlessFile, small_limits, "larger than the limit of 1048576 bytes");
}

#[test]
fn a_server_that_lists_branches_forever_is_stopped_by_the_limit_of_memory() {
    refused(Mood::EndlessBranches, small_limits, "more than git may hold in memory");
}

#[test]
fn a_server_that_greets_forever_is_stopped_by_the_limit_of_memory() {
    refused(Mood::EndlessGreeting, small_limits, "more than git may hold in memory");
}

#[test]
fn an_object_beyond_the_memory_is_refused() {
    refused(Mood::LargeCommit, TestData::new, "more than git may hold in memory");
}

#[test]
fn servers_that_only_talk_or_say_nothing_are_stopped_by_the_limit_of_time() {
    let sources = [Mood::EndlessProgress, Mood::SilentFetch].map(|mood| [server::http(mood), server::git(mood)]);
    // All wait at the same time.
    thread::scope(|scope| {
        for url in sources.as_flattened() {
            scope.spawn(move || refused_by(url, little_time(), "not fetched within 20 s"));
        }
    });
}

#[test]
fn what_is_no_pack_is_refused() {
    refused(Mood::Nonsense, TestData::new, "cannot be fetched");
}

#[test]
fn names_of_branches_that_mean_something_else_are_refused() {
    for name in ["../../../../tmp/pwned", "-upload-pack=touch", "x.lock", "main:refs/heads/other", "\u{1b}[31m"] {
        let url = server::git(Mood::Branch(name));
        let scanned = scan_with(TestData::new(), &format!("{url}/owner/name"));
        assert_eq!(scanned.repository()["scanStatus"], "FAILED", "{name}");
        let complaints = scanned.ran.complaints();
        assert_eq!(complaints.len(), 1, "{name}: {}", scanned.ran.stderr);
        assert!(!scanned.ran.stderr.contains('\u{1b}'));
    }
}

#[test]
fn a_repository_larger_than_the_limit_is_refused_and_scanned_with_a_higher_one() {
    let repository = fixture("create-modify-delete");
    // 64 MiB that no compression makes smaller.
    repository.git(&["config", "core.compression", "0"]);
    let mut noise = vec![0_u8; 64 << 20];
    let mut state = 1_u64;
    for chunk in noise.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        chunk.copy_from_slice(&state.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    fs::write(repository.path().join("noise"), noise).unwrap();
    repository.commit_file("new.yaml", "a: 1\n", "noise");
    let data = TestData::new().with("KUBESTATS_GIT__FETCH_LIMIT_MB", "1");
    let scanned = scan_with(data, repository.path().to_str().unwrap());
    scanned.refused("larger than the limit of 1048576 bytes");
    nothing_is_left(&scanned);
    scan(&repository.path()).succeeded("4 commits, 1 created, 1 modified (0 moves), 1 deleted, 0 alive, 0 unparsable");
}
