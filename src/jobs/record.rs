//! Writes down as jobs what a command does itself, without a queue, so that it is seen where jobs are seen.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::books::Database;
use super::lock::WorkerLock;
use super::pulse::Pulse;
use super::queue::JobsError;
use crate::model::{
    Job, JobArguments, JobError, JobId, JobKind, JobLogLine, JobProgress, JobState, LogLevel, RepositoryId, Requester,
    RunId,
};
use crate::store::Writer;

/// Writes jobs down. While it lives, other processes leave them alone.
pub struct Recorder {
    writer: Writer,
    process: Uuid,
    lock: WorkerLock,
    _pulse: Option<Pulse>,
}

/// A job that a command does.
pub struct Record {
    writer: Writer,
    begun: JoinHandle<Job>,
}

impl Recorder {
    /// With `is_shared`, other machines fill the same database.
    ///
    /// # Errors
    /// When the lock of this process cannot be taken, or a shared database does not answer.
    pub async fn start(run_dir: &Path, books: Database, is_shared: bool) -> Result<Self, JobsError> {
        let process = Uuid::new_v4();
        let lock = WorkerLock::take(run_dir, process);
        let lock = lock.map_err(|source| JobsError::File { path: run_dir.to_owned(), source })?;
        let writer = books.writer.clone();
        let pulse = if is_shared { Some(Pulse::start(Arc::new(books), process).await?) } else { None };
        Ok(Self { writer, process, lock, _pulse: pulse })
    }

    /// Writes down that a job runs, as soon as its repository is found; the job itself does not wait for that.
    pub fn begin(
        &self,
        kind: JobKind,
        repository: impl Future<Output = Option<RepositoryId>> + Send + 'static,
    ) -> Record {
        let now = Utc::now().timestamp_millis();
        let mut job = Job {
            id: JobId::now(),
            kind,
            repository: None,
            arguments: JobArguments::default(),
            requested_by: Requester::Person("cli".to_owned()),
            priority: 0,
            state: JobState::Running,
            attempts: 1,
            progress: JobProgress::default(),
            error: None,
            created_at_ms: now,
            started_at_ms: Some(now),
            ended_at_ms: None,
            not_before_ms: None,
            run: None,
            worker: Some(self.process),
            is_cancelled: false,
        };
        let writer = self.writer.clone();
        let begun = tokio::spawn(async move {
            job.repository = repository.await;
            save(&writer, &job, None).await;
            job
        });
        Record { writer: self.writer.clone(), begun }
    }

    /// Ends; all records have ended.
    pub fn close(self) {
        self.lock.release();
    }
}

impl Record {
    /// Writes down how it ended: the run and a line about it, or what failed.
    pub async fn end(self, ended: Result<(Option<RunId>, String), JobError>) {
        // The states of a job are stored one after the other.
        let Ok(mut job) = self.begun.await else { return };
        let now = Utc::now().timestamp_millis();
        job.ended_at_ms = Some(now);
        let (level, text) = match ended {
            Ok((run, text)) => {
                (job.state, job.run) = (JobState::Succeeded, run);
                (LogLevel::Info, text)
            }
            Err(error) => {
                let text = format!("{}: {}", error.code, error.message);
                (job.state, job.error) = (JobState::Failed, Some(error));
                (LogLevel::Error, text)
            }
        };
        let line = JobLogLine { job: job.id, time_ms: now, number: 0, level, text };
        save(&self.writer, &job, Some(line)).await;
    }
}

/// What was done is done, whether or not it is written down as a job.
async fn save(writer: &Writer, job: &Job, line: Option<JobLogLine>) {
    let lines: Vec<JobLogLine> = line.into_iter().collect();
    let saved = match writer.job_log(&lines).await {
        Ok(()) => writer.save_job(job).await,
        failed => failed,
    };
    if let Err(error) = saved {
        tracing::warn!(job = %job.id, %error, "a job is not written down");
    }
}
