//! Jobs of other processes: those of the living are left alone, those of the dead are taken over.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::board::Key;
use super::journal::{Receipt, all_stored};
use super::lock::{self, Liveness};
use super::queue::{Inner, JobsError};
use crate::model::{Job, JobKind, JobRequest, JobState, RepositoryId, Requester};
use crate::store::query::{Filter, JobField, JobLog, Jobs, Operator, Repositories, RepositoryField};

/// The forge of what lies on this machine.
const LOCAL: &str = "local";

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
        let jobs = self.open_jobs(Filter::default()).await?;
        self.take(jobs).await?;
        dead.into_iter().for_each(|process| lock::bury(&self.options.run_dir, process));
        Ok(())
    }

    /// Takes over one job, if its process is dead; answers whether it is ours now.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn adopt_orphan(&self, job: Job) -> Result<bool, JobsError> {
        if self.fate(&job) == Fate::Leave {
            return Ok(false);
        }
        let _right = self.right_to_take_over().await?;
        // Somebody else may have been first.
        let id = job.id;
        let open = self.open_jobs(Filter::default().and(JobField::Id, Operator::Equal(id.to_string()))).await?;
        let is_free = open.iter().any(|job| self.fate(job) != Fate::Leave);
        self.take(open).await?;
        Ok(is_free)
    }

    /// The same job in another process.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn elsewhere(&self, request: &JobRequest) -> Result<Option<Elsewhere>, JobsError> {
        let key = Key::asked(request);
        let is_here = self.shared.board().find(&key).is_some();
        // Whoever takes over all that dead processes leave need not look for it.
        let is_alone = self.options.adopts
            && !self.options.is_shared
            && lock::others(&self.options.run_dir, self.process).is_empty();
        if is_here || is_alone {
            return Ok(None);
        }
        let mut filter = Filter::default().and(JobField::Kind, Operator::Equal(key.kind.as_str().to_owned()));
        if let Some(id) = key.repository {
            filter.add(JobField::Repository, Operator::Equal(id.to_string()));
        }
        for job in self.open_jobs(filter).await?.into_iter().filter(|job| Key::of(job) == key) {
            match self.fate(&job) {
                Fate::Leave if job.worker != Some(self.process) => return Ok(Some(Elsewhere::There(job))),
                Fate::Leave => {}
                Fate::End => {
                    self.adopt_orphan(job).await?;
                }
                Fate::Take => {
                    if self.adopt_orphan(job.clone()).await? {
                        return Ok(Some(Elsewhere::Adopted(job)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether somebody died since the last time.
    pub fn has_orphans(&self) -> bool {
        let others = lock::others(&self.options.run_dir, self.process);
        others.iter().any(|(_, liveness)| *liveness == Liveness::Dead)
    }

    /// Where repositories are fetched from, by id; `None` for this machine. Unknown ones are left out.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn forges(
        &self,
        ids: impl Iterator<Item = RepositoryId>,
    ) -> Result<HashMap<RepositoryId, Option<String>>, JobsError> {
        let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(ids.into_iter().collect()));
        let found = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
        let repositories = found.iter().map(|record| record.to_model());
        Ok(repositories.map(|found| (found.id, Some(found.forge).filter(|forge| forge != LOCAL))).collect())
    }

    async fn take(&self, jobs: Vec<Job>) -> Result<(), JobsError> {
        let jobs = jobs.into_iter().map(|job| (self.fate(&job), job)).filter(|(fate, _)| *fate != Fate::Leave);
        let jobs: Vec<(Fate, Job)> = jobs.collect();
        let forges = self.forges(jobs.iter().filter_map(|(_, job)| job.repository)).await?;
        let mut receipts: Vec<Receipt> = Vec::new();
        for (fate, job) in jobs {
            // A job that never began has no lines, or few.
            let last_line = if job.attempts > 0 { self.last_line(&job).await? } else { None };
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

    async fn last_line(&self, job: &Job) -> Result<Option<u32>, JobsError> {
        let lines = self.reader.now(&JobLog { job: job.id, limit: 1 }).await?;
        Ok(lines.last().map(|row| row.to_model().number))
    }

    async fn open_jobs(&self, filter: Filter<JobField>) -> Result<Vec<Job>, JobsError> {
        let open = JobState::ALL.into_iter().filter(|state| !state.is_ended());
        let open = open.map(|state| state.as_str().to_owned()).collect();
        let filter = filter.and(JobField::State, Operator::In(open));
        let rows = self.reader.now(&Jobs { filter, page: None }).await?;
        Ok(rows.iter().map(|row| row.to_model()).collect())
    }

    fn fate(&self, job: &Job) -> Fate {
        let Some(process) = job.worker else { return Fate::Take };
        if process == self.process {
            return Fate::Leave;
        }
        match lock::liveness(&self.options.run_dir, process) {
            Liveness::Alive => Fate::Leave,
            Liveness::Unknown if self.options.is_shared => Fate::Leave,
            // `kubestats scan` writes its scans down itself; everything else of this kind is asked for otherwise.
            _ if job.kind == JobKind::Scan && job.requested_by == Requester::Person("cli".to_owned()) => Fate::End,
            _ => Fate::Take,
        }
    }

    /// One process at a time takes jobs over.
    async fn right_to_take_over(&self) -> Result<std::fs::File, JobsError> {
        let directory = self.options.run_dir.clone();
        let taken = tokio::task::spawn_blocking(move || lock::takeover(&directory)).await;
        let taken = taken.unwrap_or_else(|_| Err(std::io::Error::other("interrupted")));
        taken.map_err(|source| JobsError::File { path: self.options.run_dir.clone(), source })
    }
}
