//! Schedules: cron texts that ask for jobs.

use super::queue::{Enqueued, JobsError};
use crate::model::{JobId, JobKind};

/// A schedule as it is now.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    pub kind: JobKind,
    /// Cron text with seconds, UTC.
    pub cron: String,
    /// Whether it runs: it has a cron text, and nobody paused it.
    pub is_enabled: bool,
    /// Milliseconds since 1970; so below.
    pub next_run_at_ms: Option<i64>,
    pub last_run_at_ms: Option<i64>,
    pub last_job: Option<JobId>,
}

/// Runs the schedules. Cheap to clone.
#[derive(Clone)]
pub struct Clock {}

impl Clock {
    pub async fn schedules(&self) -> Result<Vec<Schedule>, JobsError> {
        Ok(Vec::new())
    }

    /// Asks for a schedule's job now.
    pub async fn run(&self, name: &str) -> Result<Enqueued, JobsError> {
        Err(JobsError::UnknownSchedule(name.to_owned()))
    }

    /// Pauses a schedule, or lets it run again.
    pub async fn pause(&self, name: &str, _is_paused: bool) -> Result<Schedule, JobsError> {
        Err(JobsError::UnknownSchedule(name.to_owned()))
    }
}
