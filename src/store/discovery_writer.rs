//! Writes how repositories were found.

use clickhouse::Row;
use futures_util::FutureExt;
use serde::Serialize;
use uuid::Uuid;

use super::{StoreError, Writer};
use crate::model::{JobId, RepositoryId};

/// One run of one query.
#[derive(Clone, Debug)]
pub struct DiscoveryRun {
    pub forge: String,
    pub query: String,
    /// Milliseconds since 1970.
    pub ran_at_ms: i64,
    pub job: JobId,
    /// Repositories that matched.
    pub found: u64,
    /// Of these not known before.
    pub new: u64,
    /// Requests it took.
    pub requests: u32,
    /// The forge said that there might be more.
    pub is_incomplete: bool,
    /// It was to stop after the most starred.
    pub is_limited: bool,
    pub error: Option<String>,
}

/// A repository that a query found.
#[derive(Clone, Debug)]
pub struct Discovery {
    pub forge: String,
    pub query: String,
    pub full_name: String,
    /// The repository, or why it was not taken: `fork`, `archived`, `removed`, …
    pub repository: Result<RepositoryId, &'static str>,
    /// It was not known before, neither by another query nor by hand.
    pub is_new: bool,
    /// Milliseconds since 1970.
    pub found_at_ms: i64,
}

#[derive(Clone, Row, Serialize)]
struct RunRow<'a> {
    forge: &'a str,
    query: &'a str,
    ran_at: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    job_id: Uuid,
    found: u64,
    new: u64,
    requests: u32,
    is_incomplete: bool,
    is_limited: bool,
    error: Option<&'a str>,
}

#[derive(Clone, Row, Serialize)]
struct DiscoveryRow<'a> {
    forge: &'a str,
    query: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    full_name: &'a str,
    is_new: bool,
    rejected: &'a str,
    found_at: i64,
}

impl Writer {
    /// # Errors
    /// When ClickHouse fails.
    pub async fn discovery_run(&self, run: &DiscoveryRun) -> Result<(), StoreError> {
        let row = RunRow {
            forge: &run.forge,
            query: &run.query,
            ran_at: run.ran_at_ms,
            job_id: run.job.0,
            found: run.found,
            new: run.new,
            requests: run.requests,
            is_incomplete: run.is_incomplete,
            is_limited: run.is_limited,
            error: run.error.as_deref(),
        };
        self.store.insert::<RunRow<'_>>("discovery_runs", "", [row]).boxed().await
    }

    /// Stores what queries found. The first row of a repository and a query tells whether it was new: give only those that the query
    /// has not found before.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn discoveries(&self, discoveries: &[Discovery]) -> Result<(), StoreError> {
        if discoveries.is_empty() {
            return Ok(());
        }
        let rows = discoveries.iter().map(|discovery| DiscoveryRow {
            forge: &discovery.forge,
            query: &discovery.query,
            repository_id: discovery.repository.map(|id| id.0).unwrap_or_default(),
            full_name: &discovery.full_name,
            is_new: discovery.is_new,
            rejected: discovery.repository.err().unwrap_or_default(),
            found_at: discovery.found_at_ms,
        });
        self.store.insert::<DiscoveryRow<'_>>("discoveries", "", rows).boxed().await
    }
}
