//! The subscription to what scans record: a real server, and scans in other processes.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::repos::fixture;
use crate::support::server::TestServer;
use crate::support::socket::{Client, subscribe};

const WATCH: &str = "subscription Watch($filter: ResourceEventFilter) {
    eventsRecorded(filter: $filter) {
        runId
        repository { resourceCount }
        events(first: 10) { totalCount nodes { type runId resource { kind name } } }
    }
}";

fn manifest(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: {value}}}\n")
}

async fn watching(address: SocketAddr, filter: &Value) -> Client {
    let mut client = Client::ready(address).await;
    let mut request = subscribe("watch", WATCH);
    request["payload"]["variables"] = json!({ "filter": filter });
    client.send(&request).await;
    // Messages are handled in their order: when this one is answered, the subscription has begun.
    client.send(&subscribe("after", "{ __typename }")).await;
    assert_eq!(client.receive().await["type"], "next");
    assert_eq!(client.receive().await["type"], "complete");
    client
}

/// Names and types of the next events, which are those of one scan.
async fn recorded(client: &mut Client) -> Vec<(String, String)> {
    let message = client.receive().await;
    let recorded = &message["payload"]["data"]["eventsRecorded"];
    let nodes = recorded["events"]["nodes"].as_array().unwrap_or_else(|| panic!("{message}"));
    assert!(nodes.iter().all(|event| event["runId"] == recorded["runId"]), "{message}");
    assert_eq!(recorded["events"]["totalCount"], nodes.len(), "{message}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut events: Vec<_> =
        nodes.iter().map(|event| (text(&event["type"]), text(&event["resource"]["name"]))).collect();
    events.sort();
    events
}

fn events(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_events_arrive_as_their_scan_is_published() {
    let repository = fixture("create-modify-delete");
    let data = TestData::new();
    let server = TestServer::start(&data);
    data.scan(&repository.path());
    let mut all = watching(server.address, &json!({})).await;
    let mut deletions = watching(server.address, &json!({ "type": { "eq": "DELETED" } })).await;

    // A scan that finds nothing new, and one whose commits change no resource, are no events: the next message is that of the third.
    data.scan(&repository.path());
    repository.commit_file("empty.yaml", "# nothing\n", "a comment");
    data.scan(&repository.path());
    repository.commit_file("new.yaml", &manifest("fresh", "1"), "one");
    data.scan(&repository.path());
    assert_eq!(recorded(&mut all).await, events(&[("CREATED", "fresh")]));

    repository.commit_file("new.yaml", &manifest("fresh", "2"), "two");
    repository.commit_file("new.yaml", &manifest("other", "2"), "three");
    data.scan(&repository.path());
    let expected = [("CREATED", "other"), ("DELETED", "fresh"), ("MODIFIED", "fresh")];
    assert_eq!(recorded(&mut all).await, events(&expected));
    assert_eq!(recorded(&mut deletions).await, events(&[("DELETED", "fresh")]));

    // A rewritten history is read again as a whole, and says nothing new; what comes after it does.
    repository.git(&["commit", "--amend", "--quiet", "-m", "another message"]);
    data.scan(&repository.path());
    repository.commit_file("last.yaml", &manifest("last", "1"), "four");
    data.scan(&repository.path());
    assert_eq!(recorded(&mut all).await, events(&[("CREATED", "last")]));
}
