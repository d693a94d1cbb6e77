//! Jobs as text and as JSON.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use crate::cli::terminal::printable;
use crate::model::{Job, JobKind, JobLogLine, JobProgress, JobState, LogLevel, RepositoryId};
use crate::store::query::{Filter, Operator, Repositories, RepositoryField};
use crate::store::{Reader, StoreError};

/// Full names of repositories, as far as they are known.
pub struct Names {
    reader: Reader,
    /// `None`: there is no such repository (any more).
    known: HashMap<RepositoryId, Option<String>>,
}

impl Names {
    pub fn new(reader: Reader) -> Self {
        Self { reader, known: HashMap::new() }
    }

    /// Looks up the repositories of jobs.
    pub async fn learn<'a>(&mut self, jobs: impl Iterator<Item = &'a Job>) -> Result<(), StoreError> {
        let ids: BTreeSet<RepositoryId> = jobs.filter_map(|job| job.repository).collect();
        let unknown: Vec<RepositoryId> = ids.into_iter().filter(|id| !self.known.contains_key(id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let texts = unknown.iter().map(ToString::to_string).collect();
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(texts));
        let found = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
        let found = found.iter().map(|record| record.to_model());
        self.known.extend(unknown.into_iter().map(|id| (id, None)));
        self.known.extend(found.map(|repository| (repository.id, Some(repository.full_name()))));
        Ok(())
    }

    fn of(&self, id: RepositoryId) -> Option<&str> {
        self.known.get(&id)?.as_deref()
    }

    /// What a job is about: its repository, the queries it runs, or nothing in particular.
    pub fn subject(&self, job: &Job) -> String {
        match job.repository {
            Some(id) => self.of(id).map_or_else(|| id.to_string(), str::to_owned),
            None if job.kind == JobKind::Discover => job.arguments.queries.join(" "),
            None if job.arguments.all => "all".to_owned(),
            None => String::new(),
        }
    }

    /// `sync onedr0p/home-ops`.
    pub fn label(&self, job: &Job) -> String {
        let (kind, subject) = (job.kind.as_str().to_lowercase(), self.subject(job));
        printable(format!("{kind} {subject}").trim_end()).into_owned()
    }

    /// One object, for programs.
    pub fn json(&self, job: &Job) -> Value {
        let JobProgress { done, total, unit, message } = &job.progress;
        json!({
            "id": job.id,
            "kind": job.kind.as_str(),
            "state": job.state.as_str(),
            "repository": job.repository.and_then(|id| self.of(id)),
            "repository_id": job.repository,
            "arguments": job.arguments,
            "requested_by": job.requested_by.to_string(),
            "attempts": job.attempts,
            "progress": { "done": done, "total": total, "unit": unit, "message": message },
            "error": job.error.as_ref().map(|error| json!({ "code": error.code, "message": error.message })),
            "created_at": rfc3339(job.created_at_ms),
            "started_at": job.started_at_ms.map(rfc3339),
            "ended_at": job.ended_at_ms.map(rfc3339),
            "not_before": job.not_before_ms.map(rfc3339),
            "run": job.run,
        })
    }
}

/// What there is to say of a job in its state, in some words.
pub fn remark(job: &Job) -> String {
    let error = job.error.as_ref().map(|error| format!("{}: {}", error.code, error.message));
    let progress = progress(&job.progress);
    let words = match (job.state, job.not_before_ms) {
        (JobState::Parked, Some(time)) => format!("until {}: {}", second(time), job.progress.message),
        (JobState::Queued, Some(time)) => {
            format!("again at {}{}", second(time), error.map(|error| format!(", {error}")).unwrap_or_default())
        }
        (JobState::Failed, _) => error.unwrap_or_default(),
        _ => progress,
    };
    printable(&words).into_owned()
}

/// `1200/25556 commits  scanning`.
fn progress(progress: &JobProgress) -> String {
    let JobProgress { done, total, unit, message } = progress;
    let count = match (done, total) {
        (0, 0) => String::new(),
        (done, 0) => format!("{done} {unit}"),
        (done, total) => format!("{done}/{total} {unit}"),
    };
    [count.as_str(), message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// How long the last attempt took, or nothing while it runs.
pub fn took(job: &Job) -> String {
    match (job.started_at_ms, job.ended_at_ms) {
        (Some(started), Some(ended)) => format!("{:.1} s", (ended - started).max(0) as f64 / 1_000.0),
        _ => String::new(),
    }
}

/// A line of a log, for people.
pub fn log_line(line: &JobLogLine) -> String {
    let level = match line.level {
        LogLevel::Info => "INFO ",
        LogLevel::Warn => "WARN ",
        LogLevel::Error => "ERROR",
    };
    format!("{} {level} {}", second(line.time_ms), printable(&line.text))
}

/// `2026-11-25 01:22:03` in UTC.
pub fn second(time_ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(time_ms).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
