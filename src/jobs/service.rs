//! What the API can ask for: jobs, schedules, and what becomes of a repository.

use super::{Clock, Enqueued, JobsError, Queue};
use crate::model::{Repository, RepositoryId};

/// The writing half as the API sees it. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub queue: Queue,
    pub clock: Clock,
}

impl Service {
    /// Adds a repository by its URL (or a path on this machine), if it is not known yet, and asks for its sync and scan. One that was
    /// removed comes back.
    pub async fn add_repository(&self, url: &str) -> Result<(Repository, Enqueued), JobsError> {
        Err(JobsError::BadSource(url.to_owned()))
    }

    /// Leaves a repository alone from now on; what is stored stays. Its jobs are cancelled.
    pub async fn block_repository(&self, _id: RepositoryId) -> Result<Repository, JobsError> {
        Err(JobsError::UnknownRepository)
    }

    /// Approves of a repository's size, or lets a blocked one be visited again, and asks for its sync.
    pub async fn approve_repository(&self, _id: RepositoryId) -> Result<(Repository, Enqueued), JobsError> {
        Err(JobsError::UnknownRepository)
    }

    /// Removes a repository with everything it had, as a job; it is not discovered again until somebody adds it.
    pub async fn delete_repository(&self, _id: RepositoryId) -> Result<Enqueued, JobsError> {
        Err(JobsError::UnknownRepository)
    }
}
