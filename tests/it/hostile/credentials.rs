//! Credentials in a URL: they reach the server, and nothing else ever has them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::scan_with;
use super::secrets::{absent_everywhere, search_files};
use super::server::{self, Mood};
use crate::support::data::{TestData, text};
use crate::support::faults::{http_server, listen};
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
    let url = backend(root);
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

/// A server of the repositories below `root`, for whoever sends the credentials; answers its URL.
fn backend(root: PathBuf) -> String {
    listen(move |mut stream| {
        let Some((head, body)) = read_request(&mut stream) else { return };
        let expected = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{USER}:{PASSWORD}")));
        let answer = if head.contains(&expected) {
            [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", &run_backend(&root, &head, &body)[..]].concat()
        } else {
            b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec()
        };
        // The client is free to go.
        let _ = stream.write_all(&answer);
    })
}

/// Git's own server: the rest of its answer's head, and the answer.
fn run_backend(root: &Path, head: &str, body: &[u8]) -> Vec<u8> {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", root).envs([
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("REQUEST_METHOD", method),
        ("PATH_INFO", path),
        ("QUERY_STRING", query),
        ("CONTENT_TYPE", header("Content-Type: ")),
        ("CONTENT_LENGTH", &body.len().to_string()),
        ("HTTP_CONTENT_ENCODING", header("Content-Encoding: ")),
        ("GIT_PROTOCOL", header("Git-Protocol: ")),
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// Head and body of a request whose length is told.
fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end + 2]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let body = &request[end + 4..];
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some((head, body.to_vec()));
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// The arguments of every git that runs.
fn arguments_of_git() -> String {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let arguments = processes.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    arguments.filter(|arguments| arguments.split(' ').next().is_some_and(|program| program.contains("git"))).collect()
}
