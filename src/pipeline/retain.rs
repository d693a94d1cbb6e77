//! Removes what has had its time: ended jobs, rows that no reader sees, mirrors past the disk budget, what removed repositories left.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::Utc;
use uuid::Uuid;

use super::scan::blocking;
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::model::{LogLevel, RepositoryId, RepositoryStatus};
use crate::store::query::{Filter, HalfRemoved, Repositories, RepositoryRecord, Strays};

/// A reader may still look at what a scan has just replaced, for so many milliseconds.
const READING_MS: i64 = 600_000;
const DAY_MS: i64 = 86_400_000;
/// What lies in the folder of the mirrors, by the end of its name: mirrors, locks, and notes about fetches.
const KINDS: [&str; 3] = ["git", "lock", "push"];

impl Pipeline {
    /// Each step ends early when the job is to end; what is left is for the next time.
    pub(super) async fn retain(&self, task: &Task) -> Result<Ended, PipelineError> {
        let now_ms = Utc::now().timestamp_millis();
        let before_ms = now_ms - i64::try_from(self.retention.jobs.as_millis()).unwrap_or(now_ms);
        self.writer.delete_jobs_ended_before(before_ms).await?;
        if self.finish_removals(task).await? == Ended::Stopped
            || self.clear_strays(task).await? == Ended::Stopped
            || self.remove_leftovers(task).await? == Ended::Stopped
        {
            return Ok(Ended::Stopped);
        }
        self.keep_mirrors_within_budget(task).await
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
        for (done, stray) in strays.iter().enumerate() {
            if task.is_stopped() {
                return Ok(Ended::Stopped);
            }
            task.progress(done as u64, strays.len() as u64, "repositories", "clearing rows that nobody sees");
            let id = RepositoryId(stray.repository_id);
            let lock = match self.lock(id) {
                Err(PipelineError::Busy { .. }) => continue,
                lock => lock?,
            };
            let record = self.reader.repository(id).await?;
            if record.as_ref().and_then(|record| record.last_scan_at).is_some_and(|at| at > now_ms - READING_MS) {
                continue;
            }
            let checkpoint = self.reader.checkpoint(id).await?;
            self.writer.clear_strays_before(id, checkpoint.as_ref(), before_ms).await?;
            if record.is_none() {
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

    /// Removes mirrors until the others fit into the disk that they may take, the least useful first. One that is in use stays.
    pub(super) async fn keep_mirrors_within_budget(&self, task: &Task) -> Result<Ended, PipelineError> {
        let Some(budget) = self.retention.mirrors_bytes else { return Ok(Ended::DONE) };
        let folder = self.mirrors.clone();
        let mut sizes = blocking(move || Ok(sizes(&folder))).await?;
        let mut total: u64 = sizes.values().sum();
        if total <= budget {
            return Ok(Ended::DONE);
        }
        let records = self.all().await?;
        let mut records: Vec<&RepositoryRecord> = records.iter().collect();
        records.sort_by_key(|record| usefulness(record));
        for record in records {
            let id = RepositoryId(record.id);
            let Some(size) = sizes.remove(&id) else { continue };
            if total <= budget || task.is_stopped() {
                break;
            }
            let removed = match self.lock(id) {
                Ok(_lock) => self.remove_mirror(id, false).await,
                Err(error) => Err(error),
            };
            match removed {
                Ok(()) => {
                    total -= size;
                    let text = format!("{}: its mirror of {} MiB makes room", record.full_name, size >> 20);
                    task.log(LogLevel::Info, text);
                }
                Err(PipelineError::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if task.is_stopped() { Ended::Stopped } else { Ended::DONE })
    }

    async fn all(&self) -> Result<std::sync::Arc<Vec<RepositoryRecord>>, PipelineError> {
        let all = Repositories { filter: Filter::default(), page: None };
        Ok(self.reader.snapshot().await?.fetch(&all).await?)
    }

    /// Repositories of which something lies in the folder of the mirrors.
    async fn present(&self) -> Result<HashSet<RepositoryId>, PipelineError> {
        let folder = self.mirrors.clone();
        blocking(move || Ok(entries(&folder).into_iter().map(|(id, _)| id).collect())).await
    }
}

/// What a repository's mirror is kept for: later ones in this order are more useful.
fn usefulness(record: &RepositoryRecord) -> (bool, i64, u32, Uuid) {
    let is_followed = !matches!(record.status(), RepositoryStatus::Gone | RepositoryStatus::Blocked);
    // Visits of one day are alike: the better repository stays.
    let visited = record.last_sync_at.max(record.last_scan_at).unwrap_or_default() / DAY_MS;
    (is_followed, visited, record.quality_score, record.id)
}

/// What of ours lies in the folder of the mirrors.
fn entries(folder: &Path) -> Vec<(RepositoryId, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let (id, kind) = path.file_name()?.to_str()?.split_once('.')?;
        let id = KINDS.contains(&kind).then(|| id.parse().ok())??;
        Some((RepositoryId(id), path))
    };
    entries.filter_map(entry).collect()
}

/// Bytes that each mirror takes.
fn sizes(folder: &Path) -> HashMap<RepositoryId, u64> {
    let mirrors = entries(folder).into_iter().filter(|(_, path)| path.extension().is_some_and(|kind| kind == "git"));
    mirrors.map(|(id, path)| (id, bytes_in(&path))).collect()
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        // Of the link itself, where it is one: nothing outside is counted.
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { bytes_in(&entry.path()) } else { metadata.len() })
    };
    entries.filter_map(bytes).sum()
}
