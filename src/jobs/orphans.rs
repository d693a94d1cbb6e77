//! Jobs of other processes: those of the living are left alone, those of the dead are taken over.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;

use uuid::Uuid;

use super::entry::Key;
use super::journal::{Receipt, all_stored};
use super::lock::{self, Liveness};
use super::pulse;
use super::queue::{Inner, JobsError};
use crate::model::{Job, JobId, JobKind, JobRequest, Requester};

/// What becomes of a job that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Leave,
    Take,
    /// It was written down by a command that is no more: nobody waits for it.
    End,
}

/// Where else the same job was found.
pub(super) enum Elsewhere {
    /// In a process that lives.
    There(Job),
    /// In one that is dead: it was taken over.
    Adopted(Job),
}

/// Processes on other machines that live, as far as the database knows.
struct Far(HashSet<Uuid>);

/// Jobs that other processes have. No other process of this machine asks for or takes over any while this value lives.
pub(super) struct Others {
    jobs: Vec<Job>,
    far: Far,
    right: File,
}

impl Inner {
    /// Takes over all jobs of dead processes.
    ///
    /// # Errors
    /// When ClickHouse fails; what was not taken over is another time.
    pub async fn adopt_orphans(&self) -> Result<(), JobsError> {
        let _right = self.right_to_take_over().await?;
        // Looked at before the jobs: who dies in between is dead the next time.
        let dead: Vec<Uuid> = lock::others(&self.options.run_dir, self.process)
            .into_iter()
            .filter_map(|(process, liveness)| (liveness == Liveness::Dead).then_some(process))
            .collect();
        let far = self.far().await?;
        let jobs = self.books.open_jobs().await?;
        self.take(jobs, &far).await?;
        dead.into_iter().for_each(|process| lock::bury(&self.options.run_dir, process));
        Ok(())
    }

    /// Takes over one job, if its process is dead; answers whether it is ours now.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn adopt_orphan(&self, id: JobId) -> Result<bool, JobsError> {
        let far = self.far().await?;
        if self.orphan(id, &far).await?.is_none() {
            return Ok(false);
        }
        let right = self.right_to_take_over().await?;
        self.adopt(id, &far, &right).await
    }

    /// The same with the right to do so.
    async fn adopt(&self, id: JobId, far: &Far, _: &File) -> Result<bool, JobsError> {
        // Somebody else may have been first.
        let Some(job) = self.orphan(id, far).await? else { return Ok(false) };
        self.take(vec![job], far).await?;
        Ok(true)
    }

    /// The job, if it has not ended and its process is dead.
    async fn orphan(&self, id: JobId, far: &Far) -> Result<Option<Job>, JobsError> {
        let job = self.books.job(id).await?;
        Ok(job.filter(|job| !job.state.is_ended() && self.fate(job, far) != Fate::Leave))
    }

    /// Jobs of other processes that may be the same as these, where there are any other processes.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn open_elsewhere(&self, requests: &[JobRequest]) -> Result<Option<Others>, JobsError> {
        // Whoever takes over all that dead processes leave need not look for it.
        let is_alone = self.options.adopts
            && !self.options.is_shared
            && lock::others(&self.options.run_dir, self.process).is_empty();
        if is_alone {
            return Ok(None);
        }
        let right = self.right_to_take_over().await?;
        let jobs = self.books.open_jobs_like(requests).await?;
        let jobs = jobs.into_iter().filter(|job| job.worker != Some(self.process)).collect();
        Ok(Some(Others { jobs, far: self.far().await?, right }))
    }

    /// The same job in another process, unless this one has it too.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn elsewhere(
        &self,
        request: &JobRequest,
        others: Option<&Others>,
    ) -> Result<Option<Elsewhere>, JobsError> {
        let key = Key::asked(request);
        let Some(Others { jobs, far, right }) = others else { return Ok(None) };
        if self.shared.board().find(&key).is_some() {
            return Ok(None);
        }
        for job in jobs.iter().filter(|job| Key::of(job) == key) {
            match self.fate(job, far) {
                // One that does less is no answer to this wish, and nobody can tell its process of it.
                Fate::Leave if job.is_cancelled || !job.arguments.covers(&request.arguments) => {}
                Fate::Leave => return Ok(Some(Elsewhere::There(job.clone()))),
                Fate::End => {
                    self.adopt(job.id, far, right).await?;
                }
                Fate::Take => {
                    if self.adopt(job.id, far, right).await? {
                        return Ok(Some(Elsewhere::Adopted(job.clone())));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether somebody may have died since the last time. Of other machines only the database knows.
    pub fn may_have_orphans(&self) -> bool {
        let others = lock::others(&self.options.run_dir, self.process);
        self.options.is_shared || others.iter().any(|(_, liveness)| *liveness == Liveness::Dead)
    }

    async fn far(&self) -> Result<Far, JobsError> {
        let alive = if self.options.is_shared { self.books.alive(pulse::PATIENCE).await? } else { HashSet::new() };
        Ok(Far(alive))
    }

    async fn take(&self, jobs: Vec<Job>, far: &Far) -> Result<(), JobsError> {
        let jobs = jobs.into_iter().map(|job| (self.fate(&job, far), job)).filter(|(fate, _)| *fate != Fate::Leave);
        let jobs: Vec<(Fate, Job)> = jobs.collect();
        let repositories: BTreeSet<_> = jobs.iter().filter_map(|(_, job)| job.repository).collect();
        let forges = self.books.forges(repositories).await?;
        let mut receipts: Vec<Receipt> = Vec::new();
        for (fate, job) in jobs {
            // A job that never began has no lines, or few.
            let last_line = if job.attempts > 0 { self.books.last_line(job.id).await? } else { None };
            let forge = job.repository.and_then(|id| forges.get(&id).cloned().flatten());
            let now = self.time.now_ms();
            let mut board = self.shared.board();
            if board.get(job.id).is_some() {
                continue;
            }
            let id = job.id;
            let mut changes = vec![board.adopt(job, forge, last_line, now)];
            if fate == Fate::End {
                changes.extend(board.cancel_all(now, |job| job.id == id));
            }
            receipts.extend(changes.into_iter().map(|change| self.journal.post(change)));
        }
        if !receipts.is_empty() {
            tracing::info!(jobs = receipts.len(), "jobs of processes that ended are picked up");
        }
        all_stored(receipts).await?;
        self.shared.changed();
        Ok(())
    }

    fn fate(&self, job: &Job, far: &Far) -> Fate {
        let Some(process) = job.worker else { return Fate::Take };
        if process == self.process {
            return Fate::Leave;
        }
        match lock::liveness(&self.options.run_dir, process) {
            Liveness::Alive => Fate::Leave,
            Liveness::Unknown if far.0.contains(&process) => Fate::Leave,
            // `kubestats scan` writes its scans down itself; everything else of this kind is asked for otherwise.
            _ if job.kind == JobKind::Scan && job.requested_by == Requester::Person("cli".to_owned()) => Fate::End,
            _ => Fate::Take,
        }
    }

    /// One process at a time takes jobs over, or asks for them where others may ask for the same.
    async fn right_to_take_over(&self) -> Result<File, JobsError> {
        let directory = self.options.run_dir.clone();
        let taken = tokio::task::spawn_blocking(move || lock::takeover(&directory)).await;
        let taken = taken.unwrap_or_else(|_| Err(std::io::Error::other("interrupted")));
        taken.map_err(|source| JobsError::File { path: self.options.run_dir.clone(), source })
    }
}
