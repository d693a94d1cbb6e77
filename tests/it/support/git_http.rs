//! Git over HTTP, by Git's own server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::faults::listen;

/// A server of the repositories below `root`, for everybody, or for whoever sends `user:password`; answers its URL.
pub fn serve(root: PathBuf, credentials: Option<&str>) -> String {
    let expected = credentials.map(|credentials| format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials)));
    listen(move |mut stream| {
        let Some((head, body)) = read_request(&mut stream) else { return };
        let answer = if expected.as_ref().is_none_or(|expected| head.contains(expected)) {
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
