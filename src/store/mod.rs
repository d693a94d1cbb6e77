//! ClickHouse: where rows go and answers come from, and the only place where the two halves of kubestats meet.
//!
//! [`Store`] is one [`clickhouse::Client`] with what it takes to keep it answering: for the embedded engine a supervised
//! child process ([`engine`]), for a server or a cluster ([`external`]) nothing. [`Writer`] turns scans into rows and publishes them;
//! [`Reader`] runs questions ([`query`]), each against one version of the data.

mod discovery_writer;
pub mod engine;
mod error;
mod external;
mod job_rows;
mod job_writer;
mod meter;
mod migrate;
mod publications;
pub mod query;
mod reader;
mod repository_rows;
mod repository_writer;
mod resolution_rows;
mod rows;
mod run;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clickhouse::query::Query;
use clickhouse::{Client, Row, RowOwned, RowRead, RowWrite};

pub use discovery_writer::{Discovery, DiscoveryRun};
pub use error::StoreError;
pub use external::ExternalOptions;
pub use job_rows::{JobRow, LogRow, ScheduleRow};
pub use meter::Meter;
pub use migrate::migrate;
pub use reader::{ReadLimit, ReadLimits, Reader, ReaderOptions, Snapshot};
pub use repository_writer::{NewRepository, Recorded};
pub use rows::Origin;
pub use run::Run;
pub use writer::Writer;

/// Time a statement that writes may take in an engine of our own.
const WRITE_LIMIT: Duration = Duration::from_secs(120);
/// Time that the question whether ClickHouse answers may take.
const PING_LIMIT: Duration = Duration::from_secs(5);
/// Time an engine gets to come back before a request that was cut off is repeated.
const RECOVERY: Duration = Duration::from_secs(10);
const RECOVERY_STEP: Duration = Duration::from_millis(50);
/// ClickHouse's setting for the time of a statement, in seconds.
const MAX_EXECUTION_TIME: &str = "max_execution_time";

/// Who keeps ClickHouse running.
#[derive(Clone)]
enum Hosting {
    /// Our own child process.
    Embedded(engine::Supervisor),
    /// Somebody else: a server of this data directory, or an external ClickHouse.
    Elsewhere,
}

/// A connection to ClickHouse. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    hosting: Hosting,
    /// Time a statement that writes may take.
    write_limit: Duration,
    /// Changes that readers see and that this process was told are stored.
    publications: Arc<AtomicU64>,
}

impl Store {
    /// An engine of our own.
    pub fn embedded(supervisor: engine::Supervisor) -> Self {
        let client = supervisor.client();
        Self::new(client, Hosting::Embedded(supervisor), WRITE_LIMIT)
    }

    /// A ClickHouse that runs without us.
    pub fn elsewhere(client: Client) -> Self {
        Self::elsewhere_within(client, WRITE_LIMIT)
    }

    fn elsewhere_within(client: Client, write_limit: Duration) -> Self {
        Self::new(client, Hosting::Elsewhere, write_limit)
    }

    fn new(client: Client, hosting: Hosting, write_limit: Duration) -> Self {
        Self { client, hosting, write_limit, publications: Arc::default() }
    }

    /// Ends an engine of our own; leaves any other alone.
    pub async fn close(self) {
        if let Hosting::Embedded(supervisor) = self.hosting {
            supervisor.shutdown().await;
        }
    }

    /// Whether ClickHouse answers now.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        within(PING_LIMIT, self.client.query_raw("SELECT 1").execute()).await
    }

    /// Changes that readers see and that this process was told are stored.
    fn publications(&self) -> u64 {
        self.publications.load(Ordering::Acquire)
    }

    /// Notes such a change: a version of the data that was asked for before is out of date.
    fn note_publication(&self) {
        self.publications.fetch_add(1, Ordering::Release);
    }

    async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        within(self.write_limit, self.client.query_raw(sql).with_setting(MAX_EXECUTION_TIME, self.limit()).execute())
            .await
    }

    async fn rows<T: RowOwned + RowRead>(&self, sql: &str) -> Result<Vec<T>, StoreError> {
        let query = uncompiled(self.client.query_raw(sql)).with_setting(MAX_EXECUTION_TIME, self.limit());
        within(self.write_limit, query.fetch_all()).await
    }

    /// The limit that the server itself gets: a statement whose client gave it up must not take effect much later.
    fn limit(&self) -> String {
        self.write_limit.as_secs_f64().to_string()
    }

    /// Inserts rows in one block; nothing or all of it is stored.
    ///
    /// A `token` names the block, so that it can be sent again when the answer was lost: ClickHouse stores a token once.
    async fn insert<'r, T>(
        &self,
        table: &str,
        token: &str,
        rows: impl IntoIterator<Item = T::Value<'r>> + Clone,
    ) -> Result<(), StoreError>
    where
        T: Row + RowWrite,
    {
        match self.try_insert::<T>(table, token, rows.clone()).await {
            Err(error) if error.is_transient() && !token.is_empty() => {
                tracing::warn!(table, %error, "insert is repeated");
                self.recover(RECOVERY).await?;
                self.try_insert::<T>(table, token, rows).await
            }
            result => result,
        }
    }

    async fn try_insert<'r, T>(
        &self,
        table: &str,
        token: &str,
        rows: impl IntoIterator<Item = T::Value<'r>>,
    ) -> Result<(), StoreError>
    where
        T: Row + RowWrite,
    {
        let run = async {
            let insert = self.client.insert::<T>(table).await?.with_setting(MAX_EXECUTION_TIME, self.limit());
            // Newer servers collect the inserts of all clients by themselves, each of which then waits for the others.
            let mut insert = insert.with_setting("async_insert", "0");
            if !token.is_empty() {
                insert = insert.with_setting("insert_deduplication_token", token);
            }
            for row in rows {
                insert.write(&row).await?;
            }
            insert.end().await
        };
        within(self.write_limit, run).await
    }

    /// Waits until ClickHouse answers again, for at most about `patience`.
    async fn recover(&self, patience: Duration) -> Result<(), StoreError> {
        if let Hosting::Embedded(supervisor) = &self.hosting {
            return Ok(supervisor.ready(patience).await?);
        }
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match self.ping().await {
                Err(error) if tokio::time::Instant::now() >= deadline => return Err(error),
                Err(_) => tokio::time::sleep(RECOVERY_STEP).await,
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// Has ClickHouse interpret a small question: to compile it takes 30 ms, which it does when it is asked for the third time.
fn uncompiled(query: Query) -> Query {
    query.with_setting("compile_expressions", "0").with_setting("compile_aggregate_expressions", "0")
}

/// Runs a request for at most `limit`; given up, its connection is closed and an unfinished insert stores nothing.
async fn within<T>(limit: Duration, run: impl Future<Output = clickhouse::error::Result<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, run).await {
        Ok(result) => result.map_err(|error| StoreError::from_client(error, limit)),
        Err(_) => Err(StoreError::Timeout(limit)),
    }
}
