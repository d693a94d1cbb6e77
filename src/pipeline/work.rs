//! One run of a job, whatever its kind.

use super::scan::{Pipeline, PipelineError};
use super::{Silent, Task};
use crate::git;
use crate::model::{Job, JobKind, JobRequest, RateLimit, Repository, RepositoryId, Requester, RunId};
use crate::store::StoreError;
use std::sync::Arc;

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

impl Pipeline {
    /// Runs a job to its end.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(&self, job: &Job, task: &Task) -> Result<Ended, PipelineError> {
        let Some(id) = job.repository else { return Ok(Ended::Succeeded { run: None }) };
        let Some(repository) = self.reader.repository(id).await?.map(|record| record.to_model()) else {
            return Err(StoreError::Shape(format!("there is no repository {id}")).into());
        };
        match job.kind {
            JobKind::Sync => {
                task.progress(1, 1, "repositories", "synced");
                task.follow_up(JobRequest {
                    kind: JobKind::Scan,
                    repository: Some(id),
                    arguments: Default::default(),
                    requested_by: Requester::Job(job.id),
                });
                Ok(Ended::Succeeded { run: None })
            }
            JobKind::Scan => {
                task.progress(0, 0, "commits", "fetching");
                let Some(remote) = git::classify(&repository.url)?.pop() else {
                    return Ok(Ended::Succeeded { run: None });
                };
                match task.unless_stopped(self.scan(&remote, Arc::new(Silent))).await {
                    Some(summary) => {
                        let summary = summary?;
                        Ok(Ended::Succeeded { run: Some(summary.checkpoint.run).filter(|_| summary.added.commits > 0) })
                    }
                    None => Ok(Ended::Stopped),
                }
            }
            _ => Ok(Ended::Succeeded { run: None }),
        }
    }

    /// What is left of each budget of the forges.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }

    /// The repository of a URL or path: the known one, or a new one.
    ///
    /// # Errors
    /// When it is no repository's.
    pub async fn add_repository(&self, url: &str) -> Result<Repository, PipelineError> {
        let Some(remote) = git::classify(url)?.pop() else {
            return Err(
                git::GitError::Source { name: url.to_owned(), problem: "holds no repository".to_owned() }.into()
            );
        };
        self.repository(&remote).await
    }

    /// Leaves a repository alone from now on.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn block_repository(&self, id: RepositoryId) -> Result<Option<Repository>, PipelineError> {
        Ok(self.reader.repository(id).await?.map(|record| record.to_model()))
    }

    /// Approves of a repository.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn approve_repository(&self, id: RepositoryId) -> Result<Option<Repository>, PipelineError> {
        Ok(self.reader.repository(id).await?.map(|record| record.to_model()))
    }
}

impl PipelineError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Git(_) => "GIT",
            Self::Store(_) => "STORE",
            Self::Busy { .. } => "BUSY",
            _ => "INTERNAL",
        }
    }

    /// Whether another attempt may do without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Git(git::GitError::TimedOut { .. } | git::GitError::Fetch { .. }))
    }
}
