//! A job on the board, and what may run beside what.

use std::sync::Arc;

use super::log::{Change, Log};
use crate::model::{Job, JobId, JobKind, JobProgress, JobRequest, JobState, LogLevel, RepositoryId, Requester};
use crate::pipeline::StopSignal;

/// Repositories of one forge that are fetched at the same time: a forge slows down whoever asks for more. Folders of this machine are no
/// forge.
const MOST_FETCHES_PER_FORGE: usize = 4;

pub(super) struct Entry {
    pub job: Job,
    /// Where its repository is fetched from.
    pub forge: Option<String>,
    /// Of the running attempt.
    pub stop: Arc<StopSignal>,
    /// Nothing begins that would be lost with the process.
    pub is_stored: bool,
    /// It was asked for while it ran, by somebody for whom this run may have begun too early.
    pub is_wanted_again: bool,
    /// What it asked for could not be stored: the next process does it again.
    pub is_incomplete: bool,
    pub has_moved: bool,
    pub log: Log,
}

/// Two jobs with the same key are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub kind: JobKind,
    pub repository: Option<RepositoryId>,
    queries: Vec<String>,
}

impl Key {
    pub fn of(job: &Job) -> Self {
        Self::new(job.kind, job.repository, &job.arguments.queries)
    }

    pub fn asked(request: &JobRequest) -> Self {
        Self::new(request.kind, request.repository, &request.arguments.queries)
    }

    fn new(kind: JobKind, repository: Option<RepositoryId>, queries: &[String]) -> Self {
        let queries = if kind == JobKind::Discover { queries.to_vec() } else { Vec::new() };
        Self { kind, repository, queries }
    }
}

impl Entry {
    /// Whether somebody who asks for this key gets this job: not one that is being cancelled.
    pub fn is_same(&self, key: &Key) -> bool {
        !self.job.state.is_ended() && !self.job.is_cancelled && Key::of(&self.job) == *key
    }

    pub fn is_waiting(&self) -> bool {
        self.is_stored && matches!(self.job.state, JobState::Queued | JobState::Parked)
    }

    pub fn is_ready(&self, now: i64) -> bool {
        self.is_waiting() && self.job.not_before_ms.is_none_or(|time| time <= now)
    }

    /// Smaller runs first, of one priority.
    pub fn rank(&self) -> (i64, i64, JobId) {
        let Job { not_before_ms, created_at_ms, id, .. } = &self.job;
        (not_before_ms.unwrap_or(*created_at_ms), *created_at_ms, *id)
    }

    /// The repository that it removes.
    pub fn deletes(&self) -> Option<RepositoryId> {
        self.job.repository.filter(|_| self.job.kind == JobKind::Delete && !self.job.state.is_ended())
    }

    /// Whether it fetches from a forge. A scan reads the mirror that a sync fetched.
    pub fn fetches(&self) -> bool {
        let is_fetch = self.job.kind == JobKind::Sync || (self.job.kind == JobKind::Scan && self.job.arguments.fetch);
        self.forge.is_some() && is_fetch
    }

    pub fn may_run_beside(&self, running: &[&Self]) -> bool {
        let excludes = |other: &&Self| {
            let (one, other) = (&self.job, &other.job);
            // Of one repository whatever it is, else of one kind. Searches of a forge share the smallest of its budgets, and a DISCOVER
            // asks all forges.
            one.repository == other.repository && (one.repository.is_some() || one.kind == other.kind)
        };
        if running.iter().any(excludes) {
            return false;
        }
        let same_forge = running.iter().filter(|other| other.fetches() && other.forge == self.forge);
        !self.fetches() || same_forge.count() < MOST_FETCHES_PER_FORGE
    }

    /// Somebody asks for the same: the more urgent counts, and what one of them wants is done for all. What has begun already may have
    /// looked before there was what somebody else asks for, and is done once more; the clock asks again by itself.
    pub fn join(&mut self, request: JobRequest, priority: u8, now: i64) -> Change {
        let id = self.job.id;
        let text = format!("asked for again by {}", request.requested_by);
        let line = self.log.own(id, now, LogLevel::Info, &text);
        let looks = matches!(self.job.kind, JobKind::Discover | JobKind::Sync | JobKind::Scan);
        let is_due =
            matches!(request.requested_by, Requester::Clock(_)) && self.job.arguments.covers(&request.arguments);
        self.is_wanted_again |= self.job.state == JobState::Running && looks && !is_due;
        self.job.arguments.all |= request.arguments.all;
        self.job.arguments.fetch |= request.arguments.fetch;
        if priority == 0 && self.job.state == JobState::Queued {
            // A person does not wait for a rest after a failure.
            self.job.not_before_ms = None;
        }
        if priority < self.job.priority {
            (self.job.requested_by, self.job.priority) = (request.requested_by, priority);
        }
        Change { job: self.job.clone(), lines: vec![line] }
    }

    pub fn end(&mut self, state: JobState, now: i64) {
        self.job.state = state;
        self.job.ended_at_ms = Some(now);
        self.job.not_before_ms = None;
    }

    /// Waits for its next run as if it had not run yet.
    pub fn begin_anew(&mut self) {
        let job = &mut self.job;
        (job.state, job.attempts, job.progress) = (JobState::Queued, 0, JobProgress::default());
        (job.error, job.ended_at_ms) = (None, None);
    }

    /// Makes it nobody's, as if its attempt had not begun.
    pub fn leave(&mut self) {
        if self.job.state == JobState::Running {
            self.job.state = JobState::Queued;
            self.job.attempts -= 1;
        }
        self.job.worker = None;
    }
}
