//! Ending jobs before their end: those of this process at once, those of another one by a wish that it looks for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::board::Board;
use super::journal::all_stored;
use super::lock;
use super::log::Change;
use super::queue::{Inner, JobsError, Queue};
use crate::model::{Job, JobId, JobKind, JobState, LogLevel, RepositoryId, Requester};
use crate::store::StoreError;

/// Time between two looks for wishes of other processes.
const HEAR: Duration = Duration::from_millis(250);
/// Time between two looks for other processes, which might have wishes.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// A wish is heeded for so long: the job may be on its way to another process.
const HEEDED: Duration = Duration::from_secs(60);
/// Time between two looks for what became of a wish.
const LOOK: Duration = Duration::from_millis(100);
/// A process that does not heed a wish for so long does not hear it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether it is what a job asked for, and has not begun.
fn comes_of(job: &Job, asker: JobId) -> bool {
    job.requested_by == Requester::Job(asker) && job.attempts == 0 && !job.state.is_ended()
}

impl Board {
    /// Ends a job that waits, and asks one that runs to end. What it asked for and has not begun ends with it.
    fn cancel(&mut self, id: JobId, now: i64) -> Vec<Change> {
        self.cancel_all(now, |job| job.id == id || comes_of(job, id))
    }

    /// Cancels all jobs that `wanted` picks.
    pub fn cancel_all(&mut self, now: i64, wanted: impl Fn(&Job) -> bool) -> Vec<Change> {
        let open = self.open.values_mut().filter(|entry| !entry.job.state.is_ended() && wanted(&entry.job));
        let cancelled = open.map(|entry| {
            let mut lines = Vec::new();
            if entry.job.state == JobState::Running {
                entry.job.is_cancelled = true;
                entry.stop.set();
            } else {
                entry.end(JobState::Cancelled, now);
                lines.push(entry.log.own(entry.job.id, now, LogLevel::Info, "cancelled"));
            }
            Change { job: entry.job.clone(), lines }
        });
        let cancelled: Vec<Change> = cancelled.collect();
        let running = cancelled.iter().filter(|change| change.job.state == JobState::Running);
        running.for_each(|change| self.give_up(change.job.id));
        cancelled
    }
}

impl Queue {
    /// Asks a job to end, in whatever process: one that waits ends at once, one that runs within a second, and so does what it asked
    /// for and has not begun. Of a job that has ended, that alone is cancelled. Answers the job as it is then.
    ///
    /// # Errors
    /// When there is no such job, it has ended with all that it asked for, its process does not listen, or ClickHouse fails.
    pub async fn cancel(&self, id: JobId) -> Result<Job, JobsError> {
        let cancelled = self.inner.cancel(id).await?;
        if let Some(job) = cancelled.iter().find(|job| job.id == id) {
            return if job.state.is_ended() { Ok(job.clone()) } else { self.ended(id).await };
        }
        let job = self.job(id).await?;
        match job.state.is_ended() {
            true if !cancelled.is_empty() => Ok(job),
            true if !self.has_follow_ups(id).await? => Err(JobsError::HasEnded(job.state)),
            _ => self.cancel_elsewhere(id).await,
        }
    }

    /// Cancels the jobs of a repository, and does not wait for their end. Its removal goes on: half of it would be left.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn cancel_repository(&self, id: RepositoryId) -> Result<(), JobsError> {
        let is_wanted = |job: &Job| job.repository == Some(id) && job.kind != JobKind::Delete;
        self.inner.change(|board, now| board.cancel_all(now, is_wanted)).await?;
        Ok(())
    }

    /// Cancels all jobs of this process and whatever they would still ask for, and does not wait for their end.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn abandon(&self) -> Result<(), JobsError> {
        let abandon = |board: &mut Board, now| {
            board.abandon();
            board.cancel_all(now, |_| true)
        };
        self.inner.change(abandon).await?;
        Ok(())
    }

    /// Asks the process that has a job to end it, and waits until it has.
    async fn cancel_elsewhere(&self, id: JobId) -> Result<Job, JobsError> {
        let deadline = Instant::now() + PATIENCE;
        self.inner.books.ask_to_cancel(id).await?;
        loop {
            // Perhaps that process is no more.
            if self.inner.adopt_orphan(id).await? {
                self.inner.cancel(id).await?;
                return self.ended(id).await;
            }
            let job = self.job(id).await?;
            if job.state.is_ended() && !self.has_follow_ups(id).await? {
                return Ok(job);
            }
            if Instant::now() > deadline {
                return Err(JobsError::Elsewhere(id));
            }
            sleep(LOOK).await;
        }
    }

    /// Whether anything waits that a job asked for, in whatever process.
    async fn has_follow_ups(&self, id: JobId) -> Result<bool, JobsError> {
        Ok(self.inner.books.open_jobs().await?.iter().any(|job| comes_of(job, id)))
    }
}

impl Inner {
    async fn cancel(&self, id: JobId) -> Result<Vec<Job>, StoreError> {
        self.change(|board, now| board.cancel(id, now)).await
    }

    async fn heed(&self) -> Result<(), StoreError> {
        for id in self.books.cancellations(HEEDED).await? {
            self.cancel(id).await?;
        }
        Ok(())
    }

    /// Changes the board; answers the jobs that are other now, once that is stored.
    async fn change(&self, change: impl FnOnce(&mut Board, i64) -> Vec<Change>) -> Result<Vec<Job>, StoreError> {
        let (mut jobs, mut receipts) = (Vec::new(), Vec::new());
        {
            let mut board = self.shared.board();
            for change in change(&mut board, self.time.now_ms()) {
                jobs.push(change.job.clone());
                receipts.push(self.journal.post(change));
            }
        }
        self.shared.changed();
        all_stored(receipts).await?;
        Ok(jobs)
    }
}

/// Heeds the wishes of other processes, while there are any and this one has jobs.
pub(super) async fn hear(inner: Arc<Inner>) {
    loop {
        inner.shared.until(|board| !board.is_idle() || board.is_closing()).await;
        if inner.shared.board().is_closing() {
            return;
        }
        if !inner.options.is_shared && lock::others(&inner.options.run_dir, inner.process).is_empty() {
            sleep(LOOK_AROUND).await;
            continue;
        }
        if let Err(error) = inner.heed().await {
            // The jobs themselves tell of a database that is away.
            tracing::debug!(%error, "wishes of other processes are not heard");
        }
        sleep(HEAR).await;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_job_is_given_up_until_what_it_asked_for_has_come() {
        let mut board = Board::new(Uuid::nil(), 1, 1, 0);
        let id = JobId(Uuid::max());
        let asked = Requester::Job(id);
        board.give_up(id);
        assert!(!board.is_in_vain(&asked), "nothing of it is on its way");
        board.expect_follow_up();
        board.expect_follow_up();
        board.give_up(id);
        board.follow_ups_came(1);
        assert!(board.is_in_vain(&asked));
        board.follow_ups_came(1);
        assert!(!board.is_in_vain(&asked), "it is remembered no longer than it is needed");
    }
}
