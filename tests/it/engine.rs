//! The embedded engine, through the built binary and the unmodified `clickhouse` crate.
//!
//! Every test has a directory and an engine of its own. Where the library is absent they fail with the command
//! that installs it. What is not about the life of its process is tried on both hostings.

mod closed;
mod errors;
mod life;
mod rows;

use crate::support::external::TestClickHouse;
use crate::support::hosting::Hosting;
use clickhouse::Client;
use kubestats::store::engine::{EngineCommand, EngineError, Supervisor};
use std::ffi::OsString;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
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

/// An engine of either hosting, which goes with this value.
enum Hosted {
    Embedded(Engine),
    External(TestClickHouse),
}

impl Hosted {
    async fn start(hosting: Hosting) -> Self {
        match hosting {
            Hosting::Embedded => Self::Embedded(Engine::start().await),
            Hosting::External => Self::External(TestClickHouse::start()),
        }
    }

    fn client(&self) -> Client {
        match self {
            Self::Embedded(engine) => engine.client(),
            Self::External(server) => server.client(),
        }
    }

    /// A connection for bytes that no client would send.
    fn connect(&self) -> Box<dyn Connection> {
        match self {
            Self::Embedded(engine) => Box::new(UnixStream::connect(socket(engine.directory.path())).unwrap()),
            Self::External(server) => Box::new(TcpStream::connect(server.url.trim_start_matches("http://")).unwrap()),
        }
    }
}

/// What the streams of both hostings do.
trait Connection: Read + Write + Send {
    /// Sends no more.
    fn end(&self);
}

impl Connection for UnixStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Connection for TcpStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
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
