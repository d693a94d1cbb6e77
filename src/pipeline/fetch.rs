//! Fetches the mirror of one repository, and asks for a scan of what came.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;

use super::identity::scanned_status;
use super::mirrors::{Fetch, Fetched};
use super::progress::TaskProgress;
use super::rhythm::{Visited, next_try, next_visit};
use super::work::follow_up;
use super::{Pipeline, PipelineError, Task};
use crate::git::Head;
use crate::model::{JobKind, LastRun, LogLevel, Repository, RepositoryId, RepositoryStatus, RunStatus};
use crate::scan::EXTRACTOR_VERSION;
use crate::store::StoreError;
use crate::store::query::RepositoryRecord;

impl Pipeline {
    /// Fetches the mirror and records how that went; `pushed_at` is the newest push that the forge knows of, in seconds since 1970. Asks
    /// for a scan where the head is not the one that was scanned.
    pub(super) async fn fetch(
        &self,
        record: &RepositoryRecord,
        pushed_at: Option<i64>,
        task: &Task,
    ) -> Result<(), PipelineError> {
        let repository = record.to_model();
        if is_lost(&repository) {
            task.log(LogLevel::Warn, format!("{} is gone from this machine", repository.url));
            self.end_sync(record, Ok(None), pushed_at, Some(RepositoryStatus::Gone)).await?;
            return Ok(());
        }
        match self.fetch_locked(&repository, pushed_at, task).await {
            Ok(head) => {
                let back = (repository.status == RepositoryStatus::Gone).then(|| scanned_status(record.generation > 0));
                self.end_sync(record, Ok(Some(&head)), pushed_at, back).await?;
                if needs_scan(record, &head) {
                    follow_up(task, JobKind::Scan, repository.id, false);
                }
                Ok(())
            }
            Err(error) if error.is_stop() => Err(error),
            Err(error) => {
                self.end_sync(record, Err(&error), pushed_at, None).await?;
                Err(error)
            }
        }
    }

    /// The lock is free again when this ends: the scan that follows wants it.
    async fn fetch_locked(
        &self,
        repository: &Repository,
        pushed_at: Option<i64>,
        task: &Task,
    ) -> Result<Head, PipelineError> {
        let source = self.source(repository, Fetch::Always).await?;
        let _lock = self.lock(repository.id)?;
        // It may have been removed while this waited for its turn; nothing of it must come back.
        self.record(repository.id).await?;
        let (_, head) = self.mirror(repository.id, &source, Arc::new(TaskProgress::new(task))).await?;
        let branch = repository.profile.default_branch.clone();
        self.note_fetch(repository.id, &Fetched { pushed_at, branch, commit: head.commit.to_string() })?;
        Ok(head)
    }

    /// Whether a mirror holds what was not scanned, because its scan failed or never began; or it was scanned by older rules.
    pub(super) fn is_unscanned(&self, record: &RepositoryRecord) -> bool {
        let is_scanned = |fetched: Fetched| fetched.commit == record.head_commit;
        match record.status() {
            RepositoryStatus::PendingApproval | RepositoryStatus::Blocked => false,
            _ => is_outdated(record) || !self.fetched(RepositoryId(record.id)).is_none_or(is_scanned),
        }
    }

    /// Records how a visit of a repository ended, and when it is visited next.
    pub(super) async fn end_sync(
        &self,
        record: &RepositoryRecord,
        ended: Result<Option<&Head>, &PipelineError>,
        pushed_at: Option<i64>,
        status: Option<RepositoryStatus>,
    ) -> Result<(), StoreError> {
        let now_ms = Utc::now().timestamp_millis();
        let error = ended.err().map(|error| self.redactor.text(&error.to_string()).into_owned());
        let head = ended.ok().flatten();
        let pushed_at = pushed_at.or(head.map(|head| head.time));
        let change = |repository: &mut Repository| {
            // Somebody may have blocked it meanwhile.
            if let Some(status) = status.filter(|_| repository.status != RepositoryStatus::Blocked) {
                repository.status = status;
            }
            if let Some(head) = head {
                note_branch(repository, &head.branch);
            }
            repository.failed_syncs = if error.is_some() { repository.failed_syncs + 1 } else { 0 };
            let next = match &error {
                Some(_) => next_try(now_ms, repository.id, repository.failed_syncs, &self.sync),
                None => next_visit(now_ms, &visited(record, repository, pushed_at), &self.sync),
            };
            repository.next_sync_at_ms = Some(next);
            let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Succeeded };
            repository.sync = LastRun { status, at_ms: Some(now_ms), error: error.clone() };
            None
        };
        self.change(&[RepositoryId(record.id)], change).await.map(drop)
    }
}

/// What decides about the next visit of a repository as it is now.
pub(super) fn visited(record: &RepositoryRecord, repository: &Repository, pushed_at: Option<i64>) -> Visited {
    let head = record.head().map(|head| head.time);
    let is_empty = record.generation > 0 && record.resources == 0;
    let is_quiet = repository.profile.is_archived || repository.status == RepositoryStatus::Gone || is_empty;
    Visited { id: repository.id, pushed_at: pushed_at.or(head), is_quiet }
}

/// Notes the branch that git read. Where a forge tells the default branch, its word counts: a mirror follows it at the next fetch.
pub(super) fn note_branch(repository: &mut Repository, branch: &str) {
    if repository.forge_id.is_none() || repository.profile.default_branch.is_empty() {
        branch.clone_into(&mut repository.profile.default_branch);
    }
}

/// Whether a head is to be scanned: it was not yet, or by older rules.
fn needs_scan(record: &RepositoryRecord, head: &Head) -> bool {
    record.generation == 0 || record.head_commit != head.commit.to_string() || is_outdated(record)
}

/// Whether a repository was scanned by older rules.
fn is_outdated(record: &RepositoryRecord) -> bool {
    record.generation > 0 && record.extractor_version != EXTRACTOR_VERSION
}

/// Whether the path that a repository lives at is not there any more.
fn is_lost(repository: &Repository) -> bool {
    !repository.url.contains("://") && !Path::new(&repository.url).exists()
}
