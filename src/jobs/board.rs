//! The jobs of a process that have not ended, and which of them comes next. No I/O: every change comes back to be stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::backoff::backoff_ms;
use super::log::{Change, Log};
use super::queue::Worker;
use super::work::WorkError;
use crate::model::{
    Job, JobError, JobId, JobKind, JobLogLine, JobProgress, JobRequest, JobState, LogLevel, RepositoryId, RunId,
};
use crate::pipeline::StopSignal;

/// Repositories of one forge that are fetched at the same time: a forge slows down whoever asks for more. Folders of this machine are no
/// forge.
pub(super) const MOST_FETCHES_PER_FORGE: usize = 4;

pub(super) struct Board {
    process: Uuid,
    /// Attempts of a job that fails for a reason that may pass.
    attempts: u32,
    /// Until their end is stored.
    open: BTreeMap<JobId, Entry>,
    slots: Vec<Slot>,
    is_closing: bool,
    /// Asked for by running jobs, and not here yet.
    follow_ups: usize,
}

struct Entry {
    job: Job,
    /// Where its repository is fetched from.
    forge: Option<String>,
    /// Of the running attempt.
    stop: Arc<StopSignal>,
    /// Nothing begins that would be lost with the process.
    is_stored: bool,
    is_cancelled: bool,
    has_moved: bool,
    log: Log,
}

#[derive(Clone)]
struct Slot {
    job: Option<JobId>,
    since_ms: i64,
}

/// Two jobs with the same key are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub kind: JobKind,
    pub repository: Option<RepositoryId>,
    queries: Vec<String>,
}

/// An attempt that begins.
pub(super) struct Start {
    pub job: Job,
    pub stop: Arc<StopSignal>,
}

/// How an attempt ended.
pub(super) enum Outcome {
    Succeeded { run: Option<RunId> },
    Parked { until_ms: i64, reason: String },
    Stopped,
    Failed(WorkError),
}

/// What became of a wish to cancel.
pub(super) enum Cancel {
    AtOnce(Box<Change>),
    /// It runs, and was asked to end.
    Asked,
    Ended(JobState),
    NotHere,
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

impl Board {
    pub fn new(process: Uuid, parallel: usize, attempts: u32, now: i64) -> Self {
        let slots = vec![Slot { job: None, since_ms: now }; parallel.max(1)];
        Self { process, attempts, open: BTreeMap::new(), slots, is_closing: false, follow_ups: 0 }
    }

    /// The job that a request means, which is made where there is none, and whether there was one.
    pub fn ask(&mut self, request: JobRequest, forge: Option<String>, now: i64) -> (Change, bool) {
        let key = Key::asked(&request);
        if let Some(entry) = self.open.values_mut().find(|entry| entry.is_same(&key)) {
            return (entry.join(request, now), true);
        }
        let job = Job {
            id: JobId::now(),
            kind: request.kind,
            repository: request.repository,
            arguments: request.arguments,
            requested_by: request.requested_by,
            state: JobState::Queued,
            attempts: 0,
            progress: JobProgress::default(),
            error: None,
            created_at_ms: now,
            started_at_ms: None,
            ended_at_ms: None,
            not_before_ms: None,
            run: None,
            worker: Some(self.process),
        };
        (self.add(job, forge, None), false)
    }

    /// Takes a job of a process that is dead, whose last line has this number. One that is here already ends.
    pub fn adopt(&mut self, mut job: Job, forge: Option<String>, last_line: Option<u32>, now: i64) -> Change {
        let key = Key::of(&job);
        let same = self.open.values().find(|entry| entry.is_same(&key)).map(|entry| entry.job.id);
        let was = job.state;
        job.worker = Some(self.process);
        if was == JobState::Running {
            job.state = JobState::Queued;
            // What ends process after process waits a little, so that others get their turn in between.
            job.not_before_ms = (job.attempts > 1).then(|| now + backoff_ms(job.id, job.attempts - 1));
        }
        let id = job.id;
        let mut change = self.add(job, forge, last_line);
        let Some(entry) = self.open.get_mut(&id) else { return change };
        match (same, was) {
            (Some(same), _) => {
                entry.end(JobState::Cancelled, now);
                change.lines.push(entry.log.own(id, now, LogLevel::Info, &format!("job {same} does the same")));
            }
            (None, JobState::Running) => {
                let text = "picked up again after the process that ran it ended";
                change.lines.push(entry.log.own(id, now, LogLevel::Warn, text));
            }
            (None, _) => {}
        }
        change.job = entry.job.clone();
        change
    }

    fn add(&mut self, job: Job, forge: Option<String>, last_line: Option<u32>) -> Change {
        let change = Change { job: job.clone(), lines: Vec::new() };
        let entry = Entry {
            job,
            forge,
            stop: Arc::default(),
            is_stored: false,
            is_cancelled: false,
            has_moved: false,
            log: Log::after(last_line),
        };
        self.open.insert(change.job.id, entry);
        change
    }

    /// Begins the job that is to run next, if there is one and somebody to run it.
    pub fn next(&mut self, now: i64) -> Option<Start> {
        if self.is_closing {
            return None;
        }
        let slot = self.slots.iter().position(|slot| slot.job.is_none())?;
        let running: Vec<&Entry> = self.open.values().filter(|entry| entry.job.state == JobState::Running).collect();
        let deleted: Vec<RepositoryId> = self.open.values().filter_map(Entry::deletes).collect();
        let ready = self.open.values().filter(|entry| entry.is_ready(now));
        let free = ready.filter(|entry| {
            let is_deleted = entry.job.repository.is_some_and(|id| deleted.contains(&id));
            (!is_deleted || entry.deletes().is_some()) && entry.may_run_beside(&running)
        });
        let id = free.min_by_key(|entry| entry.rank())?.job.id;
        self.slots[slot] = Slot { job: Some(id), since_ms: now };
        let entry = self.open.get_mut(&id)?;
        entry.stop = Arc::default();
        let job = &mut entry.job;
        job.state = JobState::Running;
        job.attempts += 1;
        job.progress = JobProgress::default();
        job.started_at_ms = Some(now);
        job.not_before_ms = None;
        Some(Start { job: job.clone(), stop: entry.stop.clone() })
    }

    /// When the next job that waits for its time is to be looked at.
    pub fn wake_at(&self, now: i64) -> Option<i64> {
        let waiting = self.open.values().filter(|entry| entry.is_waiting());
        waiting.filter_map(|entry| entry.job.not_before_ms).filter(|time| *time > now).min()
    }

    /// Notes how a running attempt ended.
    pub fn end(&mut self, id: JobId, outcome: Outcome, now: i64) -> Option<Change> {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.job == Some(id)) {
            *slot = Slot { job: None, since_ms: now };
        }
        let most = self.attempts;
        let entry = self.open.get_mut(&id).filter(|entry| entry.job.state == JobState::Running)?;
        let mut lines: Vec<JobLogLine> = entry.log.close(id, now).into_iter().collect();
        let mut tell = |entry: &mut Entry, level, text: &str| lines.push(entry.log.own(id, now, level, text));
        match outcome {
            Outcome::Succeeded { run } => {
                entry.job.run = run.or(entry.job.run);
                entry.job.error = None;
                entry.end(JobState::Succeeded, now);
            }
            _ if entry.is_cancelled => {
                entry.end(JobState::Cancelled, now);
                tell(entry, LogLevel::Info, "cancelled");
            }
            // Nobody but a shutdown asks for it beside a cancellation.
            _ if entry.stop.is_set() => {
                entry.leave();
                tell(entry, LogLevel::Info, "interrupted by a shutdown; the next process goes on");
            }
            Outcome::Stopped => entry.end(JobState::Cancelled, now),
            Outcome::Parked { until_ms, reason } => {
                entry.job.state = JobState::Parked;
                entry.job.attempts -= 1;
                entry.job.not_before_ms = Some(until_ms);
                entry.job.progress.message.clone_from(&reason);
                tell(entry, LogLevel::Info, &format!("waits for its forge: {reason}"));
            }
            Outcome::Failed(error) => {
                let level = if error.is_transient { LogLevel::Warn } else { LogLevel::Error };
                tell(entry, level, &format!("{}: {}", error.code, error.message));
                if error.is_transient && entry.job.attempts < most {
                    entry.job.state = JobState::Queued;
                    entry.job.not_before_ms = Some(now + backoff_ms(id, entry.job.attempts));
                } else {
                    entry.end(JobState::Failed, now);
                }
                entry.job.error = Some(JobError { code: error.code, message: error.message });
            }
        }
        entry.has_moved = false;
        Some(Change { job: entry.job.clone(), lines })
    }

    /// Ends a job that waits, and asks one that runs to end.
    pub fn cancel(&mut self, id: JobId, now: i64) -> Cancel {
        let Some(entry) = self.open.get_mut(&id) else { return Cancel::NotHere };
        match entry.job.state {
            JobState::Running => {
                entry.is_cancelled = true;
                entry.stop.set();
                Cancel::Asked
            }
            JobState::Queued | JobState::Parked => {
                entry.end(JobState::Cancelled, now);
                let line = entry.log.own(id, now, LogLevel::Info, "cancelled");
                Cancel::AtOnce(Box::new(Change { job: entry.job.clone(), lines: vec![line] }))
            }
            ended => Cancel::Ended(ended),
        }
    }

    /// Cancels all jobs that `wanted` picks; answers those that ended at once.
    pub fn cancel_all(&mut self, now: i64, wanted: impl Fn(&Job) -> bool) -> Vec<Change> {
        let open = self.open.values().filter(|entry| !entry.job.state.is_ended() && wanted(&entry.job));
        let ids: Vec<JobId> = open.map(|entry| entry.job.id).collect();
        let cancelled = ids.into_iter().map(|id| self.cancel(id, now));
        cancelled.filter_map(|cancel| if let Cancel::AtOnce(change) = cancel { Some(*change) } else { None }).collect()
    }

    pub fn log(&mut self, id: JobId, now: i64, level: LogLevel, text: &str) -> Option<JobLogLine> {
        self.open.get_mut(&id)?.log.line(id, now, level, text)
    }

    /// Notes progress; answers whether it is the first since [`Board::take_moved`].
    pub fn moved(&mut self, id: JobId, progress: JobProgress) -> bool {
        let running = self.open.get_mut(&id).filter(|entry| entry.job.state == JobState::Running);
        let Some(entry) = running.filter(|entry| entry.job.progress != progress) else { return false };
        entry.job.progress = progress;
        !std::mem::replace(&mut entry.has_moved, true)
    }

    /// The jobs that moved.
    pub fn take_moved(&mut self) -> Vec<Job> {
        let moved = |entry: &mut Entry| std::mem::take(&mut entry.has_moved).then(|| entry.job.clone());
        self.open.values_mut().filter_map(moved).collect()
    }

    /// A state of this job is stored.
    pub fn stored(&mut self, job: &Job) {
        if job.state.is_ended() {
            self.open.remove(&job.id);
        } else if let Some(entry) = self.open.get_mut(&job.id) {
            entry.is_stored = true;
        }
    }

    /// Forgets a new job that could not be stored; answers whether it was one.
    pub fn forget(&mut self, id: JobId) -> bool {
        let is_new = self.open.get(&id).is_some_and(|entry| !entry.is_stored);
        if is_new {
            self.open.remove(&id);
        }
        is_new
    }

    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.open.get(&id).map(|entry| &entry.job)
    }

    pub fn find(&self, key: &Key) -> Option<&Job> {
        self.open.values().find(|entry| entry.is_same(key)).map(|entry| &entry.job)
    }

    pub fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.job.is_some()).count()
    }

    pub fn workers(&self) -> Vec<Worker> {
        let worker = |(number, slot): (u32, &Slot)| Worker {
            process: self.process,
            number,
            job: slot.job,
            since_ms: slot.since_ms,
        };
        (1..).zip(&self.slots).map(worker).collect()
    }

    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.follow_ups == 0
    }

    pub fn expect_follow_up(&mut self) {
        self.follow_ups += 1;
    }

    pub fn follow_ups_came(&mut self, count: usize) {
        self.follow_ups -= count;
    }

    pub fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Nothing begins any more.
    pub fn close(&mut self) {
        self.is_closing = true;
    }

    /// Asks all running attempts to end.
    pub fn stop_all(&self) {
        self.open.values().filter(|entry| entry.job.state == JobState::Running).for_each(|entry| entry.stop.set());
    }

    /// Leaves everything that has not ended to the next process.
    pub fn leave_all(&mut self) -> Vec<Change> {
        let left = self.open.values_mut().filter(|entry| !entry.job.state.is_ended());
        let leave = |entry: &mut Entry| {
            if entry.job.worker.is_some() {
                entry.leave();
            }
            Change { job: entry.job.clone(), lines: Vec::new() }
        };
        left.map(leave).collect()
    }
}

impl Entry {
    /// Whether somebody who asks for this key gets this job: not one that is being cancelled.
    fn is_same(&self, key: &Key) -> bool {
        !self.job.state.is_ended() && !self.is_cancelled && Key::of(&self.job) == *key
    }

    fn is_waiting(&self) -> bool {
        self.is_stored && matches!(self.job.state, JobState::Queued | JobState::Parked)
    }

    fn is_ready(&self, now: i64) -> bool {
        self.is_waiting() && self.job.not_before_ms.is_none_or(|time| time <= now)
    }

    /// Smaller runs first.
    fn rank(&self) -> (u8, i64, i64, JobId) {
        let Job { requested_by, not_before_ms, created_at_ms, id, .. } = &self.job;
        (requested_by.priority(), not_before_ms.unwrap_or(*created_at_ms), *created_at_ms, *id)
    }

    /// The repository that it removes.
    fn deletes(&self) -> Option<RepositoryId> {
        self.job.repository.filter(|_| self.job.kind == JobKind::Delete && !self.job.state.is_ended())
    }

    /// Whether it fetches from a forge.
    fn fetches(&self) -> bool {
        self.forge.is_some() && matches!(self.job.kind, JobKind::Sync | JobKind::Scan)
    }

    fn may_run_beside(&self, running: &[&Self]) -> bool {
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

    /// Somebody asks for the same: the more urgent counts, and what one of them wants is done for all.
    fn join(&mut self, request: JobRequest, now: i64) -> Change {
        let id = self.job.id;
        let text = format!("asked for again by {}", request.requested_by);
        let line = self.log.own(id, now, LogLevel::Info, &text);
        self.job.arguments.all |= request.arguments.all;
        self.job.arguments.fetch |= request.arguments.fetch;
        if request.requested_by.priority() == 0 && self.job.state == JobState::Queued {
            // A person does not wait for a rest after a failure.
            self.job.not_before_ms = None;
        }
        if request.requested_by.priority() < self.job.requested_by.priority() {
            self.job.requested_by = request.requested_by;
        }
        Change { job: self.job.clone(), lines: vec![line] }
    }

    fn end(&mut self, state: JobState, now: i64) {
        self.job.state = state;
        self.job.ended_at_ms = Some(now);
        self.job.not_before_ms = None;
    }

    /// Makes it nobody's, as if its attempt had not begun.
    fn leave(&mut self) {
        if self.job.state == JobState::Running {
            self.job.state = JobState::Queued;
            self.job.attempts -= 1;
        }
        self.job.worker = None;
    }
}
