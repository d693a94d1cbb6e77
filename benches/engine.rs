//! An engine with the corpus in it, many times over.

use std::path::Path;
use std::time::Duration;

use clickhouse::Client;
use kubestats::store::engine::{self, EngineCommand, Supervisor};
use kubestats::store::query::{Question, Statement};
use kubestats::store::{Reader, ReaderOptions, Store, migrate};

use super::report::{Goal, Report};
use super::{PROGRAM, Result};

/// What is copied, and how a copy's row differs. The copies share commits and contents with nothing, so contents stay out of
/// them: they would fill the disk, and neither pages nor trends read them.
const TABLES: [(&str, &str); 5] = [
    ("repositories", "{repository:id} AS id, 'copy' AS forge, concat(name, '-', toString(n)) AS name"),
    ("checkpoints", "{repository:repository_id} AS repository_id"),
    ("resources", "{repository:repository_id} AS repository_id, {repository:id} AS id"),
    (
        "resource_events",
        "{repository:repository_id} AS repository_id, {repository:resource_id} AS resource_id, {repository:id} AS id, \
         '' AS content, time - toIntervalHour(7 * n) AS time, state_time - toIntervalHour(7 * n) AS state_time",
    ),
    (
        "resource_resolutions",
        "{repository:repository_id} AS repository_id, {repository:resource_id} AS resource_id, \
         state_time - toIntervalHour(7 * n) AS state_time",
    ),
];

pub struct Engine {
    pub store: Store,
    /// Asks by hand.
    pub client: Client,
}

impl Engine {
    pub async fn start(data: &Path) -> Result<Self> {
        let socket = data.join("run/engine.sock");
        let command = EngineCommand {
            program: PROGRAM.into(),
            arguments: vec!["engine".into(), "--data".into(), data.into()],
            directory: data.join("engine"),
            socket: socket.clone(),
            startup_timeout: Duration::from_secs(60),
        };
        let store = Store::embedded(Supervisor::start(command).await?);
        migrate(&store).await?;
        Ok(Self { store, client: engine::client(&socket) })
    }

    pub async fn stop(self) {
        self.store.close().await;
    }

    /// A reader that has answered nothing yet.
    pub fn reader(&self) -> Reader {
        Reader::new(self.store.clone(), ReaderOptions::default())
    }

    pub async fn number(&self, sql: &str) -> Result<u64> {
        Ok(self.client.query_raw(sql).fetch_one::<u64>().await?)
    }

    /// Says what the events take on disk, and copies them inside the engine, each copy as repositories of its own.
    pub async fn multiply(&self, copies: u32, report: &mut Report) -> Result<()> {
        self.client.query_raw("OPTIMIZE TABLE resource_events FINAL").execute().await?;
        let bytes = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()";
        let events = self.number("SELECT count() FROM resource_events").await?.max(1);
        let per_event = |bytes: u64| bytes as f64 / events as f64;
        let all = per_event(self.number(bytes).await?);
        report.value("on disk, all tables, after merging, an event", all, "B", Goal::AtMost(250.0, "B"));
        for table in ["resource_events", "resources", "scan_failures"] {
            let part = per_event(self.number(&format!("{bytes} AND table = '{table}'")).await?);
            report.value(&format!("of that, `{table}`"), part, "B", Goal::None);
        }
        for copy in 1..=copies {
            for (table, replaced) in TABLES {
                let mut replaced = replaced.to_owned();
                for column in ["id", "repository_id", "resource_id"] {
                    let id = format!("reinterpretAsUUID(sipHash128({column}, toUInt32(n)))");
                    replaced = replaced.replace(&format!("{{repository:{column}}}"), &id);
                }
                let repository = if table == "repositories" { "id" } else { "repository_id" };
                // The condition stands inside: outside it would see the new id.
                let sql = format!(
                    "INSERT INTO {table} SELECT * REPLACE ({replaced}) FROM (SELECT * FROM {table} \
                     WHERE {repository} IN (SELECT id FROM repositories WHERE forge != 'copy')) ARRAY JOIN [{copy}] AS n"
                );
                self.client.query_raw(&sql).execute().await?;
            }
        }
        let events = self.number("SELECT count() FROM resource_events").await?;
        report.value("events that are asked for below", events as f64, "", Goal::None);
        Ok(())
    }

    /// The version that everything published is part of.
    pub async fn version(&self) -> Result<u64> {
        let newest = self.number("SELECT max(version) FROM checkpoints").await?;
        let repositories = "SELECT toUInt64(toUnixTimestamp64Micro(max(updated_at))) FROM repositories";
        Ok(newest.max(self.number(repositories).await?))
    }

    /// The rows of a question, by its statement sent with the client alone.
    pub async fn by_hand<Q: Question>(&self, question: &Q, version: u64) -> Result<usize> {
        let statement = question.statement();
        let mut cursor = bound(&self.client, &statement, version).fetch::<Q::Row>()?;
        let mut rows = 0;
        while cursor.next().await?.is_some() {
            rows += 1;
        }
        Ok(rows)
    }
}

fn bound(client: &Client, statement: &Statement, version: u64) -> clickhouse::query::Query {
    let query = client.query_raw(statement.sql()).param("data_version", version);
    statement.parameters().fold(query, |query, (name, value)| query.param(name, value))
}
