//! What others' clients make of a real server: the audits of GraphQL over HTTP, and the client of `graphql-transport-ws` that most programs
//! use. They are installed from `tests/clients`.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

fn client(script: &str, arguments: &[&str]) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    assert!(folder.join("node_modules/graphql-ws").is_dir(), "the clients are not installed: `make test` does it");
    let mut command = Command::new("node");
    command.arg(folder.join(script)).args(arguments);
    command
}

#[test]
fn every_audit_of_graphql_over_http_is_fulfilled() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let output = client("audits.mjs", &[&format!("http://{}/graphql", server.address)]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "61 of 61 audits are fulfilled\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// A subscription that has begun.
struct Subscribed {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Subscribed {
    #[track_caller]
    fn to(server: &TestServer, document: &str, variables: Value) -> Self {
        let url = format!("ws://{}/graphql", server.address);
        let mut command = client("subscribe.mjs", &[&url, document, &variables.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "subscribed");
        Self { child, lines }
    }

    /// The data of the next answer.
    #[track_caller]
    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("the subscription goes on").unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer.get("errors"), None, "{line}");
        answer["data"].take()
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn subscriptions_are_those_of_the_usual_client() {
    let repository = fixture("create-modify-delete");
    let data = TestData::new();
    let server = TestServer::start(&data);
    data.scan(&repository.path());

    let document = "subscription New($filter: ResourceEventFilter) { eventsRecorded(filter: $filter) { events(first: 5) { nodes { name type } } } }";
    let mut recorded = Subscribed::to(&server, document, json!({ "filter": { "kind": { "eq": "ConfigMap" } } }));
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\n";
    repository.commit_file("fresh.yaml", manifest, "one more");
    data.scan(&repository.path());
    let events = recorded.next()["eventsRecorded"]["events"]["nodes"].take();
    assert_eq!(events, json!([{ "name": "fresh", "type": "CREATED" }]));

    let document = "subscription Jobs { jobUpdated(kind: RETAIN) { kind state } }";
    let mut jobs = Subscribed::to(&server, document, json!({}));
    server.query("mutation { runSchedule(name: \"retention\") { job { id } userErrors { message } } }");
    let states = std::iter::from_fn(|| Some(jobs.next()["jobUpdated"]["state"].take()));
    let last = states.into_iter().find(|state| !["QUEUED", "RUNNING"].contains(&state.as_str().unwrap()));
    assert_eq!(last, Some(json!("SUCCEEDED")));
}
