//! The rules of the data, one by one, through the real program: a repository is scanned, and what is stored is compared
//! with what stands in the test.

mod again;
mod disk;
mod documents;
mod files;
mod generated;
mod identity;
mod killed;
mod locked;
mod moves;
mod output;
mod parallel;
mod reading;
mod rebuilt;
mod secrets;
mod sources;
pub mod stored;
mod unparsable;
mod walk;

use serde_json::Value;

use crate::support::data::TestData;
use crate::support::events::{Event, outline};
use crate::support::repos::{TempRepo, fixture};
use crate::support::server::TestServer;

/// A repository and the data of its scan.
struct Scanned {
    repository: TempRepo,
    /// Runs on the data, so that not every command has to start an engine.
    server: TestServer,
    data: TestData,
    events: Vec<Event>,
}

/// Scans the repository of `fixtures/repos/<name>.sh` into a fresh data directory.
///
/// `totals` is what the summary has to say: commits that touch YAML, events, resources alive, unparsable versions.
/// `expected` are the events in walk order: `subject: TYPE Kind.group namespace/name in path#ordinal from path before`.
#[track_caller]
fn check(name: &str, totals: &str, expected: &[&str]) -> Scanned {
    let repository = fixture(name);
    let data = TestData::new();
    let server = TestServer::start(&data);
    let summary = data.scan(&repository.path());
    let events = data.events(&repository.path());
    assert_eq!(outline(&repository, &events), expected);
    assert_eq!(describe(&summary), totals);
    for event in &events {
        let committed = repository.git(&["log", "-1", "--format=%ct", &event.commit]);
        assert_eq!(event.time.to_string(), committed, "{}", event.outline());
    }
    Scanned { repository, server, data, events }
}

/// The totals of a summary in words.
pub fn describe(summary: &Value) -> String {
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64).unwrap();
    format!(
        "{} commits, {} created, {} modified ({} moves), {} deleted, {} alive, {} unparsable",
        number("/commits"),
        number("/events/CREATED"),
        number("/events/MODIFIED"),
        number("/moved"),
        number("/events/DELETED"),
        number("/resources"),
        number("/unparsable_versions"),
    )
}

impl Scanned {
    /// The changes of each event, in walk order: `pointer: before -> after`, a dash where there is no value.
    #[track_caller]
    fn changes(&self) -> Vec<Vec<String>> {
        let document = "{ events(orderBy: [{field: TIME, direction: ASC}]) {
            nodes { changes { pointer before after } changesOmitted } } }";
        let answer = self.server.query(document);
        let nodes = answer["events"]["nodes"].as_array().unwrap();
        nodes.iter().map(|event| describe_changes(&event["changes"])).collect()
    }

    /// A field of the only resource (alive or deleted), as the arguments ask for it.
    #[track_caller]
    fn field(&self, field: &str) -> Value {
        let document =
            format!("{{ resources(filter: {{status: {{in: [ACTIVE, DELETED]}}}}) {{ nodes {{ asked: {field} }} }} }}");
        let mut answer = self.server.query(&document);
        let nodes = answer["resources"]["nodes"].as_array_mut().unwrap();
        assert_eq!(nodes.len(), 1);
        nodes[0]["asked"].take()
    }
}

fn describe_changes(changes: &Value) -> Vec<String> {
    let value = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        value => value.to_string(),
    };
    let changes = changes.as_array().unwrap().iter();
    changes
        .map(|change| {
            let pointer = change["pointer"].as_str().unwrap();
            format!("{pointer}: {} -> {}", value(&change["before"]), value(&change["after"]))
        })
        .collect()
}
