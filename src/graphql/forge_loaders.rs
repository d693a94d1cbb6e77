//! Batches of what forges say of repositories: snapshots of their metrics, and changes of the repositories themselves.

use std::collections::HashMap;

use async_graphql::Error;
use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::error::from_store;
use super::loaders::unique;
use crate::store::Snapshot;
use crate::store::query::{MetricsBetween, MetricsBucket, MetricsRecord, RepositoryChangeRecord, RepositoryChanges};

/// The snapshots of one repository that a field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricsKey {
    pub repository: Uuid,
    pub span: MetricsSpan,
}

/// Which snapshots, whatever the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricsSpan {
    /// Milliseconds since 1970, inclusive.
    pub from_ms: i64,
    /// Milliseconds since 1970, exclusive.
    pub to_ms: i64,
    pub most: u32,
    pub bucket: Option<MetricsBucket>,
}

/// Snapshots of metrics, newest first.
pub struct MetricsLoader(pub Snapshot);

impl Loader<MetricsKey> for MetricsLoader {
    type Value = Vec<MetricsRecord>;
    type Error = Error;

    async fn load(&self, keys: &[MetricsKey]) -> Result<HashMap<MetricsKey, Self::Value>, Error> {
        // One document rarely asks for more than two spans; each is a question of its own.
        let mut spans: HashMap<MetricsSpan, Vec<Uuid>> = HashMap::new();
        for key in keys {
            spans.entry(key.span).or_default().push(key.repository);
        }
        let mut found: HashMap<MetricsKey, Self::Value> = HashMap::new();
        for (span, repositories) in spans {
            let MetricsSpan { from_ms, to_ms, most, bucket } = span;
            let question = MetricsBetween { repositories: unique(&repositories), from_ms, to_ms, most, bucket };
            for row in self.0.fetch(&question).await.map_err(from_store)?.iter() {
                found.entry(MetricsKey { repository: row.repository_id, span }).or_default().push(row.clone());
            }
        }
        Ok(found)
    }
}

/// The newest changes of repositories themselves, newest first.
pub struct RepositoryChangeLoader(pub Snapshot);

impl Loader<Uuid> for RepositoryChangeLoader {
    type Value = Vec<RepositoryChangeRecord>;
    type Error = Error;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Self::Value>, Error> {
        let question = RepositoryChanges { repositories: unique(ids) };
        let mut found: HashMap<Uuid, Self::Value> = HashMap::new();
        for row in self.0.fetch(&question).await.map_err(from_store)?.iter() {
            found.entry(row.repository_id).or_default().push(row.clone());
        }
        Ok(found)
    }
}
