//! Computes what is derived from many rows: the quality of repositories.
//!
//! The yield of discovery's queries is counted when it is asked for, from the rows that they left.

use std::collections::HashMap;

use chrono::Utc;
use uuid::Uuid;

use super::quality::{Measured, RECENT_DAYS, quality};
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::model::{Profile, Quality, RepositoryId};
use crate::store::query::{
    Filter, Operator, QualityInputRecord, QualityInputs, Repositories, RepositoryField, RepositoryRecord,
};
use crate::store::{Snapshot, StoreError};

/// Repositories that are measured together.
const BATCH: usize = 200;
const DAY: i64 = 86_400;

/// What repositories hold that counts for them.
#[derive(Default)]
pub(super) struct Inputs(HashMap<Uuid, QualityInputRecord>);

impl Inputs {
    /// The quality of a repository now, by its newest description; `newest` are the stars and the push (seconds since 1970) of an answer
    /// that is not stored yet.
    pub fn quality(&self, record: &RepositoryRecord, profile: &Profile, newest: Option<(u64, Option<i64>)>) -> Quality {
        let content = self.0.get(&record.id);
        let newest = newest.or_else(|| record.metrics().map(|snapshot| (snapshot.stars, snapshot.pushed_at)));
        let head = record.head().map(|head| head.time);
        let measured = Measured {
            is_scanned: record.generation > 0,
            resources: record.resources,
            flux_resources: content.map_or(0, |content| content.flux_resources),
            argo_resources: content.map_or(0, |content| content.argo_resources),
            recent_commits: content.map_or(0, |content| content.recent_commits),
            stars: newest.map(|(stars, _)| stars),
            pushed_at: newest.and_then(|(_, pushed_at)| pushed_at).or(head),
            is_fork: profile.is_fork,
            is_template: profile.is_template,
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
        let computed = self.qualities(ids).await?.into_iter();
        let changed = computed.filter(|(record, quality)| record.quality() != *quality);
        let mut changed: HashMap<RepositoryId, Quality> =
            changed.map(|(record, quality)| (RepositoryId(record.id), quality)).collect();
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

    /// The quality of some repositories as they are now.
    pub(super) async fn qualities(&self, ids: &[RepositoryId]) -> Result<Vec<(RepositoryRecord, Quality)>, StoreError> {
        let snapshot = self.reader.snapshot().await?;
        let texts = ids.iter().map(ToString::to_string).collect();
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(texts));
        let records = snapshot.fetch(&Repositories { filter, page: None }).await?;
        let inputs = self.inputs(&snapshot, ids).await?;
        let computed = |record: &RepositoryRecord| {
            let quality = inputs.quality(record, &record.to_model().profile, None);
            (record.clone(), quality)
        };
        Ok(records.iter().map(computed).collect())
    }

    pub(super) async fn inputs(&self, snapshot: &Snapshot, ids: &[RepositoryId]) -> Result<Inputs, StoreError> {
        let repositories = ids.iter().map(|id| id.0).collect();
        let content = QualityInputs { repositories, from: Utc::now().timestamp() - RECENT_DAYS * DAY };
        let content = snapshot.fetch(&content).await?;
        Ok(Inputs(content.iter().map(|record| (record.repository_id, *record)).collect()))
    }
}
