//! The database of a data directory, looked at past the program's own questions.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use clickhouse::Client;
use kubestats::store::engine;

use super::data::TestData;
use super::process::{eventually, wait_for_end};

/// Every table of the schema that holds rows of scans.
pub const SCAN_TABLES: [&str; 7] = [
    "resource_events",
    "resources",
    "scan_failures",
    "resource_resolutions",
    "resource_references",
    "chart_version_changes",
    "file_facts",
];
/// Every other table of the schema.
const OTHER_TABLES: [&str; 5] =
    ["repositories", "repository_aliases", "checkpoints", "redaction_keys", "schema_migrations"];

/// Every table of the schema.
pub fn tables() -> impl Iterator<Item = &'static str> {
    SCAN_TABLES.into_iter().chain(OTHER_TABLES)
}

impl TestData {
    /// Runs statements on the database of these data, whose engine is started where none runs; answers the rows of each,
    /// one JSON object a line.
    #[track_caller]
    pub fn sql(&self, statements: &[&str]) -> Vec<String> {
        if let Some(database) = self.database() {
            return run_all(database.client(), statements);
        }
        let started = self.is_free().then(|| self.start_engine());
        let answers = run_all(engine::client(&self.path().join("run/engine.sock")), statements);
        if let Some(mut engine) = started {
            // The end of stdin ends it.
            drop(engine.stdin.take());
            assert!(wait_for_end(&mut engine).success());
        }
        answers
    }

    #[track_caller]
    fn start_engine(&self) -> Child {
        let mut command = self.command(&["engine"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "the engine did not start; its message stands above");
        child
    }

    /// All rows of the tables, as text.
    #[track_caller]
    pub fn dump(&self) -> String {
        let statements: Vec<String> = tables().map(|table| format!("SELECT * FROM {table} ORDER BY ALL")).collect();
        self.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).concat()
    }

    /// The process that runs the engine of these data, as its lock file says; one that begins may not have written it yet.
    #[track_caller]
    pub fn engine_pid(&self) -> u32 {
        let mut pid = None;
        eventually("a process id stands in the engine's lock", || {
            let text = std::fs::read_to_string(self.path().join("engine/engine.lock")).unwrap();
            pid = text.lines().next().and_then(|line| line.parse().ok());
            pid.is_some()
        });
        pid.unwrap()
    }

    /// The process that runs the engine of these data now.
    pub fn running_engine(&self) -> Option<u32> {
        engine::holder(&self.path().join("engine"))?.pid
    }

    /// Whether nobody holds the engine's directory.
    pub fn is_free(&self) -> bool {
        engine::holder(&self.path().join("engine")).is_none()
    }
}

fn run_all(client: Client, statements: &[&str]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut answers = Vec::new();
        for statement in statements {
            let answer = client.query_raw(statement).fetch_bytes("JSONEachRow").unwrap().collect().await;
            let answer = answer.unwrap_or_else(|error| panic!("{statement}: {error}"));
            answers.push(String::from_utf8(answer.to_vec()).unwrap());
        }
        answers
    })
}
