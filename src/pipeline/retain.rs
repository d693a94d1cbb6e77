//! Removes what has had its time: ended jobs, old snapshots, rows that no reader sees, mirrors past the disk budget, what removed
//! repositories left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use super::scan::blocking;
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::model::{LogLevel, RepositoryId};
use crate::store::query::{Filter, HalfRemoved, Repositories, RepositoryRecord, Strays};

/// A reader may still look at what a scan has just replaced, for so many milliseconds.
const READING_MS: i64 = 600_000;
const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
/// The first Monday of 1970.
const MONDAY_MS: i64 = 4 * DAY_MS;
/// Repositories whose rows are cleared together.
const BATCH: usize = 100;
/// What lies in the folder of the mirrors, by the end of its name: mirrors, locks, and notes about fetches.
const KINDS: [&str; 3] = ["git", "lock", "push"];

impl Pipeline {
    /// Each step ends early when the job is to end; what is left is for the next time.
    pub(super) async fn retain(&self, task: &Task) -> Result<Ended, PipelineError> {
        let now_ms = Utc::now().timestamp_millis();
        let before = |time: Duration| now_ms - i64::try_from(time.as_millis()).unwrap_or(now_ms);
        self.writer.delete_jobs_ended_before(before(self.retention.jobs)).await?;
        let [daily, weekly] = [self.retention.all_snapshots, self.retention.daily_snapshots].map(before);
        self.writer.thin_metrics(daily - daily.rem_euclid(DAY_MS), monday_of(weekly)).await?;
        if self.finish_removals(task).await? == Ended::Stopped
            || self.clear_strays(task).await? == Ended::Stopped
            || self.remove_leftovers(task).await? == Ended::Stopped
        {
            return Ok(Ended::Stopped);
        }
        self.keep_mirrors_within_budget(task, None).await
    }

    /// Ends removals that were cut short, and that nobody repeated.
    async fn finish_removals(&self, task: &Task) -> Result<Ended, PipelineError> {
        for found in self.reader.now(&HalfRemoved).await? {
            if task.is_stopped() {
                return Ok(Ended::Stopped);
            }
            let id = RepositoryId(found.repository_id);
            match self.remove(id, task.job).await {
                Ok(()) => task.log(LogLevel::Info, format!("the removal of {id} was cut short; it is ended now")),
                // Somebody is at it.
                Err(PipelineError::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Ended::DONE)
    }

    /// Removes rows that no reader sees, of repositories that nobody scans here. Those that were stored lately stay: another machine may
    /// be scanning.
    async fn clear_strays(&self, task: &Task) -> Result<Ended, PipelineError> {
        let now_ms = Utc::now().timestamp_millis();
        let before_ms = now_ms - i64::try_from(self.retention.strays.as_millis()).unwrap_or(now_ms);
        let strays = self.reader.snapshot().await?.fetch(&Strays { before_ms }).await?;
        for (batch, done) in strays.chunks(BATCH).zip((0_u64..).step_by(BATCH)) {
            if task.is_stopped() {
                return Ok(Ended::Stopped);
            }
            task.progress(done, strays.len() as u64, "repositories", "clearing rows that nobody sees");
            let (mut unseen, mut locks) = (Vec::new(), Vec::new());
            for id in batch.iter().map(|stray| RepositoryId(stray.repository_id)) {
                let lock = match self.lock(id) {
                    Err(PipelineError::Busy { .. }) => continue,
                    lock => lock?,
                };
                let record = self.reader.repository(id).await?;
                if record.as_ref().and_then(|record| record.last_scan_at).is_some_and(|at| at > now_ms - READING_MS) {
                    continue;
                }
                unseen.push((id, self.reader.checkpoint(id).await?));
                locks.push((lock, record.is_none()));
            }
            self.writer.clear_strays_before(&unseen, before_ms).await?;
            for (lock, _) in locks.into_iter().filter(|(_, is_unknown)| *is_unknown) {
                lock.remove()?;
            }
        }
        Ok(Ended::DONE)
    }

    /// Removes what repositories that were removed left in the folder of the mirrors.
    async fn remove_leftovers(&self, task: &Task) -> Result<Ended, PipelineError> {
        let known: HashSet<Uuid> = self.all().await?.iter().map(|record| record.id).collect();
        let unknown = |id: &RepositoryId| !known.contains(&id.0);
        for id in self.present().await?.into_iter().filter(unknown) {
            if task.is_stopped() {
                return Ok(Ended::Stopped);
            }
            let lock = match self.lock(id) {
                Err(PipelineError::Busy { .. }) => continue,
                lock => lock?,
            };
            // It may have become known since.
            if self.reader.repository(id).await?.is_none() {
                self.remove_mirror(id, true).await?;
                lock.remove()?;
            }
        }
        Ok(Ended::DONE)
    }

    pub(super) async fn all(&self) -> Result<std::sync::Arc<Vec<RepositoryRecord>>, PipelineError> {
        let all = Repositories { filter: Filter::default(), page: None };
        Ok(self.reader.snapshot().await?.fetch(&all).await?)
    }

    /// Repositories of which something lies in the folder of the mirrors.
    async fn present(&self) -> Result<HashSet<RepositoryId>, PipelineError> {
        let folder = self.mirrors.clone();
        blocking(move || Ok(entries(&folder).into_iter().map(|(id, _)| id).collect())).await
    }
}

/// The midnight in UTC with which the week of a time begins.
const fn monday_of(time_ms: i64) -> i64 {
    time_ms - (time_ms - MONDAY_MS).rem_euclid(WEEK_MS)
}

/// What of ours lies in the folder of the mirrors.
pub(super) fn entries(folder: &Path) -> Vec<(RepositoryId, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let (id, kind) = path.file_name()?.to_str()?.split_once('.')?;
        let id = KINDS.contains(&kind).then(|| id.parse().ok())??;
        Some((RepositoryId(id), path))
    };
    entries.filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, monday_of};

    #[test]
    fn weeks_begin_on_mondays() {
        // 2024-01-01 was one.
        let monday = 1_704_067_200_000;
        for (time, expected) in [(monday, monday), (monday + 7 * DAY_MS - 1, monday), (monday - 1, monday - 7 * DAY_MS)]
        {
            assert_eq!(monday_of(time), expected, "{time}");
        }
    }
}
