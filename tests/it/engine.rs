//! The embedded engine, through the built binary and the unmodified `clickhouse` crate.
//!
//! Every test has a directory and an engine of its own. Where the library is absent they fail with the command
//! that installs it.

mod closed;
mod errors;
mod life;
mod rows;

use clickhouse::Client;
use kubestats::store::engine::{EngineCommand, EngineError, Supervisor};
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Far more than anything here takes: a bound for a hanging test, no measurement.
const PATIENCE: Duration = Duration::from_secs(60);

/// A supervised engine in a directory that goes with it.
struct Engine {
    supervisor: Supervisor,
    directory: TempDir,
}

impl Engine {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let supervisor = supervise(directory.path()).await.unwrap();
        Self { supervisor, directory }
    }

    fn client(&self) -> Client {
        self.supervisor.client()
    }
}

async fn supervise(data: &Path) -> Result<Supervisor, EngineError> {
    Supervisor::start(command(data)).await
}

fn command(data: &Path) -> EngineCommand {
    EngineCommand {
        program: program(),
        arguments: arguments(data),
        directory: data.join("engine"),
        socket: socket(data),
        startup_timeout: PATIENCE,
    }
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_kubestats"))
}

fn arguments(data: &Path) -> Vec<OsString> {
    vec!["engine".into(), "--data".into(), data.into()]
}

fn socket(data: &Path) -> PathBuf {
    data.join("run/engine.sock")
}

async fn execute(client: &Client, sql: &str) {
    client.query(sql).execute().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn count(client: &Client, table: &str) -> u64 {
    let query = client.query("SELECT count() FROM {table:Identifier}").param("table", table);
    query.fetch_one().await.unwrap()
}

/// Asks until `condition` answers yes; panics with `what` when it never does.
async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let asked = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(asked.await.is_ok(), "never happened: {what}");
}
