//! The queue and its workers.

use std::time::Duration;

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::model::{Job, JobId, JobRequest, JobState, RateLimit, Requester};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// Only a job that still waits or runs can be cancelled, and only one that has ended can be asked for again.
    #[error("the job is {} already", .0.as_str())]
    WrongState(JobState),
    #[error("there is no schedule {0:?}")]
    UnknownSchedule(String),
    #[error("there is no repository with this id")]
    UnknownRepository,
    /// A URL or path that is no repository's.
    #[error("{0}")]
    BadSource(String),
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// A job that was asked for.
#[derive(Clone, Debug)]
pub struct Enqueued {
    pub job: Job,
    /// The same was asked for before, and has not ended: this is that job.
    pub joined: bool,
}

/// One of the workers of a process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The process.
    pub process: Uuid,
    /// Counts the workers of a process from 1.
    pub number: u32,
    pub job: Option<JobId>,
    /// When it began its job, or its rest, in milliseconds since 1970.
    pub since_ms: i64,
}

/// A handle to the queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {}

impl Queue {
    /// Asks for a job; the same one that has not ended yet is joined.
    pub async fn enqueue(&self, _request: JobRequest) -> Result<Enqueued, JobsError> {
        Err(JobsError::ShuttingDown)
    }

    /// Asks a job to end; one that waits ends at once, one that runs within a second.
    pub async fn cancel(&self, id: JobId) -> Result<Job, JobsError> {
        Err(JobsError::NotFound(id))
    }

    /// Asks for a job once more that has ended: a new job with the same arguments.
    pub async fn retry(&self, id: JobId, _requested_by: Requester) -> Result<Enqueued, JobsError> {
        Err(JobsError::NotFound(id))
    }

    /// Every change of every job of this process, from now on.
    pub fn updates(&self) -> broadcast::Receiver<Job> {
        broadcast::channel(1).1
    }

    pub fn workers(&self) -> Vec<Worker> {
        Vec::new()
    }

    pub fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }

    /// Waits until a job has ended.
    pub async fn ended(&self, id: JobId) -> Result<Job, JobsError> {
        Err(JobsError::NotFound(id))
    }

    /// Takes no more jobs, gives the running ones some time to end, and leaves the rest for the next process.
    pub async fn shut_down(&self, _patience: Duration) {}
}
