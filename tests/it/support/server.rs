//! `kubestats serve` on a free port.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::data::TestData;
use super::http::{self, Response};
use super::process::{send_signal, wait_for_end};

/// A running server; it is ended with this value.
pub struct TestServer {
    child: Child,
    pub address: SocketAddr,
    /// What it printed before the address was known, and since.
    log: Arc<Mutex<String>>,
}

impl TestServer {
    /// Starts a server on the data and waits until it says where it listens.
    #[track_caller]
    pub fn start(data: &TestData) -> Self {
        let mut command = data.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::<Mutex<String>>::default();
        collect(child.stderr.take().unwrap(), log.clone());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let Some(address) = announced(&mut output) else {
            let status = wait_for_end(&mut child);
            panic!("the server did not start ({status}): {}", log.lock().unwrap());
        };
        collect(output, log.clone());
        Self { child, address, log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        http::send(self.address, "GET", target, &[], "")
    }

    /// Posts a body as JSON to `/graphql`.
    #[track_caller]
    pub fn post(&self, body: &str) -> Response {
        http::send(self.address, "POST", "/graphql", &["Content-Type: application/json"], body)
    }

    /// Runs a GraphQL document, which has to succeed; answers its `data`.
    #[track_caller]
    pub fn query(&self, document: &str) -> Value {
        self.query_with(document, json!({}))
    }

    /// The same with variables.
    #[track_caller]
    pub fn query_with(&self, document: &str, variables: Value) -> Value {
        let response = self.post(&json!({ "query": document, "variables": variables }).to_string());
        assert_eq!(response.status, 200, "{}", response.body);
        let mut answer = response.json();
        assert_eq!(answer.get("errors"), None, "{}", response.body);
        answer["data"].take()
    }

    /// Ends it as a crash would.
    #[track_caller]
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        wait_for_end(&mut self.child);
    }

    /// Asks it to end, and waits; answers whether it ended in order.
    #[track_caller]
    pub fn stop(&mut self) -> bool {
        send_signal(self.pid(), "TERM");
        wait_for_end(&mut self.child).success()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.stop();
        }
    }
}

/// The address in the line `API  http://ADDRESS/graphql`.
fn announced(output: &mut impl BufRead) -> Option<SocketAddr> {
    output.lines().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("http://")?;
        rest.strip_suffix("/graphql")?.parse().ok()
    })
}

/// Keeps reading, so that the server never waits for us.
fn collect(output: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}
