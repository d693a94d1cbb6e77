//! The write half: repositories, the rows of a scan, and the checkpoint that makes them visible.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use futures_util::FutureExt;
use tokio::sync::Mutex;

use super::reader::DATA_VERSION;
use super::repository_rows::RepositoryRow;
use super::resolution_rows::{FileRow, ReferenceRow, ResolutionRow, VersionChangeRow};
use super::rows::{AliasRow, CheckpointRow, EventRow, FailureRow, KeyRow, ResourceRow};
use super::{Origin, Store, StoreError};
use crate::model::{
    ChartVersionChange, Checkpoint, EdgeChange, FileChange, Repository, RepositoryId, ResolutionChange, Resource,
    ResourceEvent, ScanFailure,
};

/// The tables that hold rows of scans.
pub(super) const SCAN_TABLES: [&str; 7] = [
    "resource_events",
    "resources",
    "scan_failures",
    "resource_resolutions",
    "resource_references",
    "chart_version_changes",
    "file_facts",
];

/// Writes what scans found. Rows are invisible to readers until [`Writer::publish`] covers them.
#[derive(Clone)]
pub struct Writer {
    pub(super) store: Store,
    /// Held from giving a version until its row is stored: versions become visible in their order, and whoever has seen one
    /// has seen all before it.
    pub(super) publishing: Arc<Mutex<()>>,
}

impl Writer {
    pub fn new(store: Store) -> Self {
        Self { store, publishing: Arc::default() }
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

    /// Makes `alias` (a normalised URL or a canonical path) mean `repository`.
    pub async fn add_alias(&self, alias: &str, repository: RepositoryId) -> Result<(), StoreError> {
        let row = AliasRow { alias, repository_id: repository.0 };
        self.store.insert::<AliasRow<'_>>("repository_aliases", "", [row]).await
    }

    /// Stores a repository as it is now.
    pub async fn save_repository(&self, repository: &Repository) -> Result<(), StoreError> {
        let _publishing = self.publishing.lock().await;
        let row = RepositoryRow::new(self.next_version().await?, repository);
        self.store.insert::<RepositoryRow<'_>>("repositories", "", [row]).await?;
        self.store.note_publication();
        Ok(())
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

    /// Removes what the checkpoint would cover although another scan wrote it. An external server may finish the last insert
    /// of a killed scan when the next one has cleared the rows already.
    async fn clear_strays(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Checkpoint { repository, generation, run, .. } = checkpoint;
        let covered = format!(
            "SELECT max(sequence) FROM checkpoints WHERE repository_id = '{repository}' AND generation = {generation}"
        );
        let covered = self.store.rows::<u64>(&covered).await?.first().copied().unwrap_or_default();
        let run = run.0;
        self.clear(*repository, &format!("generation = {generation} AND sequence > {covered} AND run_id != '{run}'"))
            .await
    }

    /// Deletes by a mutation, which writes the parts anew: a lightweight DELETE hides rows, and what it hides is still
    /// seen through the projection by_time (ClickHouse 26.7, whatever `lightweight_mutation_projection_mode` says).
    pub(super) async fn clear(&self, repository: RepositoryId, condition: &str) -> Result<(), StoreError> {
        let condition = format!("repository_id = '{repository}' AND {condition}");
        // Mostly there is nothing: one question tells of all tables.
        let count =
            |table| format!("SELECT '{table}', count() AS found FROM {table} WHERE {condition} HAVING found > 0");
        let counts: Vec<String> = SCAN_TABLES.into_iter().map(count).collect();
        for (table, _) in self.store.rows::<(String, u64)>(&counts.join(" UNION ALL ")).await? {
            let delete = format!("ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2");
            self.store.execute(&delete).await?;
        }
        Ok(())
    }

    // Inserts of borrowed rows are boxed here and below: rustc cannot tell otherwise that scans may run on any thread
    // (rust-lang/rust#102211).
    pub async fn events(&self, origin: Origin, events: &[ResourceEvent]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let rows = events.iter().map(|event| EventRow::new(origin, event));
        self.store
            .insert::<EventRow<'_>>("resource_events", &token("events", origin, first.sequence), rows)
            .boxed()
            .await
    }

    pub async fn failures(&self, origin: Origin, failures: &[ScanFailure]) -> Result<(), StoreError> {
        let Some(first) = failures.first() else { return Ok(()) };
        let rows = failures.iter().map(|failure| FailureRow::new(origin, failure));
        self.store
            .insert::<FailureRow<'_>>("scan_failures", &token("failures", origin, first.sequence), rows)
            .boxed()
            .await
    }

    pub async fn resources(&self, origin: Origin, resources: &[Resource]) -> Result<(), StoreError> {
        let Some(first) = resources.first() else { return Ok(()) };
        let rows = resources.iter().map(|resource| ResourceRow::new(origin, resource));
        self.store
            .insert::<ResourceRow<'_>>("resources", &token("resources", origin, first.sequence), rows)
            .boxed()
            .await
    }

    /// Stores what was resolved. Rows of one commit share a sequence: `block` counts the blocks of a run.
    pub async fn resolutions(&self, origin: Origin, block: u64, rows: &[ResolutionChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let token = token("resolutions", origin, block);
        let rows = rows.iter().map(|change| ResolutionRow::new(origin, change));
        self.store.insert::<ResolutionRow<'_>>("resource_resolutions", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn references(&self, origin: Origin, block: u64, rows: &[EdgeChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let token = token("references", origin, block);
        let rows = rows.iter().map(|change| ReferenceRow::new(origin, change));
        self.store.insert::<ReferenceRow<'_>>("resource_references", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn version_changes(
        &self,
        origin: Origin,
        block: u64,
        rows: &[ChartVersionChange],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let token = token("version_changes", origin, block);
        let rows = rows.iter().map(|change| VersionChangeRow::new(origin, change));
        self.store.insert::<VersionChangeRow<'_>>("chart_version_changes", &token, rows).boxed().await
    }

    /// As [`Writer::resolutions`].
    pub async fn files(&self, origin: Origin, block: u64, rows: &[FileChange]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let token = token("files", origin, block);
        let rows = rows.iter().map(|change| FileRow::new(origin, change));
        self.store.insert::<FileRow<'_>>("file_facts", &token, rows).boxed().await
    }

    /// Lets readers see everything up to the checkpoint, at once.
    pub async fn publish(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.clear_strays(checkpoint).await?;
        let _publishing = self.publishing.lock().await;
        let version = self.next_version().await?;
        let token = format!("checkpoint/{}/{}", checkpoint.repository, checkpoint.run);
        let row = CheckpointRow::new(version, checkpoint);
        self.store.insert::<CheckpointRow<'_>>("checkpoints", &token, [row]).await?;
        self.store.note_publication();
        Ok(())
    }

    /// A version after all that were given: the time in microseconds, unless some clock was ahead of ours.
    pub(super) async fn next_version(&self) -> Result<u64, StoreError> {
        let newest = self.store.rows::<u64>(DATA_VERSION).await?.first().copied().unwrap_or_default();
        let now = u64::try_from(Utc::now().timestamp_micros()).unwrap_or_default();
        Ok(now.max(newest + 1))
    }
}

/// Names a block of rows: the same run never sends two blocks that begin with the same sequence.
fn token(table: &str, origin: Origin, first: u64) -> String {
    format!("{table}/{}/{}/{first}", origin.repository, origin.run)
}
