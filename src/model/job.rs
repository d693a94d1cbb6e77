//! Jobs: one run of a task, from its request to its end.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{RepositoryId, RunId};

/// A job's id, ordered by the time of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl JobId {
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// Asks forges for repositories.
    Discover,
    /// Takes a snapshot of a repository's metrics and fetches its mirror; without a repository, of all that are due.
    Sync,
    /// Reads the history of a repository.
    Scan,
    /// Computes what is derived from many rows: quality scores.
    Aggregate,
    /// Removes what has had its time: old jobs, logs, rows nobody sees, mirrors past the disk budget.
    Retain,
    /// Removes a repository with everything it had.
    Delete,
}

impl JobKind {
    pub const ALL: [Self; 6] = [Self::Discover, Self::Sync, Self::Scan, Self::Aggregate, Self::Retain, Self::Delete];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "DISCOVER",
            Self::Sync => "SYNC",
            Self::Scan => "SCAN",
            Self::Aggregate => "AGGREGATE",
            Self::Retain => "RETAIN",
            Self::Delete => "DELETE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Waits for a worker, or for the time of its next attempt.
    Queued,
    Running,
    /// Waits until a forge has budget again; it does not count as an attempt.
    Parked,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobState {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Parked, Self::Succeeded, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Parked => "PARKED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether nothing will happen to the job any more, unless somebody asks for it again.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Who or what asked for a job. The earlier comes first when workers are few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// Somebody who waits: `api` or `cli`.
    Person(String),
    /// A forge said that something was pushed.
    Webhook,
    /// Another job, whose result asks for it: a scan after a fetch that moved the head.
    Job(JobId),
    /// A schedule, by its name.
    Clock(String),
}

impl Requester {
    /// Smaller comes first.
    pub const fn priority(&self) -> u8 {
        match self {
            Self::Person(_) => 0,
            Self::Webhook => 1,
            Self::Job(_) => 2,
            Self::Clock(_) => 3,
        }
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(way) => f.write_str(way),
            Self::Webhook => f.write_str("webhook"),
            Self::Job(id) => write!(f, "job {id}"),
            Self::Clock(schedule) => write!(f, "schedule {schedule}"),
        }
    }
}

/// Reads what [`Requester`] displays; anything else is a person's way.
impl From<&str> for Requester {
    fn from(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("schedule", name)) => Self::Clock(name.to_owned()),
            Some(("job", id)) if let Ok(id) = id.parse() => Self::Job(JobId(id)),
            None if text == "webhook" => Self::Webhook,
            _ => Self::Person(text.to_owned()),
        }
    }
}

/// A wish for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    pub kind: JobKind,
    pub repository: Option<RepositoryId>,
    pub arguments: JobArguments,
    pub requested_by: Requester,
}

/// What a job is told beside its kind and repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobArguments {
    /// DISCOVER: search expressions to run now; empty: the configured ones that are due.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
    /// SYNC without a repository: all, not only those that are due.
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
    /// SYNC and SCAN of a repository: fetch even if the forge knows of no push.
    #[serde(skip_serializing_if = "is_false")]
    pub fetch: bool,
}

impl JobArguments {
    /// Whether a run with these arguments does all that the others ask for.
    pub const fn covers(&self, others: &Self) -> bool {
        (self.all || !others.all) && (self.fetch || !others.fetch)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobProgress {
    pub done: u64,
    /// 0: not known.
    pub total: u64,
    /// What is counted: `commits`, `repositories`, `queries`.
    pub unit: String,
    /// What is being done now, in a few words.
    pub message: String,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// For programs: `OUT_OF_BUDGET`, `GIT`, `TIMEOUT`, …
    pub code: String,
    /// For people: one sentence, without secrets.
    pub message: String,
}

/// A job with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub repository: Option<RepositoryId>,
    pub arguments: JobArguments,
    pub requested_by: Requester,
    /// Smaller comes first when workers are few.
    pub priority: u8,
    pub state: JobState,
    /// Attempts that began, the running one included.
    pub attempts: u32,
    pub progress: JobProgress,
    /// Of the last attempt that failed.
    pub error: Option<JobError>,
    /// All times are milliseconds since 1970.
    pub created_at_ms: i64,
    /// When the last attempt began.
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// QUEUED and PARKED: not before this time.
    pub not_before_ms: Option<i64>,
    /// Of a scan that stored something: events carry the same id.
    pub run: Option<RunId>,
    /// Who works on it, or did last: an id of a process.
    pub worker: Option<Uuid>,
    /// Somebody wants it to end. It has not, while it runs.
    pub is_cancelled: bool,
}

impl Job {
    /// The wish for the same once more.
    pub fn again(self, requested_by: Requester) -> JobRequest {
        let Self { kind, repository, arguments, .. } = self;
        JobRequest { kind, repository, arguments, requested_by }
    }
}

/// One line of what a job tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLogLine {
    pub job: JobId,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// Counts the lines of a job.
    pub number: u32,
    pub level: LogLevel,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Info,
    Warn,
    Error,
}

/// What is remembered of a schedule; its cron text stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleState {
    pub name: String,
    /// When a server first had it, in milliseconds since 1970; so below.
    pub known_at_ms: i64,
    pub is_paused: bool,
    pub last_run_at_ms: Option<i64>,
    pub last_job: Option<JobId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asked_for_a_job_is_read_as_it_was_written() {
        let job = JobId::now();
        for requester in [
            Requester::Person("api".to_owned()),
            Requester::Webhook,
            Requester::Job(job),
            Requester::Clock("discovery".to_owned()),
        ] {
            assert_eq!(Requester::from(requester.to_string().as_str()), requester);
        }
    }
}
