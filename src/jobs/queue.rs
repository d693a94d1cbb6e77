//! The queue as everybody else sees it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use super::board::Board;
use super::books::Books;
use super::cancel;
use super::entry::Key;
use super::journal::{Journal, Receipt, Shared, all_stored};
use super::lock::{self, WorkerLock};
use super::orphans::Elsewhere;
use super::pulse::Pulse;
use super::runner::{self, FollowUp};
use super::time::Time;
use super::updates::Newest;
use super::work::Work;
use crate::model::{Job, JobId, JobKind, JobRequest, JobState, RateLimit, Requester};
use crate::store::StoreError;

/// Time between two looks at a job of another process.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// Only a job that still waits or runs can be cancelled.
    #[error("the job is {} already", .0.as_str())]
    HasEnded(JobState),
    /// Only a job that has ended can be asked for again.
    #[error("the job is {}; it can be asked for again when it has ended", .0.as_str())]
    NotEnded(JobState),
    /// Another process of the same data has the job, and was asked in vain.
    #[error("another process works on the job {0} and does not listen: end it there")]
    Elsewhere(JobId),
    #[error("there is no schedule {0:?}")]
    UnknownSchedule(String),
    #[error("there is no repository with this id")]
    UnknownRepository,
    /// The repository is in no state in which this can be done.
    #[error("{0}")]
    Unfit(&'static str),
    /// A URL or path that is no repository's.
    #[error("{0}")]
    BadSource(String),
    #[error("the server is shutting down")]
    ShuttingDown,
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the clock cannot be started: {0}")]
    Clock(String),
}

/// A job that was asked for.
#[derive(Clone, Debug)]
pub struct Enqueued {
    pub job: Job,
    /// The same was asked for before, and has not ended: this is that job.
    pub joined: bool,
}

/// One of the workers of a process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The process.
    pub process: Uuid,
    /// Counts the workers of a process from 1.
    pub number: u32,
    pub job: Option<JobId>,
    /// When it began its job, or its rest, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How a queue works.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// What runs here, for whoever is told that it has a job: `kubestats serve`.
    pub program: String,
    /// Jobs that run at the same time; at least one does.
    pub parallel: usize,
    /// Attempts of a job that fails for a reason that may pass.
    pub attempts: u32,
    /// Folder of the locks of processes that run jobs.
    pub run_dir: PathBuf,
    /// Other machines may fill the same database.
    pub is_shared: bool,
    /// Takes over what dead processes left, at the start and from then on; without, only what is asked for again.
    pub adopts: bool,
}

/// A handle to the queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub options: QueueOptions,
    pub process: Uuid,
    pub shared: Arc<Shared>,
    pub journal: Journal,
    pub books: Arc<dyn Books>,
    pub work: Arc<dyn Work>,
    pub time: Arc<dyn Time>,
    pub follow_ups: mpsc::UnboundedSender<FollowUp>,
    lock: Mutex<Option<WorkerLock>>,
    pulse: Mutex<Option<Pulse>>,
}

impl Queue {
    /// Starts the workers, and takes over what dead processes left.
    ///
    /// # Errors
    /// When the lock of this process cannot be taken, or ClickHouse fails.
    pub async fn start(
        options: QueueOptions,
        books: Arc<dyn Books>,
        work: Arc<dyn Work>,
        time: Arc<dyn Time>,
    ) -> Result<Self, JobsError> {
        let process = Uuid::new_v4();
        let failed = |source| JobsError::File { path: options.run_dir.clone(), source };
        let lock = WorkerLock::take(&options.run_dir, process, &options.program).map_err(failed)?;
        let board = Board::new(process, options.parallel, options.attempts, time.now_ms());
        let shared = Arc::new(Shared::new(board));
        // Before its first job: nobody takes that for one of the dead.
        let pulse = if options.is_shared { Some(Pulse::start(books.clone(), process).await?) } else { None };
        let journal = Journal::start(books.clone(), shared.clone());
        let (follow_ups, receiver) = mpsc::unbounded_channel();
        let (lock, pulse) = (Mutex::new(Some(lock)), Mutex::new(pulse));
        let inner = Arc::new(Inner { options, process, shared, journal, books, work, time, follow_ups, lock, pulse });
        if inner.options.adopts {
            inner.adopt_orphans().await?;
            tokio::spawn(runner::look_after_orphans(inner.clone()));
        }
        tokio::spawn(runner::take_follow_ups(inner.clone(), receiver));
        tokio::spawn(runner::dispatch(inner.clone()));
        tokio::spawn(cancel::hear(inner.clone()));
        Ok(Self { inner })
    }

    /// Asks for a job; the same one that has not ended yet is joined.
    ///
    /// # Errors
    /// [`JobsError::UnknownRepository`], [`JobsError::ShuttingDown`], or when ClickHouse fails: then there is no job.
    pub async fn enqueue(&self, request: JobRequest) -> Result<Enqueued, JobsError> {
        if self.inner.shared.board().is_closing() {
            return Err(JobsError::ShuttingDown);
        }
        let mut enqueued = self.inner.enqueue(vec![request]).await?;
        enqueued.pop().unwrap_or(Err(JobsError::UnknownRepository))
    }

    /// Whether the same was asked for and has not ended, in whatever process.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn is_open(&self, request: &JobRequest) -> Result<bool, JobsError> {
        let key = Key::asked(request);
        if self.inner.shared.board().find(&key).is_some() {
            return Ok(true);
        }
        let open = self.inner.books.open_jobs_like(std::slice::from_ref(request)).await?;
        Ok(open.iter().any(|job| Key::of(job) == key && !job.is_cancelled))
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// When there is none, or ClickHouse fails.
    pub async fn job(&self, id: JobId) -> Result<Job, JobsError> {
        let here = self.inner.shared.board().get(id).cloned();
        match here {
            Some(job) => Ok(job),
            None => self.stored(id).await,
        }
    }

    /// Asks for a job once more that has ended: a new job with the same arguments.
    ///
    /// # Errors
    /// When there is no such job, it has not ended, or as [`Queue::enqueue`].
    pub async fn retry(&self, id: JobId, requested_by: Requester) -> Result<Enqueued, JobsError> {
        let job = self.job(id).await?;
        if !job.state.is_ended() {
            return Err(JobsError::NotEnded(job.state));
        }
        self.enqueue(job.again(requested_by)).await
    }

    /// Every change of every job of this process, from now on. Changes of states are told when they are stored, progress some times a
    /// second. Who reads too slowly misses the oldest.
    pub fn updates(&self) -> broadcast::Receiver<Job> {
        self.inner.shared.updates.subscribe()
    }

    /// The same for whoever must not miss an end: who reads slowly misses states in between.
    pub fn newest(&self) -> Newest {
        Newest::of(self.updates())
    }

    /// Who has a job, for people: the program and its process, where it runs with this data directory.
    pub fn holder(&self, job: &Job) -> String {
        let known = job.worker.and_then(|process| lock::program(&self.inner.options.run_dir, process));
        known.unwrap_or_else(|| "elsewhere".to_owned())
    }

    /// The id by which the jobs of this process name it.
    pub fn process(&self) -> Uuid {
        self.inner.process
    }

    pub fn workers(&self) -> Vec<Worker> {
        self.inner.shared.board().workers()
    }

    /// What is left of each budget of the forges.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.inner.work.rate_limits()
    }

    /// Waits until a job has ended.
    ///
    /// # Errors
    /// When there is no such job, or ClickHouse fails.
    pub async fn ended(&self, id: JobId) -> Result<Job, JobsError> {
        self.follow(id, |_| ()).await
    }

    /// The same; `tell` is told now and then how far the job is, while another process has it.
    ///
    /// # Errors
    /// As [`Queue::ended`].
    pub async fn follow(&self, id: JobId, tell: impl Fn(Job) + Send) -> Result<Job, JobsError> {
        loop {
            // It leaves the board when its end is stored.
            self.inner.shared.until(|board| board.get(id).is_none()).await;
            let job = self.stored(id).await?;
            if job.state.is_ended() {
                return Ok(job);
            }
            // Another process has it, perhaps one that has died meanwhile.
            if !self.inner.adopt_orphan(id).await? {
                tell(job);
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Waits until this process has no job left, and none is about to come.
    pub async fn idle(&self) {
        self.inner.shared.until(Board::is_idle).await;
    }

    /// Takes no more jobs, gives the running ones some time to end, and leaves the rest for the next process.
    pub async fn shut_down(&self, patience: Duration) {
        let shared = &self.inner.shared;
        shared.board().close();
        shared.changed();
        // Whoever does not end in time is asked to, and then ended.
        let quiet = |board: &Board| board.running() == 0;
        if tokio::time::timeout(patience, shared.until(quiet)).await.is_err() {
            shared.board().stop_all();
            let _ = tokio::time::timeout(runner::GRACE * 3, shared.until(quiet)).await;
        }
        self.inner.follow_ups_stored().await;
        let left: Vec<Receipt> = {
            let left = shared.board().leave_all();
            left.into_iter().map(|change| self.inner.journal.post(change)).collect()
        };
        if !left.is_empty() {
            tracing::info!(jobs = left.len(), "jobs are left for the next start");
        }
        let is_stored = self.inner.journal.close().await;
        let lock = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without its last states stored, this is a dead process whose jobs are to be picked up.
        if let Some(lock) = lock.filter(|_| is_stored) {
            lock.release();
        }
        // From now on it is dead for other machines, too.
        self.inner.pulse.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    async fn stored(&self, id: JobId) -> Result<Job, JobsError> {
        self.inner.books.job(id).await?.ok_or(JobsError::NotFound(id))
    }
}

impl Inner {
    /// Takes requests in, several at once, one answer each.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn enqueue(&self, requests: Vec<JobRequest>) -> Result<Vec<Result<Enqueued, JobsError>>, JobsError> {
        let repositories = requests.iter().filter_map(|request| request.repository).collect();
        let forges = self.books.forges(repositories).await?;
        // Held until they are stored: two processes that ask for the same get the same job.
        let others = self.open_elsewhere(&requests).await?;
        let mut answers = Vec::new();
        let mut receipts: Vec<Receipt> = Vec::new();
        for request in requests {
            let forge = request.repository.map(|id| forges.get(&id));
            if let (Some(None), Some(id)) = (forge, request.repository)
                // Its removal may have failed half-way.
                && !(request.kind == JobKind::Delete && self.books.is_left(id).await?)
            {
                answers.push(Err(JobsError::UnknownRepository));
                continue;
            }
            let adopted = match self.elsewhere(&request, others.as_ref()).await? {
                Some(Elsewhere::There(job)) => {
                    answers.push(Ok(Enqueued { job, joined: true }));
                    continue;
                }
                Some(Elsewhere::Adopted(job)) => Some(job),
                None => None,
            };
            let forge = forge.flatten().cloned().flatten();
            let now = self.time.now_ms();
            let mut board = self.shared.board();
            if board.is_in_vain(&request.requested_by) {
                answers.push(Err(JobsError::ShuttingDown));
                continue;
            }
            // What was taken over may have been done meanwhile: nobody asked for it twice.
            if let Some(job) = adopted.filter(|_| board.find(&Key::asked(&request)).is_none()) {
                answers.push(Ok(Enqueued { job, joined: true }));
                continue;
            }
            let mut changes = Vec::new();
            if request.kind == JobKind::Delete {
                // Whatever else was to be done with the repository is in vain now.
                let repository = request.repository;
                let others = |job: &Job| job.repository == repository && job.kind != JobKind::Delete;
                changes = board.cancel_all(now, others);
            }
            let (change, joined) = board.ask(request, forge, now);
            answers.push(Ok(Enqueued { job: change.job.clone(), joined }));
            changes.push(change);
            receipts.extend(changes.into_iter().map(|change| self.journal.post(change)));
        }
        all_stored(receipts).await?;
        drop(others);
        self.shared.changed();
        Ok(answers)
    }
}
