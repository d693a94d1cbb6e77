//! The jobs of a process that have not ended, and which of them comes next. No I/O: every change comes back to be stored.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::backoff::backoff_ms;
use super::entry::{Entry, Key};
use super::log::{Change, Log};
use super::queue::Worker;
use super::work::WorkError;
use crate::model::{
    Job, JobError, JobId, JobLogLine, JobProgress, JobRequest, JobState, LogLevel, RepositoryId, Requester, RunId,
};
use crate::pipeline::StopSignal;

const PRIORITIES: usize = 4;
/// After so many jobs of other priorities, one of this priority begins, however many of the others still wait.
const MOST_PASSED_OVER: u32 = 7;
/// The code of a job whose process ended again and again.
const CRASHED: &str = "CRASHED";

pub(super) struct Board {
    process: Uuid,
    /// Attempts of a job that fails for a reason that may pass.
    attempts: u32,
    /// Until their end is stored.
    pub(super) open: BTreeMap<JobId, Entry>,
    slots: Vec<Slot>,
    is_closing: bool,
    /// Somebody gave all of it up: running jobs ask for nothing more.
    is_abandoned: bool,
    /// Cancelled while they ran and what they had asked for was on its way here.
    given_up: HashSet<JobId>,
    /// Asked for by running jobs, and not here yet.
    follow_ups: usize,
    /// By priority: how often jobs that could have begun saw one of another priority begin instead.
    passed_over: [u32; PRIORITIES],
}

#[derive(Clone)]
struct Slot {
    job: Option<JobId>,
    since_ms: i64,
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

impl Board {
    pub fn new(process: Uuid, parallel: usize, attempts: u32, now: i64) -> Self {
        let slots = vec![Slot { job: None, since_ms: now }; parallel.max(1)];
        Self {
            process,
            attempts,
            open: BTreeMap::new(),
            slots,
            is_closing: false,
            is_abandoned: false,
            given_up: HashSet::new(),
            follow_ups: 0,
            passed_over: [0; PRIORITIES],
        }
    }

    /// The job that a request means, which is made where there is none, and whether there was one.
    pub fn ask(&mut self, request: JobRequest, forge: Option<String>, now: i64) -> (Change, bool) {
        let key = Key::asked(&request);
        let priority = self.priority_of(&request.requested_by);
        if let Some(entry) = self.open.values_mut().find(|entry| entry.is_same(&key)) {
            return (entry.join(request, priority, now), true);
        }
        let job = Job {
            id: JobId::now(),
            kind: request.kind,
            repository: request.repository,
            arguments: request.arguments,
            requested_by: request.requested_by,
            priority,
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
            is_cancelled: false,
        };
        (self.add(job, forge, None), false)
    }

    /// What a job of one repository asks for is as urgent as itself: whoever asked for a sync waits for its scan. What comes of a job of
    /// many is no one's own wish.
    fn priority_of(&self, requester: &Requester) -> u8 {
        let own = requester.priority();
        let Requester::Job(id) = requester else { return own };
        let asker = self.get(*id).filter(|asker| asker.repository.is_some());
        asker.map_or(own, |asker| asker.priority.min(own))
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
        let most = self.attempts;
        let mut change = self.add(job, forge, last_line);
        let Some(entry) = self.open.get_mut(&id) else { return change };
        let mut tell = |entry: &mut Entry, level, text: &str| change.lines.push(entry.log.own(id, now, level, text));
        match (same, was) {
            (Some(same), _) => {
                entry.end(JobState::Cancelled, now);
                tell(entry, LogLevel::Info, &format!("job {same} does the same"));
            }
            (None, _) if entry.job.is_cancelled => {
                entry.end(JobState::Cancelled, now);
                tell(entry, LogLevel::Info, "cancelled");
            }
            (None, JobState::Running) if entry.job.attempts >= most => {
                let message = format!("the process that ran it ended before it did, {} times", entry.job.attempts);
                tell(entry, LogLevel::Error, &format!("{CRASHED}: {message}"));
                entry.end(JobState::Failed, now);
                entry.job.error = Some(JobError { code: CRASHED.to_owned(), message });
            }
            (None, JobState::Running) => {
                tell(entry, LogLevel::Warn, "picked up again after the process that ran it ended");
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
            is_wanted_again: false,
            is_incomplete: false,
            has_moved: false,
            log: Log::after(last_line),
        };
        self.open.insert(change.job.id, entry);
        change
    }

    /// Begins the job that is to run next, if there is one and somebody to run it.
    pub fn next(&mut self, now: i64) -> Option<Start> {
        if self.is_closing || self.is_abandoned {
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
        // The first of each priority.
        let mut first: [Option<&Entry>; PRIORITIES] = [None; PRIORITIES];
        for entry in free {
            let place = &mut first[usize::from(entry.job.priority).min(PRIORITIES - 1)];
            if place.is_none_or(|other| entry.rank() < other.rank()) {
                *place = Some(entry);
            }
        }
        let ids = first.map(|entry| entry.map(|entry| entry.job.id));
        let id = self.whose_turn(&ids)?;
        self.slots[slot] = Slot { job: Some(id), since_ms: now };
        let entry = self.open.get_mut(&id)?;
        entry.stop = Arc::default();
        entry.is_wanted_again = false;
        let job = &mut entry.job;
        job.state = JobState::Running;
        job.attempts += 1;
        job.progress = JobProgress::default();
        job.started_at_ms = Some(now);
        job.not_before_ms = None;
        Some(Start { job: job.clone(), stop: entry.stop.clone() })
    }

    /// Of the first jobs of each priority the most urgent one, unless another was passed over too often.
    fn whose_turn(&mut self, first: &[Option<JobId>; PRIORITIES]) -> Option<JobId> {
        let present = |priority: &usize| first[*priority].is_some();
        let late = |priority: &usize| self.passed_over[*priority] >= MOST_PASSED_OVER;
        let latest = (0..PRIORITIES).filter(present).filter(late).max_by_key(|priority| self.passed_over[*priority]);
        let turn = latest.or_else(|| (0..PRIORITIES).find(present))?;
        for priority in (0..PRIORITIES).filter(present) {
            self.passed_over[priority] = if priority == turn { 0 } else { self.passed_over[priority] + 1 };
        }
        first[turn]
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
            _ if entry.is_incomplete => {
                entry.leave();
                tell(entry, LogLevel::Warn, "what it asked for is not stored; the next process does it again");
            }
            Outcome::Succeeded { run } => {
                entry.job.run = run.or(entry.job.run);
                entry.job.error = None;
                entry.end(JobState::Succeeded, now);
            }
            _ if entry.job.is_cancelled => {
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
        let is_over = matches!(entry.job.state, JobState::Succeeded | JobState::Failed);
        if is_over && std::mem::take(&mut entry.is_wanted_again) && !entry.job.is_cancelled {
            lines.push(entry.log.own(id, now, LogLevel::Info, "once more: it was asked for again while it ran"));
            entry.begin_anew();
        }
        entry.has_moved = false;
        Some(Change { job: entry.job.clone(), lines })
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
        if self.follow_ups == 0 {
            self.given_up.clear();
        }
    }

    /// Nobody wants any more what this job has asked for, as far as it is not here; it asks for nothing else.
    pub fn give_up(&mut self, id: JobId) {
        if self.follow_ups > 0 {
            self.given_up.insert(id);
        }
    }

    /// Whether a running job may ask for others.
    pub fn may_ask(&self, id: JobId) -> bool {
        !self.is_abandoned && self.get(id).is_some_and(|job| !job.is_cancelled)
    }

    /// Whether nobody wants any more what is asked for here.
    pub fn is_in_vain(&self, requester: &Requester) -> bool {
        self.is_abandoned || matches!(requester, Requester::Job(id) if self.given_up.contains(id))
    }

    /// What running jobs asked for is lost: they are done again.
    pub fn note_lost(&mut self, requests: &[JobRequest]) {
        for request in requests {
            if let Requester::Job(id) = &request.requested_by
                && let Some(entry) = self.open.get_mut(id)
            {
                entry.is_incomplete = true;
            }
        }
    }

    /// Nothing begins any more, and running jobs ask for nothing.
    pub fn abandon(&mut self) {
        self.is_abandoned = true;
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
