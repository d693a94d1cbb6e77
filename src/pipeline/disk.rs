//! Keeps the mirrors within the disk that they may take.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::retain::entries;
use super::scan::blocking;
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::model::{LogLevel, RepositoryId, RepositoryStatus};
use crate::store::query::RepositoryRecord;

const DAY_MS: i64 = 86_400_000;

/// The bytes that each mirror took when it was last measured; `None`: none was. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Option<HashMap<RepositoryId, u64>>>>);

impl Disk {
    /// Measures one mirror again, or all of them.
    fn measure(&self, folder: &Path, changed: Option<RepositoryId>) -> HashMap<RepositoryId, u64> {
        let mut known = self.known();
        match (&mut *known, changed) {
            (Some(sizes), Some(id)) => drop(sizes.insert(id, bytes_in(&folder.join(format!("{id}.git"))))),
            (known, _) => *known = Some(sizes(folder)),
        }
        known.clone().unwrap_or_default()
    }

    fn forget(&self, id: RepositoryId) {
        if let Some(sizes) = &mut *self.known() {
            sizes.remove(&id);
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<HashMap<RepositoryId, u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipeline {
    /// Removes mirrors until the others fit into the disk that they may take, the least useful first. One that is in use stays. After a
    /// scan only the mirror that it `changed` is measured, as long as all fit.
    pub(super) async fn keep_mirrors_within_budget(
        &self,
        task: &Task,
        changed: Option<RepositoryId>,
    ) -> Result<Ended, PipelineError> {
        let Some(budget) = self.retention.mirrors_bytes else { return Ok(Ended::DONE) };
        if let Some(id) = changed
            && self.measured(Some(id)).await?.values().sum::<u64>() <= budget
        {
            return Ok(Ended::DONE);
        }
        // Other processes may have added some or removed some.
        let mut sizes = self.measured(None).await?;
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
                    self.disk.forget(id);
                    let text = format!("{}: its mirror of {} MiB makes room", record.full_name, size >> 20);
                    task.log(LogLevel::Info, text);
                }
                Err(PipelineError::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if task.is_stopped() { Ended::Stopped } else { Ended::DONE })
    }

    async fn measured(&self, changed: Option<RepositoryId>) -> Result<HashMap<RepositoryId, u64>, PipelineError> {
        let (folder, disk) = (self.mirrors.clone(), self.disk.clone());
        blocking(move || Ok(disk.measure(&folder, changed))).await
    }
}

/// What a repository's mirror is kept for: later ones in this order are more useful.
fn usefulness(record: &RepositoryRecord) -> (bool, i64, u32, Uuid) {
    let is_followed = !matches!(record.status(), RepositoryStatus::Gone | RepositoryStatus::Blocked);
    // Visits of one day are alike: the better repository stays.
    let visited = record.last_sync_at.max(record.last_scan_at).unwrap_or_default() / DAY_MS;
    (is_followed, visited, record.quality_score, record.id)
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
