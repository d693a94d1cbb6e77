//! Rows of jobs, their log lines and schedules, as they are written and read.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::json;
use crate::model::{
    Job, JobError, JobId, JobKind, JobLogLine, JobProgress, JobState, LogLevel, RepositoryId, Requester, RunId,
    ScheduleState,
};

/// Names the columns that a [`JobRow`] is read from.
pub(super) const JOB_COLUMNS: &str = "id, toInt8(kind) AS kind, repository_id, arguments, requested_by, toInt8(state) AS state, \
    attempts, progress_done, progress_total, progress_unit, progress_message, error_code, error_message, created_at, \
    started_at, ended_at, not_before, run_id, worker_id, version, priority, is_cancelled";

/// The values of the `kind` column.
pub const fn job_kind_code(kind: JobKind) -> i8 {
    match kind {
        JobKind::Discover => 1,
        JobKind::Sync => 2,
        JobKind::Scan => 3,
        JobKind::Aggregate => 4,
        JobKind::Retain => 5,
        JobKind::Delete => 6,
    }
}

/// The values of the `state` column.
pub const fn job_state_code(state: JobState) -> i8 {
    match state {
        JobState::Queued => 1,
        JobState::Running => 2,
        JobState::Parked => 3,
        JobState::Succeeded => 4,
        JobState::Failed => 5,
        JobState::Cancelled => 6,
    }
}

#[derive(Clone, Debug, Row, Serialize, Deserialize)]
pub struct JobRow {
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    kind: i8,
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    arguments: String,
    requested_by: String,
    state: i8,
    attempts: u32,
    progress_done: u64,
    progress_total: u64,
    progress_unit: String,
    progress_message: String,
    error_code: String,
    error_message: String,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    not_before: Option<i64>,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    worker_id: Uuid,
    pub version: u64,
    priority: u8,
    is_cancelled: bool,
}

impl JobRow {
    pub fn new(version: u64, job: &Job) -> Self {
        let JobProgress { done, total, unit, message } = job.progress.clone();
        let error = job.error.clone();
        let (error_code, error_message) = error.map(|error| (error.code, error.message)).unwrap_or_default();
        Self {
            id: job.id.0,
            kind: job_kind_code(job.kind),
            repository_id: job.repository.map(|id| id.0).unwrap_or_default(),
            arguments: json(&job.arguments),
            requested_by: job.requested_by.to_string(),
            state: job_state_code(job.state),
            attempts: job.attempts,
            progress_done: done,
            progress_total: total,
            progress_unit: unit,
            progress_message: message,
            error_code,
            error_message,
            created_at: job.created_at_ms,
            started_at: job.started_at_ms,
            ended_at: job.ended_at_ms,
            not_before: job.not_before_ms,
            run_id: job.run.map(|run| run.0).unwrap_or_default(),
            worker_id: job.worker.unwrap_or_default(),
            version,
            priority: job.priority,
            is_cancelled: job.is_cancelled,
        }
    }

    pub fn to_model(&self) -> Job {
        let known = |id: Uuid| Some(id).filter(|id| !id.is_nil());
        let kind = JobKind::ALL.into_iter().find(|kind| job_kind_code(*kind) == self.kind);
        let state = JobState::ALL.into_iter().find(|state| job_state_code(*state) == self.state);
        let error = JobError { code: self.error_code.clone(), message: self.error_message.clone() };
        Job {
            id: JobId(self.id),
            kind: kind.expect("the column has the kinds that are written"),
            repository: known(self.repository_id).map(RepositoryId),
            arguments: serde_json::from_str(&self.arguments).unwrap_or_default(),
            requested_by: Requester::from(self.requested_by.as_str()),
            state: state.expect("the column has the states that are written"),
            attempts: self.attempts,
            progress: JobProgress {
                done: self.progress_done,
                total: self.progress_total,
                unit: self.progress_unit.clone(),
                message: self.progress_message.clone(),
            },
            error: Some(error).filter(|error| !error.code.is_empty()),
            created_at_ms: self.created_at,
            started_at_ms: self.started_at,
            ended_at_ms: self.ended_at,
            not_before_ms: self.not_before,
            run: known(self.run_id).map(RunId),
            worker: known(self.worker_id),
            priority: self.priority,
            is_cancelled: self.is_cancelled,
        }
    }

    /// The value of the order's key, for a cursor.
    pub fn sort_value(&self) -> String {
        self.id.to_string()
    }
}

#[derive(Clone, Debug, Row, Serialize, Deserialize)]
pub struct LogRow {
    #[serde(with = "clickhouse::serde::uuid")]
    job_id: Uuid,
    number: u32,
    time: i64,
    level: i8,
    text: String,
}

impl LogRow {
    pub fn new(line: &JobLogLine) -> Self {
        let level = match line.level {
            LogLevel::Info => 1,
            LogLevel::Warn => 2,
            LogLevel::Error => 3,
        };
        Self { job_id: line.job.0, number: line.number, time: line.time_ms, level, text: line.text.clone() }
    }

    pub fn to_model(&self) -> JobLogLine {
        let level = match self.level {
            2 => LogLevel::Warn,
            3 => LogLevel::Error,
            _ => LogLevel::Info,
        };
        JobLogLine { job: JobId(self.job_id), time_ms: self.time, number: self.number, level, text: self.text.clone() }
    }
}

#[derive(Clone, Debug, Row, Serialize, Deserialize)]
pub struct ScheduleRow {
    name: String,
    is_paused: bool,
    last_run_at: Option<i64>,
    #[serde(with = "clickhouse::serde::uuid")]
    last_job: Uuid,
    pub version: u64,
    known_at: i64,
}

impl ScheduleRow {
    pub fn new(version: u64, schedule: &ScheduleState) -> Self {
        Self {
            name: schedule.name.clone(),
            is_paused: schedule.is_paused,
            last_run_at: schedule.last_run_at_ms,
            last_job: schedule.last_job.map(|job| job.0).unwrap_or_default(),
            version,
            known_at: schedule.known_at_ms,
        }
    }

    pub fn to_model(&self) -> ScheduleState {
        ScheduleState {
            name: self.name.clone(),
            known_at_ms: self.known_at,
            is_paused: self.is_paused,
            last_run_at_ms: self.last_run_at,
            last_job: Some(self.last_job).filter(|job| !job.is_nil()).map(JobId),
        }
    }
}
