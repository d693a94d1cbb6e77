//! Git over HTTP, by Git's own server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::faults::listen;

/// A server of the repositories below a folder.
pub struct GitServer {
    pub url: String,
    state: Arc<Mutex<State>>,
}

/// What a repository's requests meet with, until it is mended.
#[derive(Clone, Copy, Debug)]
pub enum Breakage {
    /// They get this status.
    Status(u16),
    /// No answer, ever.
    Silence,
    /// The pack ends in the middle.
    CutPack,
    /// A page for people, as a login or a proxy shows it.
    Page,
}

#[derive(Default)]
struct State {
    /// Full names, and what requests for them meet with.
    broken: Vec<(String, Breakage)>,
    /// Full names that need no credentials.
    open: Vec<String>,
    targets: Vec<String>,
}

impl GitServer {
    /// For everybody, or for whoever sends `user:password`.
    pub fn start(root: PathBuf, credentials: Option<&str>) -> Self {
        let expected =
            credentials.map(|credentials| format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials)));
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let url = listen(move |mut stream| {
            let Some((head, body)) = read_request(&mut stream) else { return };
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let (broken, is_open) = {
                let mut state = shared.lock().unwrap();
                state.targets.push(target.clone());
                let broken = state.broken.iter().find(|(name, _)| is_of(&target, name));
                (broken.map(|(_, breakage)| *breakage), state.open.iter().any(|name| is_of(&target, name)))
            };
            let answer = match broken {
                _ if !is_open && expected.as_ref().is_some_and(|expected| !head.contains(expected)) => status(401),
                None => served(&root, &head, &body),
                Some(Breakage::Status(number)) => status(number),
                Some(Breakage::Page) => {
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>\n<p>moved</p>\n</html>\n".to_vec()
                }
                Some(Breakage::CutPack) => {
                    let answer = served(&root, &head, &body);
                    let pack = answer.windows(4).position(|four| four == b"PACK");
                    answer[..pack.map_or(answer.len(), |pack| pack + 20)].to_vec()
                }
                // Until the client gives up.
                Some(Breakage::Silence) => {
                    while let Ok(1..) = stream.read(&mut [0; 64]) {}
                    return;
                }
            };
            // The client is free to go.
            let _ = stream.write_all(&answer);
        });
        Self { url, state }
    }

    /// Breaks what is asked of one repository, `owner/name`.
    pub fn break_down(&self, full_name: &str, breakage: Breakage) {
        self.state.lock().unwrap().broken.push((full_name.to_owned(), breakage));
    }

    /// Lets everybody clone one repository.
    pub fn open(&self, full_name: &str) {
        self.state.lock().unwrap().open.push(full_name.to_owned());
    }

    pub fn mend_all(&self) {
        self.state.lock().unwrap().broken.clear();
    }

    /// Paths and queries that were asked for so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().targets.clone()
    }
}

/// Whether a request is for this repository, `owner/name`, with `.git` behind or without.
fn is_of(target: &str, full_name: &str) -> bool {
    let rest = target.strip_prefix('/').and_then(|target| target.strip_prefix(full_name));
    rest.is_some_and(|rest| rest.starts_with('/') || rest.starts_with(".git/"))
}

fn status(number: u16) -> Vec<u8> {
    format!("HTTP/1.1 {number} Any\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn served(root: &Path, head: &str, body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", &run_backend(root, head, body)[..]].concat()
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
