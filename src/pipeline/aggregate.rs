//! Computes what is derived from many rows: the quality of repositories.
//!
//! The yield of discovery's queries is counted when it is asked for, from the rows that they left.

use std::collections::HashMap;

use chrono::Utc;
use uuid::Uuid;

use super::quality::{Measured, RECENT_DAYS, quality};
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::model::{Quality, RepositoryId};
use crate::store::StoreError;
use crate::store::query::{
    Filter, MetricsBetween, MetricsRecord, QualityInputRecord, QualityInputs, Repositories, RepositoryRecord,
};

/// Repositories that are measured together.
const BATCH: usize = 200;
const DAY: i64 = 86_400;

/// What is stored beside repositories that counts for them.
#[derive(Default)]
pub(super) struct Inputs {
    /// The newest snapshots.
    pub metrics: HashMap<Uuid, MetricsRecord>,
    content: HashMap<Uuid, QualityInputRecord>,
}

impl Inputs {
    /// The quality of a repository now; `stars` and `pushed_at` (seconds since 1970) are those of the newest answer of its forge.
    pub fn quality(&self, record: &RepositoryRecord, newest: Option<(u64, Option<i64>)>) -> Quality {
        let content = self.content.get(&record.id);
        let snapshot = self.metrics.get(&record.id).map(|snapshot| (snapshot.stars, snapshot.pushed_at));
        let newest = newest.or(snapshot);
        let head = record.head().map(|head| head.time);
        let measured = Measured {
            is_scanned: record.generation > 0,
            resources: record.resources,
            flux_resources: content.map_or(0, |content| content.flux_resources),
            argo_resources: content.map_or(0, |content| content.argo_resources),
            recent_commits: content.map_or(0, |content| content.recent_commits),
            stars: newest.map(|(stars, _)| stars),
            pushed_at: newest.and_then(|(_, pushed_at)| pushed_at).or(head),
            is_fork: record.is_fork,
            is_template: record.is_template,
        };
        quality(&measured, Utc::now().timestamp())
    }
}

impl Pipeline {
    /// Computes the quality of every repository again.
    pub(super) async fn aggregate(&self, task: &Task) -> Result<Ended, PipelineError> {
        let all = Repositories { filter: Filter::default(), page: None };
        let records = self.reader.snapshot().await?.fetch(&all).await?;
        let ids: Vec<RepositoryId> = records.iter().map(|record| RepositoryId(record.id)).collect();
        let mut done = 0;
        for batch in ids.chunks(BATCH) {
            if task.is_stopped() {
                return Ok(Ended::Stopped);
            }
            task.progress(done, ids.len() as u64, "repositories", "computing quality");
            self.measure(batch).await?;
            done += batch.len() as u64;
        }
        task.progress(done, done, "repositories", "");
        Ok(Ended::DONE)
    }

    /// Computes the quality of some repositories again; those whose quality stays are not touched.
    pub(super) async fn measure(&self, ids: &[RepositoryId]) -> Result<(), StoreError> {
        let records = self.records(ids).await?;
        let inputs = self.inputs(ids).await?;
        let computed = records.iter().map(|record| (record, inputs.quality(record, None)));
        let mut changed: HashMap<RepositoryId, Quality> = computed
            .filter(|(record, quality)| record.quality() != *quality)
            .map(|(record, quality)| (RepositoryId(record.id), quality))
            .collect();
        let ids: Vec<RepositoryId> = changed.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let store = |repository: &mut crate::model::Repository| {
            repository.quality = changed.remove(&repository.id).unwrap_or_default();
            None
        };
        self.change(&ids, store).await.map(drop)
    }

    pub(super) async fn inputs(&self, ids: &[RepositoryId]) -> Result<Inputs, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let snapshot = self.reader.snapshot().await?;
        let content = QualityInputs { repositories: ids.clone(), from: Utc::now().timestamp() - RECENT_DAYS * DAY };
        let metrics = MetricsBetween::newest(ids);
        let (content, metrics) = tokio::try_join!(snapshot.fetch(&content), snapshot.fetch(&metrics))?;
        Ok(Inputs {
            metrics: metrics.iter().map(|record| (record.repository_id, record.clone())).collect(),
            content: content.iter().map(|record| (record.repository_id, *record)).collect(),
        })
    }
}
