//! What the API can ask for: jobs, schedules, and what becomes of a repository.

use super::{Clock, Enqueued, JobsError, Queue};
use crate::model::{JobArguments, JobKind, JobRequest, Repository, RepositoryId, RepositoryStatus, Requester};
use crate::pipeline::{Pipeline, PipelineError};

/// The writing half as the API sees it. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub queue: Queue,
    pub clock: Clock,
    pipeline: Pipeline,
}

impl Service {
    pub fn new(queue: Queue, clock: Clock, pipeline: Pipeline) -> Self {
        Self { queue, clock, pipeline }
    }

    /// Adds a repository by its URL (or a path on this machine), if it is not known yet, and asks for its sync and scan. One that was
    /// removed comes back.
    ///
    /// # Errors
    /// [`JobsError::BadSource`] when it is no repository's, [`JobsError::Unfit`] when it is blocked, waits for approval, or is being
    /// removed, or as [`Queue::enqueue`].
    pub async fn add_repository(&self, url: &str) -> Result<(Repository, Enqueued), JobsError> {
        let bad_source = |error| match error {
            PipelineError::Store(error) => JobsError::Store(error),
            other => JobsError::BadSource(self.pipeline.redactor.text(&other.to_string()).into_owned()),
        };
        let meant = self.pipeline.meaning(url).await.map_err(bad_source)?;
        // What is added while its removal goes on would be half of each.
        if let Some(id) = meant
            && self.queue.is_open(&wish(JobKind::Delete, id)).await?
        {
            return Err(JobsError::Unfit("the repository is being removed; it can be added again when that is done"));
        }
        let repository = self.pipeline.add_repository(url).await.map_err(bad_source)?;
        if let Some(reason) = refusal(repository.status, JobKind::Scan) {
            return Err(JobsError::Unfit(reason));
        }
        let enqueued = self.ask(JobKind::Sync, repository.id).await?;
        Ok((repository, enqueued))
    }

    /// Leaves a repository alone from now on; what is stored stays. Its jobs are cancelled.
    ///
    /// # Errors
    /// [`JobsError::UnknownRepository`], or when ClickHouse fails.
    pub async fn block_repository(&self, id: RepositoryId) -> Result<Repository, JobsError> {
        let blocked = self.pipeline.block_repository(id).await.map_err(failed)?;
        let repository = blocked.ok_or(JobsError::UnknownRepository)?;
        self.queue.cancel_repository(id).await?;
        Ok(repository)
    }

    /// Approves of a repository's size, or lets a blocked one be visited again, and asks for its sync.
    ///
    /// # Errors
    /// [`JobsError::UnknownRepository`], or as [`Queue::enqueue`].
    pub async fn approve_repository(&self, id: RepositoryId) -> Result<(Repository, Enqueued), JobsError> {
        let approved = self.pipeline.approve_repository(id).await.map_err(failed)?;
        let repository = approved.ok_or(JobsError::UnknownRepository)?;
        let enqueued = self.ask(JobKind::Sync, id).await?;
        Ok((repository, enqueued))
    }

    /// Removes a repository with everything it had, as a job; it is not discovered again until somebody adds it.
    ///
    /// # Errors
    /// [`JobsError::UnknownRepository`], or as [`Queue::enqueue`].
    pub async fn delete_repository(&self, id: RepositoryId) -> Result<Enqueued, JobsError> {
        self.ask(JobKind::Delete, id).await
    }

    async fn ask(&self, kind: JobKind, id: RepositoryId) -> Result<Enqueued, JobsError> {
        self.queue.enqueue(wish(kind, id)).await
    }
}

fn wish(kind: JobKind, id: RepositoryId) -> JobRequest {
    // Whoever asks by hand wants the newest, whatever the forge says of pushes.
    let arguments = JobArguments { fetch: kind == JobKind::Sync, ..JobArguments::default() };
    JobRequest { kind, repository: Some(id), arguments, requested_by: Requester::Person("api".to_owned()) }
}

/// Why a repository in this status is not synced or scanned, for whoever asks for that.
pub const fn refusal(status: RepositoryStatus, kind: JobKind) -> Option<&'static str> {
    match (status, kind) {
        (RepositoryStatus::Blocked, _) => Some("the repository is blocked; approveRepository lets it be visited again"),
        (RepositoryStatus::PendingApproval, JobKind::Scan) => {
            Some("the repository waits for approval because of its size; approveRepository gives it")
        }
        _ => None,
    }
}

/// Past its beginning, only the database can fail.
fn failed(error: PipelineError) -> JobsError {
    match error {
        PipelineError::Store(error) => JobsError::Store(error),
        other => JobsError::BadSource(other.to_string()),
    }
}
