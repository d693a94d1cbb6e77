//! Credentials in a URL: they reach the server, and nothing else ever has them.

use std::fs;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::scan_with;
use super::secrets::{absent_everywhere, search_files};
use super::server::{self, Mood};
use crate::support::data::{TestData, text};
use crate::support::faults::http_server;
use crate::support::git_http::GitServer;
use crate::support::repos::{fixture, run_git};

const USER: &str = "planted-user";
const PASSWORD: &str = "planted:p@ss%word/1";
/// As it stands in a URL.
const WRITTEN: &str = "planted%3Ap%40ss%25word%2F1";

/// The URL with the credentials.
fn with_credentials(url: &str) -> String {
    let rest = url.split_once("://").unwrap().1;
    let scheme = url.split_once("://").unwrap().0;
    format!("{scheme}://{USER}:{WRITTEN}@{rest}/owner/name.git?private_token={PASSWORD}#{PASSWORD}")
}

fn planted() -> Vec<String> {
    let encoded = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    [PASSWORD, WRITTEN, USER, &encoded].map(str::to_owned).to_vec()
}

#[test]
fn a_server_that_says_them_back_teaches_nobody() {
    for url in [server::http(Mood::Echo), server::git(Mood::Echo)] {
        let data = TestData::new().with("KUBESTATS_LOG", "trace");
        let scanned = scan_with(data, &with_credentials(&url));
        scanned.refused("cannot be fetched");
        absent_everywhere(&scanned, &planted(), "owner");
        search_files(&scanned.data.path().join("mirrors"), &planted());
    }
}

#[test]
fn they_are_sent_in_a_header_and_stand_in_no_argument_of_git() {
    let seen = Arc::new(Mutex::new((String::new(), String::new())));
    let shared = seen.clone();
    let url = http_server(move |request| {
        let mut seen = shared.lock().unwrap();
        seen.0.push_str(request);
        seen.1.push_str(&arguments_of_git());
        (403, "no\n".to_owned())
    });
    let data = TestData::new().with("KUBESTATS_LOG", "trace");
    let scanned = scan_with(data, &with_credentials(&url));
    scanned.refused("refuses access");
    let (requests, arguments) = &*seen.lock().unwrap();
    assert!(requests.contains(&format!("Authorization: Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))));
    assert!(arguments.contains(url.as_str()), "git was seen: {arguments}");
    let planted = planted();
    for secret in &planted {
        assert!(!arguments.contains(secret), "{secret} is in {arguments}");
    }
    absent_everywhere(&scanned, &planted, "owner");
    search_files(&scanned.data.path().join("mirrors"), &planted);
}

#[test]
fn a_repository_that_was_fetched_with_them_keeps_none() {
    let repository = fixture("create-modify-delete");
    let root = repository.beside("served");
    let served = root.join("owner/name.git");
    run_git(&repository.path(), &["clone", "--quiet", "--bare", ".", text(&served)]);
    let url = GitServer::start(root, Some(&format!("{USER}:{PASSWORD}"))).url;
    let data = TestData::new().with("KUBESTATS_LOG", "trace");
    let scanned = scan_with(data, &with_credentials(&url));
    assert!(scanned.ran.success, "{}", scanned.ran.stderr);
    let stored = scanned.repository();
    assert_eq!([&stored["scanStatus"], &stored["eventCount"]], [&json!("SUCCEEDED"), &json!(3)]);
    assert_eq!(stored["url"], format!("{url}/owner/name"));
    // And once more, from where the mirror stands now.
    repository.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "new");
    run_git(&served, &["fetch", "--quiet", text(&repository.path()), "main:main"]);
    scanned.data.succeed(&["scan", &scanned.source]);
    assert_eq!(scanned.repository()["eventCount"], 4);
    absent_everywhere(&scanned, &planted(), "owner");
    search_files(&scanned.data.path().join("mirrors"), &planted());
}

/// The arguments of every git that runs.
fn arguments_of_git() -> String {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let arguments = processes.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    arguments.filter(|arguments| arguments.split(' ').next().is_some_and(|program| program.contains("git"))).collect()
}
