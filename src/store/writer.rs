//! The write half: repositories, the rows of a scan, and the checkpoint that makes them visible.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::Utc;
use futures_util::FutureExt;
use tokio::sync::{Mutex, MutexGuard};

use super::reader::DATA_VERSION;
use super::resolution_rows::{FileRow, ReferenceRow, ResolutionRow, VersionChangeRow};
use super::rows::{CheckpointRow, EventRow, FailureRow, KeyRow, ResourceRow};
use super::run::{Found, Run, SCAN_TABLES};
use super::{Origin, Store, StoreError};
use crate::model::{
    ChartVersionChange, Checkpoint, EdgeChange, FileChange, RepositoryId, ResolutionChange, Resource, ResourceEvent,
    RunId, ScanFailure,
};

/// Writes what scans found. Rows are invisible to readers until [`Writer::publish`] covers them.
#[derive(Clone)]
pub struct Writer {
    pub(super) store: Store,
    /// Held from giving a version until its row is stored: versions become visible in their order, and whoever has seen one
    /// has seen all before it.
    publishing: Arc<Mutex<()>>,
    /// The same between processes: a file that is locked meanwhile.
    lock: Option<Arc<Path>>,
    /// The last version of a job or schedule that was stored or read.
    pub(super) last_state: Arc<AtomicU64>,
}

/// The right to give a version. It ends with this.
pub(super) struct Publishing<'a> {
    _here: MutexGuard<'a, ()>,
    _elsewhere: Option<File>,
}

impl Writer {
    pub fn new(store: Store) -> Self {
        Self { store, publishing: Arc::default(), lock: None, last_state: Arc::default() }
    }

    /// Takes turns with the other processes that name this file: what they change is read and written as one.
    #[must_use]
    pub fn taking_turns(self, file: &Path) -> Self {
        Self { lock: Some(file.into()), ..self }
    }

    pub(super) async fn publishing(&self) -> Result<Publishing<'_>, StoreError> {
        let here = self.publishing.lock().await;
        let Some(path) = self.lock.clone() else { return Ok(Publishing { _here: here, _elsewhere: None }) };
        let locked = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
                file.lock()?;
                Ok(file)
            })
        };
        let locked = locked.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let file = locked.map_err(|source| StoreError::Lock { path: path.to_path_buf(), source })?;
        Ok(Publishing { _here: here, _elsewhere: Some(file) })
    }

    /// Notes which redaction key digests the secrets in this database; `file` is where the caller keeps its own.
    ///
    /// # Errors
    /// [`StoreError::OtherKey`] when an earlier scan brought another one; when ClickHouse fails, as all methods below.
    pub async fn claim_redaction_key(&self, fingerprint: &str, file: &Path) -> Result<(), StoreError> {
        const FIRST: &str = "SELECT fingerprint FROM redaction_keys ORDER BY added_at, fingerprint LIMIT 1";
        let mut first: Vec<String> = self.store.rows(FIRST).await?;
        if first.is_empty() {
            let row = KeyRow { fingerprint };
            self.store.insert::<KeyRow<'_>>("redaction_keys", fingerprint, [row]).await?;
            // Of two machines that begin at once, both see the same first.
            first = self.store.rows(FIRST).await?;
        }
        match first.pop() {
            Some(stored) if stored != fingerprint => {
                Err(StoreError::OtherKey { stored, own: fingerprint.to_owned(), file: file.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Removes what no reader sees: rows of other generations, and rows past `sequence` that an interrupted scan left.
    pub async fn clear_unpublished(
        &self,
        repository: RepositoryId,
        generation: u32,
        sequence: u64,
    ) -> Result<(), StoreError> {
        self.clear(repository, &format!("(generation != {generation} OR sequence > {sequence})")).await
    }

    /// Removes what an interrupted scan left of a generation that was never published.
    pub async fn clear_generation(&self, repository: RepositoryId, generation: u32) -> Result<(), StoreError> {
        self.clear(repository, &format!("generation = {generation}")).await
    }

    /// Makes sure that a checkpoint would cover what this run sent, and nothing else.
    ///
    /// ClickHouse stores a block and logs its token one after the other. Killed in between, an insert that is repeated can be
    /// stored twice, or not at all. And an external server may finish the last insert of a killed scan when the next one
    /// has cleared the rows already: what other runs left is removed.
    async fn settle(&self, run: &Run) -> Result<(), StoreError> {
        let found = self.store.rows::<Found>(&run.question()).await?;
        let strays: Vec<&str> =
            found.iter().filter_map(|(table, .., others)| (*others > 0).then_some(table.as_str())).collect();
        let mut settled = found.iter().try_for_each(|found| run.check(found));
        if !strays.is_empty() && self.newest_sequence(run).await? > run.published {
            settled = Err(StoreError::Overtaken);
        }
        let Origin { repository, generation, run: RunId(id) } = run.origin;
        if settled.is_err() {
            // Rows of this run that lie before another one's checkpoint would be seen beside its own.
            self.clear(repository, &format!("run_id = '{id}'")).await?;
            return settled;
        }
        let condition = format!("generation = {generation} AND sequence > {} AND run_id != '{id}'", run.published);
        for table in strays {
            self.delete(table, &of(repository, &condition)).await?;
        }
        Ok(())
    }

    /// The last published sequence of a run's generation; 0 without any.
    async fn newest_sequence(&self, run: &Run) -> Result<u64, StoreError> {
        let Origin { repository, generation, .. } = run.origin;
        let of = of(repository, &format!("generation = {generation}"));
        let newest = format!("SELECT max(sequence) FROM checkpoints WHERE {of}");
        Ok(self.store.rows::<u64>(&newest).await?.first().copied().unwrap_or_default())
    }

    pub(super) async fn clear(&self, repository: RepositoryId, condition: &str) -> Result<(), StoreError> {
        self.clear_where(&of(repository, condition)).await
    }

    /// Removes rows of scans.
    pub(super) async fn clear_where(&self, condition: &str) -> Result<(), StoreError> {
        // Mostly there is nothing: one question tells of all tables.
        let count =
            |table| format!("SELECT '{table}', count() AS found FROM {table} WHERE {condition} HAVING found > 0");
        let counts: Vec<String> = SCAN_TABLES.into_iter().map(count).collect();
        for (table, _) in self.store.rows::<(String, u64)>(&counts.join(" UNION ALL ")).await? {
            self.delete(&table, condition).await?;
        }
        Ok(())
    }

    /// Deletes by a mutation, which writes the parts anew: a lightweight DELETE hides rows, and what it hides is still
    /// seen through the projection by_time (ClickHouse 26.7, whatever `lightweight_mutation_projection_mode` says).
    pub(super) async fn delete(&self, table: &str, condition: &str) -> Result<(), StoreError> {
        self.store.execute(&format!("ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2")).await
    }

    // Inserts of borrowed rows are boxed here and below: rustc cannot tell otherwise that scans may run on any thread
    // (rust-lang/rust#102211).
    pub async fn events(&self, run: &Run, events: &[ResourceEvent]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        run.note("resource_events", events.iter().map(|event| event.sequence));
        let rows = events.iter().map(|event| EventRow::new(run.origin, event));
        self.store
            .insert::<EventRow<'_>>("resource_events", &token("events", run.origin, first.sequence), rows)
            .boxed()
            .await
    }

    pub async fn failures(&self, run: &Run, failures: &[ScanFailure]) -> Result<(), StoreError> {
        let Some(first) = failures.first() else { return Ok(()) };
        run.note("scan_failures", failures.iter().map(|failure| failure.sequence));
        let rows = failures.iter().map(|failure| FailureRow::new(run.origin, failure));
        self.store
            .insert::<FailureRow<'_>>("scan_failures", &token("failures", run.origin, first.sequence), rows)
            .boxed()
            .await
    }

    pub async fn resources(&self, run: &Run, resources: &[Resource]) -> Result<(), StoreError> {
        let Some(first) = resources.first() else { return Ok(()) };
        run.note("resources", resources.iter().map(|resource| resource.sequence));
        let rows = resources.iter().map(|resource| ResourceRow::new(run.origin, resource));
        self.store
            .insert::<ResourceRow<'_>>("resources", &token("resources", run.origin, first.sequence), rows)
            .boxed()
            .await
    }

    /// Stores what was resolved. Rows of one commit share a sequence: `block` counts the blocks of a run.
    pub async fn resolutions(&self, run: &Run, block: u64, rows: &[ResolutionChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        run.note("resource_resolutions", rows.iter().map(|change| change.sequence));
        let token = token("resolutions", run.origin, block);
        let rows = rows.iter().map(|change| ResolutionRow::new(run.origin, change));
        self.store.insert::<ResolutionRow<'_>>("resource_resolutions", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn references(&self, run: &Run, block: u64, rows: &[EdgeChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        run.note("resource_references", rows.iter().map(|change| change.sequence));
        let token = token("references", run.origin, block);
        let rows = rows.iter().map(|change| ReferenceRow::new(run.origin, change));
        self.store.insert::<ReferenceRow<'_>>("resource_references", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn version_changes(&self, run: &Run, block: u64, rows: &[ChartVersionChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        run.note("chart_version_changes", rows.iter().map(|change| change.sequence));
        let token = token("version_changes", run.origin, block);
        let rows = rows.iter().map(|change| VersionChangeRow::new(run.origin, change));
        self.store.insert::<VersionChangeRow<'_>>("chart_version_changes", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn files(&self, run: &Run, block: u64, rows: &[FileChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        run.note("file_facts", rows.iter().map(|change| change.sequence));
        let token = token("files", run.origin, block);
        let rows = rows.iter().map(|change| FileRow::new(run.origin, change));
        self.store.insert::<FileRow<'_>>("file_facts", &token, rows).boxed().await
    }

    /// Lets readers see everything up to the checkpoint, at once.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] when the database does not hold exactly what the run sent, [`StoreError::Overtaken`] when another
    /// scan of the repository was published since it began: nothing is published then, and its rows are gone.
    pub async fn publish(&self, run: &Run, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.settle(run).await?;
        let _publishing = self.publishing().await?;
        let version = self.next_version().await?;
        let token = format!("checkpoint/{}/{}", checkpoint.repository, checkpoint.run);
        let row = CheckpointRow::new(version, checkpoint);
        self.store.insert::<CheckpointRow<'_>>("checkpoints", &token, [row]).await?;
        self.store.note_publication();
        Ok(())
    }

    /// A version after all that were given.
    pub(super) async fn next_version(&self) -> Result<u64, StoreError> {
        let newest = self.store.rows::<u64>(DATA_VERSION).await?.first().copied().unwrap_or_default();
        Ok(version_after(newest))
    }
}

/// A version after another one: the time in microseconds, unless some clock was ahead of ours.
pub(super) fn version_after(newest: u64) -> u64 {
    let now = u64::try_from(Utc::now().timestamp_micros()).unwrap_or_default();
    now.max(newest + 1)
}

/// Rows of a repository that meet a condition.
fn of(repository: RepositoryId, condition: &str) -> String {
    format!("repository_id = '{repository}' AND {condition}")
}

/// Names a block of rows: the same run never sends two blocks that begin with the same sequence.
fn token(table: &str, origin: Origin, first: u64) -> String {
    format!("{table}/{}/{}/{first}", origin.repository, origin.run)
}
