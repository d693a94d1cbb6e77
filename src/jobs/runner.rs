//! Gives jobs to workers, and ends what is to end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};

use super::board::{Outcome, Start};
use super::journal::Receipt;
use super::log::Change;
use super::queue::{Inner, JobsError};
use super::work::WorkError;
use crate::model::{JobId, JobProgress, JobRequest, LogLevel};
use crate::pipeline::{Ended, Listener, StopSignal, Task};

/// Time that a run gets to end by itself when it is asked to; then it is dropped.
pub(super) const GRACE: Duration = Duration::from_millis(700);
/// Time for dropping it.
const DROP: Duration = Duration::from_millis(200);
/// Time between two looks for processes that have died.
const LOOK: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(1);
/// Follow-ups that are taken in at once.
const MOST_AT_ONCE: usize = 500;
/// The code of what ended by no fault of its own.
const INTERNAL: &str = "INTERNAL";

/// What comes from running jobs.
pub(super) enum FollowUp {
    Request(Box<JobRequest>),
    /// Answered when all that came before is stored.
    Barrier(oneshot::Sender<()>),
}

/// Begins whatever can begin, for as long as the queue takes jobs.
pub(super) async fn dispatch(inner: Arc<Inner>) {
    let mut changes = inner.shared.changes.subscribe();
    loop {
        changes.borrow_and_update();
        let now = inner.time.now_ms();
        while let Some((start, noted)) = inner.begin(now) {
            tokio::spawn(run(inner.clone(), start, noted));
        }
        let wake_at = {
            let board = inner.shared.board();
            if board.is_closing() {
                return;
            }
            board.wake_at(now)
        };
        let woken = async {
            match wake_at {
                Some(time) => inner.time.until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = changes.changed() => {}
            () = woken => {}
        }
    }
}

async fn run(inner: Arc<Inner>, start: Start, noted: Receipt) {
    let Start { job, stop } = start;
    let id = job.id;
    // Counted before it begins: what ends its process at once does not begin without end. A database that is away holds nobody up.
    let _ = tokio::time::timeout(GRACE, noted.stored()).await;
    let listener = Arc::new(Told { inner: inner.clone(), job: id });
    let task = Task::new(id, listener, stop.clone());
    let work = inner.work.clone();
    let mut running = tokio::spawn(async move { work.run(&job, &task).await });
    let outcome = tokio::select! {
        ended = &mut running => outcome(id, ended),
        () = patience(&stop) => give_up(id, running).await,
    };
    // What it asked for comes first: its end must not be all that is left of it. Nobody waits for that who cancelled it.
    let may_ask = inner.shared.board().may_ask(id);
    if may_ask {
        inner.follow_ups_stored().await;
    }
    inner.end(id, outcome);
}

/// Waits until a run was asked to end and has had its time.
async fn patience(stop: &StopSignal) {
    stop.wait().await;
    tokio::time::sleep(GRACE).await;
}

/// Drops a run. One that does not yield goes on until it does, and nobody listens to it any more.
async fn give_up(id: JobId, running: JoinHandle<Result<Ended, WorkError>>) -> Outcome {
    running.abort();
    match tokio::time::timeout(DROP, running).await {
        Ok(ended) => outcome(id, ended),
        Err(_) => Outcome::Stopped,
    }
}

fn outcome(id: JobId, ended: Result<Result<Ended, WorkError>, JoinError>) -> Outcome {
    match ended {
        Ok(Ok(Ended::Succeeded { run })) => Outcome::Succeeded { run },
        Ok(Ok(Ended::Parked { until_ms, reason })) => Outcome::Parked { until_ms, reason },
        Ok(Ok(Ended::Stopped)) => Outcome::Stopped,
        Ok(Err(error)) => Outcome::Failed(error),
        Err(error) if error.is_cancelled() => Outcome::Stopped,
        Err(_) => {
            // The panic's own message stands above it on stderr.
            tracing::error!(job = %id, "a job panicked");
            let message = "it ended unexpectedly; the server's log says more".to_owned();
            Outcome::Failed(WorkError { code: INTERNAL.to_owned(), message, is_transient: false })
        }
    }
}

/// Takes in what running jobs ask for.
pub(super) async fn take_follow_ups(inner: Arc<Inner>, mut receiver: mpsc::UnboundedReceiver<FollowUp>) {
    let mut waiting = Vec::new();
    while receiver.recv_many(&mut waiting, MOST_AT_ONCE).await > 0 {
        let (mut requests, mut barriers) = (Vec::new(), Vec::new());
        for follow_up in waiting.drain(..) {
            match follow_up {
                FollowUp::Request(request) => requests.push(*request),
                FollowUp::Barrier(barrier) => barriers.push(barrier),
            }
        }
        if !requests.is_empty() {
            take_in(&inner, &requests).await;
            inner.shared.board().follow_ups_came(requests.len());
            inner.shared.changed();
        }
        for barrier in barriers {
            // Who waits may have been dropped.
            let _ = barrier.send(());
        }
    }
}

async fn take_in(inner: &Inner, requests: &[JobRequest]) {
    loop {
        match inner.enqueue(requests.to_vec()).await {
            Ok(answers) => {
                let refused = requests.iter().zip(&answers).filter_map(|(r, a)| Some((r, a.as_ref().err()?)));
                // Nobody wants it any more.
                let refused = refused.filter(|(_, error)| !matches!(error, JobsError::ShuttingDown));
                for (request, error) in refused {
                    tracing::warn!(kind = request.kind.as_str(), by = %request.requested_by, %error, "no job");
                }
                return;
            }
            Err(JobsError::Store(error)) if !inner.shared.board().is_closing() => {
                tracing::warn!(%error, "jobs that others ask for wait for the database");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                tracing::error!(%error, jobs = requests.len(), "jobs that others asked for are not stored");
                inner.shared.board().note_lost(requests);
                return;
            }
        }
    }
}

/// Takes over what other processes leave when they die.
pub(super) async fn look_after_orphans(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if inner.shared.board().is_closing() {
            return;
        }
        if inner.may_have_orphans()
            && let Err(error) = inner.adopt_orphans().await
        {
            tracing::warn!(%error, "jobs of processes that ended are not picked up yet");
        }
    }
}

impl Inner {
    /// Begins the next job, if one can begin.
    fn begin(&self, now: i64) -> Option<(Start, Receipt)> {
        let mut board = self.shared.board();
        let start = board.next(now)?;
        let noted = self.journal.post(Change { job: start.job.clone(), lines: Vec::new() });
        Some((start, noted))
    }

    fn end(&self, id: JobId, outcome: Outcome) {
        let mut board = self.shared.board();
        if let Some(change) = board.end(id, outcome, self.time.now_ms()) {
            // The journal tries until it is stored.
            self.journal.post(change);
        }
        drop(board);
        self.shared.changed();
    }

    /// Waits until everything that running jobs have asked for is stored.
    pub async fn follow_ups_stored(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.follow_ups.send(FollowUp::Barrier(sender)).is_ok() {
            // It is answered unless the runtime ends.
            let _ = receiver.await;
        }
    }
}

/// Listens to a run.
struct Told {
    inner: Arc<Inner>,
    job: JobId,
}

impl Listener for Told {
    fn progress(&self, progress: JobProgress) {
        if self.inner.shared.board().moved(self.job, progress) {
            self.inner.journal.moved();
        }
    }

    fn log(&self, level: LogLevel, text: String) {
        let now = self.inner.time.now_ms();
        let line = self.inner.shared.board().log(self.job, now, level, &text);
        if let Some(line) = line {
            self.inner.journal.line(line);
        }
    }

    fn follow_up(&self, request: JobRequest) {
        {
            let mut board = self.inner.shared.board();
            // What is cancelled has nothing more to ask for.
            if !board.may_ask(self.job) {
                return;
            }
            board.expect_follow_up();
        }
        if self.inner.follow_ups.send(FollowUp::Request(Box::new(request))).is_err() {
            self.inner.shared.board().follow_ups_came(1);
        }
    }
}
