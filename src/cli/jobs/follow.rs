//! What changes of jobs, whoever does them.

use std::collections::HashMap;

use crate::model::{Job, JobId, JobState};
use crate::store::query::{Filter, JobField, Jobs, Operator};
use crate::store::{Reader, StoreError};

/// Changes are looked for among what was stored since the newest one that was seen, and for so many seconds before it: several processes
/// store, each by its own clock, and what is stored first need not be seen first.
const OVERLAP: i64 = 300;

/// A job that is other than it was.
pub(super) struct Change {
    pub job: Job,
    /// Its state when it was seen last.
    pub before: Option<JobState>,
}

/// Sees every change of every job.
pub(super) struct Changes {
    known: HashMap<JobId, (JobState, u32)>,
    /// Seconds since 1970.
    newest: i64,
}

impl Changes {
    /// Changes from now on.
    pub async fn from_now(reader: &Reader) -> Result<Self, StoreError> {
        let mut changes = Self { known: HashMap::new(), newest: chrono::Utc::now().timestamp() };
        // What was stored in the last minutes is no change.
        changes.next(reader).await?;
        let open = JobState::ALL.into_iter().filter(|state| !state.is_ended());
        let open = Operator::In(open.map(|state| state.as_str().to_owned()).collect());
        let rows = reader.now(&Jobs { filter: Filter::default().and(JobField::State, open), page: None }).await?;
        changes.are_known(&rows.iter().map(|row| row.to_model()).collect::<Vec<_>>());
        Ok(changes)
    }

    /// These were told.
    pub fn are_known(&mut self, jobs: &[Job]) {
        self.known.extend(jobs.iter().map(|job| (job.id, (job.state, job.attempts))));
    }

    /// What changed since the last time, the oldest first.
    pub async fn next(&mut self, reader: &Reader) -> Result<Vec<Change>, StoreError> {
        let since = Operator::Since(self.newest - OVERLAP);
        let mut rows =
            reader.now(&Jobs { filter: Filter::default().and(JobField::StoredAt, since), page: None }).await?;
        rows.sort_by_key(|row| row.version);
        if let Some(newest) = rows.last() {
            self.newest = self.newest.max(i64::try_from(newest.version / 1_000_000).unwrap_or_default());
        }
        let changed = rows.iter().map(|row| row.to_model()).filter_map(|job| {
            let before = self.known.insert(job.id, (job.state, job.attempts));
            let is_same = before == Some((job.state, job.attempts));
            (!is_same).then(|| Change { job, before: before.map(|(state, _)| state) })
        });
        Ok(changed.collect())
    }
}
