//! The read half: one way to run a question, with its time limit, span, cache and count.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use tokio::sync::broadcast::Receiver;

use super::meter::Meter;
use super::publications::Publications;
use super::query::{
    Filter, NewestCheckpoint, Operator, PublicationRecord, Question, Repositories, RepositoryByAlias, RepositoryField,
    RepositoryRecord, Statement,
};
use super::{MAX_EXECUTION_TIME, RECOVERY, Store, StoreError, uncompiled};
use crate::model::{Checkpoint, Repository, RepositoryId};

/// Time for which the newest version of the data stands in for asking again.
const VERSION_LIFE: Duration = Duration::from_millis(50);

/// Asks for the newest version of the data.
pub(super) const DATA_VERSION: &str = include_str!("../../clickhouse/queries/data_version.sql");

/// Limits of reading.
#[derive(Clone, Copy, Debug)]
pub struct ReaderOptions {
    /// Time one question may take in ClickHouse.
    pub timeout: Duration,
    /// Memory that cached answers may hold, in bytes.
    pub cache_bytes: u64,
}

/// What one question may read in ClickHouse.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    pub rows: u64,
    pub bytes: u64,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLimit {
    Rows,
    Bytes,
}

impl fmt::Display for ReadLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Bytes => "bytes",
        })
    }
}

/// ClickHouse's codes for a question that reads too many rows or bytes.
const TOO_MANY_ROWS: u32 = 158;
const TOO_MANY_BYTES: u32 = 307;

impl ReadLimits {
    /// The limit that a failure is about, where it is about one.
    fn blame(self, error: StoreError) -> StoreError {
        match error {
            StoreError::Refused { code: TOO_MANY_ROWS, .. } => StoreError::TooMuchRead(ReadLimit::Rows, self.rows),
            StoreError::Refused { code: TOO_MANY_BYTES, .. } => StoreError::TooMuchRead(ReadLimit::Bytes, self.bytes),
            other => other,
        }
    }
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), cache_bytes: 64 << 20 }
    }
}

/// Runs questions. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Reader {
    store: Store,
    options: ReaderOptions,
    limits: Option<ReadLimits>,
    meter: Option<Arc<Meter>>,
    cache: Cache<Key, Answer>,
    /// The newest version, by the number of publications of this process that it was asked after.
    newest: Cache<u64, u64>,
    asked: Arc<AtomicU64>,
    publications: Publications,
}

/// An answer depends on nothing but the question and the version of the data, so nothing is ever invalidated by hand.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    version: u64,
    asked: Asked,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Asked {
    /// Answered by rows.
    Statement(Statement),
    /// A whole request, answered by the bytes that a client gets.
    Request(String),
}

#[derive(Clone)]
struct Answer {
    /// The rows, or the bytes.
    content: Arc<dyn Any + Send + Sync>,
    bytes: u32,
}

/// One version of the data: every question of a request goes through the same snapshot.
#[derive(Clone)]
pub struct Snapshot {
    reader: Reader,
    version: u64,
}

impl Reader {
    pub fn new(store: Store, options: ReaderOptions) -> Self {
        let cache = Cache::builder()
            .max_capacity(options.cache_bytes)
            .weigher(|key: &Key, answer: &Answer| {
                let key = u32::try_from(key.asked.size()).unwrap_or(u32::MAX);
                answer.bytes.saturating_add(key)
            })
            .build();
        let newest = Cache::builder().max_capacity(1).time_to_live(VERSION_LIFE).build();
        let publications = Publications::default();
        Self { store, options, limits: None, meter: None, cache, newest, asked: Arc::default(), publications }
    }

    /// The same reader, for those who may not ask everything: a question of theirs reads no more than this.
    #[must_use]
    pub fn within(mut self, limits: ReadLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The same reader, whose questions are counted.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// The newest version of the data, as ClickHouse has it now.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { reader: self.clone(), version: self.ask_version().await? })
    }

    /// The newest version of the data, for a request of the API: as new as everything this process published, and at most
    /// 50 ms, and the time of one question, behind what other processes did. Requests that come at once share one question.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn recent_snapshot(&self) -> Result<Snapshot, StoreError> {
        let published = self.store.publications();
        let version = self.newest.try_get_with(published, self.ask_version()).await;
        let version = version.map_err(|error: Arc<StoreError>| error.again())?;
        Ok(Snapshot { reader: self.clone(), version })
    }

    /// Every scan that is published from now on, in this process or another: told about half a second later. A listener that is
    /// slow misses the oldest.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn published(&self) -> Result<Receiver<PublicationRecord>, StoreError> {
        self.publications.listen(self).await
    }

    async fn ask_version(&self) -> Result<u64, StoreError> {
        let (rows, _) = self.run::<u64>(&Statement::new(DATA_VERSION), None).await?;
        Ok(rows.first().copied().unwrap_or_default())
    }

    /// The repository that a normalised URL or a canonical path means.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn repository_by_alias(&self, alias: &str) -> Result<Option<Repository>, StoreError> {
        let question = RepositoryByAlias { alias: alias.to_owned() };
        // Aliases have no version: the cache would not notice a new one.
        match self.now(&question).await?.first() {
            Some(found) => {
                Ok(self.repository(RepositoryId(found.repository_id)).await?.map(|record| record.to_model()))
            }
            None => Ok(None),
        }
    }

    /// The newest published checkpoint of a repository.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn checkpoint(&self, id: RepositoryId) -> Result<Option<Checkpoint>, StoreError> {
        let newest = self.now(&NewestCheckpoint { repository: id }).await?.pop();
        Ok(newest.map(|record| record.into_model(id)))
    }

    /// A repository with what its newest published checkpoint says.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn repository(&self, id: RepositoryId) -> Result<Option<RepositoryRecord>, StoreError> {
        // The question that is asked for several, too: the cache has one answer for both.
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(vec![id.to_string()]));
        self.snapshot().await?.fetch_optional(&Repositories { filter, page: None }).await
    }

    /// Answers a question about what belongs to no version of the data (jobs, schedules), as it is now.
    ///
    /// # Errors
    /// When ClickHouse fails or takes too long.
    pub async fn now<Q: Question>(&self, question: &Q) -> Result<Vec<Q::Row>, StoreError> {
        Ok(self.run::<Q::Row>(&question.statement(), None).await?.0)
    }

    /// Questions that reached ClickHouse so far (the cache answers the others).
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether ClickHouse answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn run<T: clickhouse::RowOwned + clickhouse::RowRead>(
        &self,
        statement: &Statement,
        version: Option<u64>,
    ) -> Result<(Vec<T>, u64), StoreError> {
        match self.run_once(statement, version).await {
            // Reading twice harms nobody.
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "question is repeated");
                self.store.recover(RECOVERY.min(self.options.timeout)).await?;
                self.run_once(statement, version).await
            }
            result => result,
        }
    }

    async fn run_once<T: clickhouse::RowOwned + clickhouse::RowRead>(
        &self,
        statement: &Statement,
        version: Option<u64>,
    ) -> Result<(Vec<T>, u64), StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(meter) = &self.meter {
            meter.note_question();
        }
        let limit = self.options.timeout;
        let mut query = self.store.client.query_raw(statement.sql());
        query = match version {
            Some(version) if statement.sql().contains("{data_version:UInt64}") => query.param("data_version", version),
            Some(_) => query,
            None => uncompiled(query),
        };
        for (name, value) in statement.parameters() {
            query = query.param(name, value);
        }
        query = query.with_setting("readonly", "2").with_setting(MAX_EXECUTION_TIME, limit.as_secs_f64().to_string());
        if let Some(ReadLimits { rows, bytes }) = self.limits {
            query = query.with_setting("max_rows_to_read", rows.to_string());
            query = query.with_setting("max_bytes_to_read", bytes.to_string());
        }
        if self.meter.is_some() {
            // What was read is told before the answer: it is complete when the answer is.
            query = query.with_setting("wait_end_of_query", "1");
        }
        let run = async {
            let mut cursor = query.fetch::<T>()?;
            let mut rows = Vec::new();
            while let Some(row) = cursor.next().await? {
                rows.push(row);
            }
            if let Some(meter) = &self.meter {
                let summary = cursor.summary();
                meter.note_read(summary.and_then(|summary| Some((summary.read_rows()?, summary.read_bytes()?))));
            }
            Ok((rows, cursor.decoded_bytes()))
        };
        // ClickHouse checks its limit between blocks; the connection is given a little longer.
        match tokio::time::timeout(limit + Duration::from_secs(2), run).await {
            Ok(result) => result.map_err(|error| {
                let error = StoreError::from_client(error, limit);
                match self.limits {
                    Some(limits) => limits.blame(error),
                    None => error,
                }
            }),
            Err(_) => Err(StoreError::Timeout(limit)),
        }
    }
}

impl Snapshot {
    /// Answers a question, from the cache if it was asked before about this version of the data.
    ///
    /// # Errors
    /// When ClickHouse fails or takes too long.
    #[tracing::instrument(level = "debug", skip_all, fields(question = Q::NAME, version = self.version))]
    pub async fn fetch<Q: Question>(&self, question: &Q) -> Result<Arc<Vec<Q::Row>>, StoreError> {
        let statement = question.statement();
        let key = Key { version: self.version, asked: Asked::Statement(statement.clone()) };
        let load = async {
            let (rows, bytes) = self.reader.run::<Q::Row>(&statement, Some(self.version)).await?;
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            Ok(Answer { content: Arc::new(rows), bytes })
        };
        let answer = self.reader.cache.try_get_with_by_ref(&key, load).await;
        let answer = answer.map_err(|error: Arc<StoreError>| error.again())?;
        answer
            .content
            .downcast()
            .map_err(|_| StoreError::Shape(format!("{} was cached with another row type", Q::NAME)))
    }

    /// The only row of an answer that has one.
    ///
    /// # Errors
    /// As [`Snapshot::fetch`].
    pub async fn fetch_optional<Q: Question>(&self, question: &Q) -> Result<Option<Q::Row>, StoreError>
    where
        Q::Row: Clone,
    {
        Ok(self.fetch(question).await?.first().cloned())
    }

    /// Versions grow with time: this is one in microseconds since 1970.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// When this version came to be, in seconds since 1970: the present, as far as its answers are concerned.
    pub fn time(&self) -> i64 {
        i64::try_from(self.version / 1_000_000).unwrap_or(i64::MAX)
    }

    /// What [`Snapshot::keep`] was given for this request and version.
    pub async fn kept(&self, request: &str) -> Option<Bytes> {
        let answer = self.reader.cache.get(&self.request_key(request)).await?;
        answer.content.downcast_ref().cloned()
    }

    /// Keeps the answer to a whole request. It must depend on nothing but the request and this version of the data.
    pub async fn keep(&self, request: &str, answer: Bytes) {
        let bytes = u32::try_from(answer.len()).unwrap_or(u32::MAX);
        self.reader.cache.insert(self.request_key(request), Answer { content: Arc::new(answer), bytes }).await;
    }

    fn request_key(&self, request: &str) -> Key {
        Key { version: self.version, asked: Asked::Request(request.to_owned()) }
    }
}

impl Asked {
    /// About how many bytes it holds.
    fn size(&self) -> usize {
        match self {
            Self::Statement(statement) => statement.size(),
            Self::Request(request) => request.len(),
        }
    }
}
