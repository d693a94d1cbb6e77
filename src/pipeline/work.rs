//! One run of a job, whatever its kind.

use std::sync::Arc;

use super::mirrors::Fetch;
use super::progress::TaskProgress;
use super::{Pipeline, PipelineError, Task};
use crate::forge::{Forge, ForgeError};
use crate::model::{
    Job, JobArguments, JobKind, JobRequest, RateLimit, RepositoryId, RepositoryStatus, Requester, RunId,
};
use crate::store::query::RepositoryRecord;

/// How a run of a job ended without a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Succeeded {
        /// Of a scan that stored something.
        run: Option<RunId>,
    },
    /// It goes on at this time, in milliseconds since 1970.
    Parked { until_ms: i64, reason: String },
    /// It was asked to end, and did.
    Stopped,
}

impl Ended {
    /// Succeeded without storing events.
    pub(super) const DONE: Self = Self::Succeeded { run: None };
}

impl Pipeline {
    /// Runs a job to its end. A job that was killed is simply run again.
    ///
    /// # Errors
    /// When it fails. A forge without budget, and a wish to end, are no failures.
    pub async fn run(&self, job: &Job, task: &Task) -> Result<Ended, PipelineError> {
        self.run_on(&self.forges, job, task).await
    }

    /// The same with these forges instead of its own.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub async fn run_on<F: Forge>(&self, forges: &[F], job: &Job, task: &Task) -> Result<Ended, PipelineError> {
        let ended = match job.kind {
            JobKind::Discover => self.discover(forges, job, task).await,
            JobKind::Sync => match job.repository {
                Some(id) => self.sync_one(forges, id, job, task).await,
                None => self.sync_due(forges, job, task).await,
            },
            JobKind::Scan => self.scan_job(job, task).await,
            JobKind::Aggregate => self.aggregate(task).await,
            JobKind::Retain => self.retain(task).await,
            JobKind::Delete => self.delete(job).await,
        };
        match ended {
            Err(error) if error.is_stop() => Ok(Ended::Stopped),
            Err(PipelineError::Forge(error @ ForgeError::OutOfBudget { until, .. })) => {
                Ok(Ended::Parked { until_ms: until.saturating_mul(1_000), reason: error.to_string() })
            }
            ended => ended,
        }
    }

    /// What is left of each budget of the forges.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.forges.iter().flat_map(Forge::rate_limits).collect()
    }

    async fn scan_job(&self, job: &Job, task: &Task) -> Result<Ended, PipelineError> {
        let repository = self.record(needed(job)?).await?.to_model();
        let name = repository.full_name();
        match repository.status {
            RepositoryStatus::Blocked => return Err(PipelineError::Blocked(name)),
            RepositoryStatus::PendingApproval => return Err(PipelineError::NotApproved(name)),
            RepositoryStatus::Pending | RepositoryStatus::Active | RepositoryStatus::Gone => {}
        }
        let fetch = if job.arguments.fetch { Fetch::Always } else { Fetch::IfAbsent };
        let source = self.source(&repository, fetch).await?;
        let summary = self.scan_from(&repository, &source, Arc::new(TaskProgress::new(task))).await?;
        self.keep_mirrors_within_budget(task, Some(repository.id)).await?;
        let has_stored = summary.added.commits > 0 || summary.rebuilt;
        Ok(Ended::Succeeded { run: Some(summary.checkpoint.run).filter(|_| has_stored) })
    }

    /// A repository with its checkpoint.
    pub(super) async fn record(&self, id: RepositoryId) -> Result<RepositoryRecord, PipelineError> {
        self.reader.repository(id).await?.ok_or(PipelineError::UnknownRepository(id))
    }
}

/// The repository of a job that cannot do without.
pub(super) fn needed(job: &Job) -> Result<RepositoryId, PipelineError> {
    job.repository.ok_or(PipelineError::NoRepository(job.kind.as_str()))
}

/// Asks for a job of a repository on behalf of a task.
pub(super) fn follow_up(task: &Task, kind: JobKind, repository: RepositoryId, fetch: bool) {
    let arguments = JobArguments { fetch, ..JobArguments::default() };
    let requested_by = Requester::Job(task.job);
    task.follow_up(JobRequest { kind, repository: Some(repository), arguments, requested_by });
}
