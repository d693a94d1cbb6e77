//! Writes jobs, their logs and schedules, and removes what has had its time.

use chrono::Utc;
use futures_util::FutureExt;

use super::job_rows::{JobRow, LogRow, ScheduleRow};
use super::{StoreError, Writer};
use crate::model::{Job, JobLogLine, ScheduleState};

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
        let version = now();
        let rows: Vec<JobRow> = jobs.iter().map(|job| JobRow::new(version, job)).collect();
        self.store.insert::<JobRow>("jobs", "", rows).boxed().await
    }

    /// Adds lines to logs of jobs.
    pub async fn job_log(&self, lines: &[JobLogLine]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let rows: Vec<LogRow> = lines.iter().map(LogRow::new).collect();
        self.store.insert::<LogRow>("job_log", "", rows).boxed().await
    }

    /// Remembers a schedule.
    pub async fn save_schedule(&self, schedule: &ScheduleState) -> Result<(), StoreError> {
        self.store.insert::<ScheduleRow>("schedules", "", [ScheduleRow::new(now(), schedule)]).boxed().await
    }

    /// Removes jobs that ended before a time (milliseconds since 1970), with their logs.
    pub async fn delete_jobs_ended_before(&self, time_ms: i64) -> Result<(), StoreError> {
        let ended = format!("ended_at IS NOT NULL AND ended_at < fromUnixTimestamp64Milli({time_ms})");
        self.delete("job_log", &format!("job_id IN (SELECT id FROM jobs FINAL WHERE {ended})")).await?;
        self.delete("jobs", &ended).await
    }
}

/// Microseconds since 1970.
fn now() -> u64 {
    u64::try_from(Utc::now().timestamp_micros()).unwrap_or_default()
}
