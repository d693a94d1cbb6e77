//! A minimal HTTP client: one request a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::process::PATIENCE;

/// What a server answered.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Name in lower case, and value.
    headers: Vec<(String, String)>,
    pub body: String,
}

/// Sends one request. `headers` are whole lines without their ends.
#[track_caller]
pub fn send(address: SocketAddr, method: &str, target: &str, headers: &[&str], body: &str) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = format!("Content-Length: {}", body.len());
    let host = format!("Host: {address}");
    let mut lines = vec![host.as_str(), "Connection: close", &length];
    lines.extend(headers);
    let head = lines.join("\r\n");
    write!(stream, "{method} {target} HTTP/1.1\r\n{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Response::parse(&answer)
}

impl Response {
    /// Bodies come whole: the server sends none of these in chunks.
    #[track_caller]
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let (status, headers) = head.split_once("\r\n").expect("an HTTP head");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<_> = headers.lines().map(header).collect();
        assert!(headers.iter().all(|(name, _)| name != "transfer-encoding"), "{head}");
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, headers, body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(this, _)| this == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
