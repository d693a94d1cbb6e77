//! The running engine inside the child: one loaded library, a fresh connection for every request.

use super::chdb::{Chdb, Connection};
use super::exception::{Exception, code};
use super::request::Request;
use super::statement::{quote_identifier, quote_string};
use super::{EngineError, EngineOptions, configuration, confinement};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use uuid::Uuid;

/// How long a stop waits for cancelled statements.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// The setting that carries a request's query id: the library gives every statement an id of its own.
const QUERY_ID_SETTING: &str = "log_comment";

/// Shared by all requests.
pub(super) struct Host {
    chdb: Arc<Chdb>,
    // Closing the last connection would end the engine: this one stays open between requests.
    anchor: Mutex<Option<Connection>>,
    slots: Arc<Semaphore>,
    slot_count: u32,
    /// Marks exceptions inside answers; random, so that no stored data can imitate one.
    pub exception_tag: String,
}

impl Host {
    /// Starts the engine on the directory, whose lock the caller holds.
    pub(super) fn start(options: &EngineOptions) -> Result<Arc<Self>, EngineError> {
        let chdb = Chdb::load(&options.library, configuration::prepare(options)?)?;
        let anchor = chdb.connect().ok_or_else(|| EngineError::Refused(options.directory.clone()))?;
        anchor.query("SELECT 1", "TSV", &[]).map_err(EngineError::NoAnswer)?;
        let slot_count = u32::try_from(options.max_concurrent_queries.max(1)).unwrap_or(u32::MAX);
        Ok(Arc::new(Self {
            chdb,
            anchor: Mutex::new(Some(anchor)),
            slots: Arc::new(Semaphore::new(slot_count as usize)),
            slot_count,
            exception_tag: Uuid::new_v4().simple().to_string()[..16].to_owned(),
        }))
    }

    /// Waits for its turn to run a statement.
    ///
    /// # Errors
    /// When the engine is being stopped.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, Exception> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map_err(|_| Exception::new(code::NETWORK_ERROR, "the engine is being stopped"))
    }

    /// A connection with the request's settings and database. Never reused: settings, temporary tables and the
    /// current database would reach the next request.
    pub(super) fn open(&self, request: &Request) -> Result<Connection, Exception> {
        let connection = self.connect()?;
        confinement::check(&connection, &request.sql)?;
        // With `implicit_select` the text `nonsense` would be read as `SELECT nonsense`.
        let mut set = format!("SET implicit_select=0, {QUERY_ID_SETTING}={}", quote_string(&request.query_id));
        for (name, value) in &request.settings {
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err(Exception::new(
                    code::UNKNOWN_SETTING,
                    format!("Setting {name} is neither a builtin setting nor a parameter"),
                ));
            }
            let _ = write!(set, ", {name}={}", quote_string(value));
        }
        execute(&connection, &set)?;
        if let Some(database) = &request.database {
            execute(&connection, &format!("USE {}", quote_identifier(database)))?;
        }
        Ok(connection)
    }

    /// Asks the engine to stop the statements of one request; returns at once.
    pub(super) fn kill(&self, query_id: &str) -> Result<(), Exception> {
        let condition = format!("Settings['{QUERY_ID_SETTING}']={}", quote_string(query_id));
        execute(&self.connect()?, &format!("KILL QUERY WHERE {condition} ASYNC"))
    }

    /// Refuses new statements, ends the running ones and closes the engine. Blocks for at most about 5 s; `false`
    /// when a statement would not end.
    pub(super) async fn stop(self: Arc<Self>) -> bool {
        let slots = Arc::clone(&self.slots);
        let ended = tokio::time::timeout(STOP_PATIENCE, async {
            loop {
                let host = Arc::clone(&self);
                // Again and again: a request may have had its slot without having started its statement.
                let _ = task::spawn_blocking(move || {
                    execute(&host.connect()?, "KILL QUERY WHERE query NOT LIKE 'KILL QUERY%' ASYNC")
                })
                .await;
                let all = slots.acquire_many(self.slot_count);
                if let Ok(Ok(permits)) = tokio::time::timeout(Duration::from_millis(50), all).await {
                    permits.forget();
                    break;
                }
            }
        })
        .await;
        self.slots.close();
        if ended.is_ok() {
            let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(anchor);
        }
        ended.is_ok()
    }

    fn connect(&self) -> Result<Connection, Exception> {
        self.chdb.connect().ok_or_else(|| Exception::new(code::UNKNOWN_EXCEPTION, "the engine opened no connection"))
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Exception> {
    let answer = connection.query(sql, "TSV", &[]);
    answer.map(drop).map_err(|error| Exception::from_engine(&error))
}
