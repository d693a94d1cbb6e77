//! Everything that readers see of a data directory, row for row.

use serde_json::{Value, json};

use crate::support::data::TestData;
use crate::support::engine::SCAN_TABLES;
use crate::support::server::TestServer;

/// What is compared: two scans are the same when these are equal. Recorded times and runs are left out.
#[derive(Debug, PartialEq)]
pub struct Stored {
    /// As GraphQL answers them.
    repositories: Vec<Value>,
    resources: Vec<Value>,
    events: Vec<Value>,
    failures: Vec<Value>,
    /// The rows of each table, as they lie there: one JSON object a line, sorted.
    tables: Vec<(&'static str, Vec<String>)>,
}

const REPOSITORIES: &str = "query($after: String) { page: repositories(first: 500, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { id forge fullName owner name url defaultBranch scanStatus scanError
    headCommit { id time subject actor { name isBot } } resourceCount eventCount commitCount unparsableCount } } }";
const RESOURCES: &str = "query($after: String) { page: resources(
    first: 500, after: $after, filter: {status: {in: [ACTIVE, DELETED]}}, orderBy: [{field: CREATED_AT}, {field: PATH}]) {
    pageInfo { hasNextPage endCursor } nodes { id repository { id } group apiVersion version kind namespace name path status
    createdAt updatedAt deletedAt blobId content yaml } } }";
const EVENTS: &str = "query($after: String) { page: events(first: 500, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { id type time repository { id } resource { id }
    commit { id time subject actor { name isBot } } apiVersion kind group namespace name path moved pathBefore
    blobBefore blobAfter changes { pointer before after } changesOmitted } } }";
const FAILURES: &str = "query($after: String) { page: scanFailures(first: 500, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { repository { id } commitId time path blobId line column message } } }";

impl Stored {
    #[track_caller]
    pub fn read(data: &TestData) -> Self {
        Self::read_through(&TestServer::start(data), data)
    }

    /// The same from a server that runs on the data already.
    #[track_caller]
    pub fn read_through(server: &TestServer, data: &TestData) -> Self {
        let statements = SCAN_TABLES.map(published_rows);
        let rows = data.sql(&statements.each_ref().map(String::as_str));
        let rows = rows.iter().map(|rows| rows.lines().map(str::to_owned).collect());
        let stored = Self {
            repositories: all_pages(server, REPOSITORIES),
            resources: all_pages(server, RESOURCES),
            events: all_pages(server, EVENTS),
            failures: all_pages(server, FAILURES),
            tables: SCAN_TABLES.into_iter().zip(rows).collect(),
        };
        assert_eq!(stored.row_count("resource_events"), stored.events.len());
        assert_eq!(stored.row_count("resources"), stored.resources.len());
        assert_eq!(stored.row_count("scan_failures"), stored.failures.len());
        stored
    }

    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Rows of a table that readers see.
    pub fn row_count(&self, table: &str) -> usize {
        self.tables.iter().find(|(name, _)| *name == table).unwrap().1.len()
    }

    /// Panics with the first difference, not with everything.
    #[track_caller]
    pub fn assert_equals(&self, expected: &Self) {
        assert_same("repositories", &self.repositories, &expected.repositories);
        assert_same("resources", &self.resources, &expected.resources);
        assert_same("events", &self.events, &expected.events);
        assert_same("failures", &self.failures, &expected.failures);
        for ((table, found), (_, expected)) in self.tables.iter().zip(&expected.tables) {
            assert_same(table, found, expected);
        }
    }
}

#[track_caller]
fn assert_same<T: PartialEq + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) {
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{what}, row {index}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

/// Rows that a published checkpoint covers. Of a resource its newest: how many it has depends on how many scans touched it.
fn published_rows(table: &str) -> String {
    let newest = if table == "resources" { "LIMIT 1 BY repository_id, id" } else { "" };
    format!(
        "WITH published AS (SELECT repository_id, argMax(generation, version) AS g, argMax(sequence, version) AS s
            FROM checkpoints GROUP BY repository_id)
        SELECT * FROM (
            SELECT t.* EXCEPT(generation, run_id, recorded_at) FROM {table} AS t
                INNER JOIN published ON published.repository_id = t.repository_id
            WHERE t.generation = g AND t.sequence <= s ORDER BY t.repository_id, t.sequence DESC {newest}
        ) ORDER BY ALL"
    )
}

/// The nodes of all pages.
#[track_caller]
fn all_pages(server: &TestServer, document: &str) -> Vec<Value> {
    let mut nodes = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut page = server.query_with(document, json!({ "after": after }))["page"].take();
        nodes.append(page["nodes"].as_array_mut().unwrap());
        if page["pageInfo"]["hasNextPage"] != true {
            return nodes;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
