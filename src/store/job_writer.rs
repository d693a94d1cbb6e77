//! Writes jobs, their logs and schedules, and removes what has had its time.

use std::sync::atomic::Ordering;

use chrono::Utc;
use futures_util::FutureExt;
use uuid::Uuid;

use super::job_rows::{JobRow, LogRow, ScheduleRow};
use super::{StoreError, Writer};
use crate::model::{Job, JobId, JobLogLine, ScheduleState};

impl Writer {
    /// Stores a job as it is now. Whoever changes a job stores its states one after the other.
    ///
    /// # Errors
    /// When ClickHouse fails, as all methods below.
    pub async fn save_job(&self, job: &Job) -> Result<(), StoreError> {
        self.save_jobs(&[job]).await
    }

    /// Stores several jobs at once, each as it is now.
    pub async fn save_jobs(&self, jobs: &[&Job]) -> Result<(), StoreError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let version = self.next_state();
        let rows: Vec<JobRow> = jobs.iter().map(|job| JobRow::new(version, job)).collect();
        self.store.insert::<JobRow>("jobs", "", rows).boxed().await
    }

    /// Adds lines to logs of jobs. The same lines sent again are stored once.
    pub async fn job_log(&self, lines: &[JobLogLine]) -> Result<(), StoreError> {
        let Some(JobLogLine { job, number, .. }) = lines.first() else { return Ok(()) };
        // Every line is sent with the same others, should it be sent again.
        let token = format!("{job}:{number}");
        let rows: Vec<LogRow> = lines.iter().map(LogRow::new).collect();
        self.store.insert::<LogRow>("job_log", &token, rows).boxed().await
    }

    /// Remembers a schedule.
    pub async fn save_schedule(&self, schedule: &ScheduleState) -> Result<(), StoreError> {
        self.store.insert::<ScheduleRow>("schedules", "", [ScheduleRow::new(self.next_state(), schedule)]).boxed().await
    }

    /// Removes jobs that ended before a time (milliseconds since 1970), with their logs.
    pub async fn delete_jobs_ended_before(&self, time_ms: i64) -> Result<(), StoreError> {
        let ended = format!("ended_at IS NOT NULL AND ended_at < fromUnixTimestamp64Milli({time_ms})");
        let jobs = format!("SELECT id FROM jobs FINAL WHERE {ended}");
        self.delete("job_log", &format!("job_id IN ({jobs})")).await?;
        // All rows of a job: without the newest one an older state would be seen.
        self.delete("jobs", &format!("id IN ({jobs})")).await
    }

    /// Notes that a process that runs jobs lives, at the database's time.
    pub async fn note_alive(&self, process: Uuid) -> Result<(), StoreError> {
        self.store.execute(&format!("INSERT INTO processes (id) VALUES ('{process}')")).await
    }

    /// Asks the process that has a job to end it.
    pub async fn ask_to_cancel(&self, id: JobId) -> Result<(), StoreError> {
        self.store.execute(&format!("INSERT INTO cancellations (job_id) VALUES ('{id}')")).await
    }

    /// Stores states from now on as newer than this version, which somebody else has stored.
    pub fn go_on_after(&self, version: u64) {
        self.last_state.fetch_max(version, Ordering::Relaxed);
    }

    /// The version of a state of a job or schedule: microseconds since 1970, unless the clock was set back.
    fn next_state(&self) -> u64 {
        let now = u64::try_from(Utc::now().timestamp_micros()).unwrap_or_default();
        let next = |last: u64| now.max(last.saturating_add(1));
        let last = self.last_state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }
}
