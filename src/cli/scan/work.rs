//! Scans of named sources, as the jobs of a queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::progress::Display;
use crate::cli::attend::request;
use crate::cli::jobs::text;
use crate::cli::terminal::complain;
use crate::git::{FetchProgress, Remote};
use crate::jobs::{JobsError, Queue, Work, WorkError};
use crate::model::{Job, JobArguments, JobKind, JobState, LogLevel, RepositoryId};
use crate::pipeline::{Ended, Pipeline, PipelineError, Progress, Summary, Task, TaskProgress};
use crate::store::query::KindCount;

/// Time between two attempts at a repository that another process is at.
const AGAIN: Duration = Duration::from_millis(500);

/// One source, with how it is called in what is printed.
#[derive(Clone)]
pub(super) struct Source {
    pub label: String,
    pub remote: Remote,
}

/// Scans sources that somebody named: a job knows its repository alone, and neither the path nor the credentials that were typed.
pub(super) struct Scans {
    pub pipeline: Pipeline,
    pub display: Display,
    wanted: Mutex<HashMap<RepositoryId, Wanted>>,
    /// Held by whoever scans a repository: several sources may mean it.
    turns: Mutex<HashMap<RepositoryId, Arc<tokio::sync::Mutex<()>>>>,
}

struct Wanted {
    source: Source,
    ended: oneshot::Sender<Result<Summary, PipelineError>>,
}

/// Why there is no summary of a source.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSummary {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// Its job ended otherwise.
    #[error("{0}")]
    Ended(String),
}

impl Scans {
    pub fn new(pipeline: Pipeline, display: Display) -> Self {
        Self { pipeline, display, wanted: Mutex::default(), turns: Mutex::default() }
    }

    /// Scans a source as a job of the queue; after what another process does with its repository. Answers the kinds that it holds, too.
    ///
    /// # Errors
    /// When it was not scanned.
    pub async fn scan(&self, queue: &Queue, source: &Source) -> Result<(Summary, Vec<KindCount>), NoSummary> {
        let summary = self.in_turn(queue, source).await?;
        let kinds = self.pipeline.kinds(summary.repository.id).await.map_err(PipelineError::from)?;
        Ok((summary, kinds))
    }

    async fn in_turn(&self, queue: &Queue, source: &Source) -> Result<Summary, NoSummary> {
        let id = self.pipeline.repository_of(&source.remote).await?.id;
        let turn = lock(&self.turns).entry(id).or_default().clone();
        let _turn = turn.lock().await;
        loop {
            let (sender, ended) = oneshot::channel();
            lock(&self.wanted).insert(id, Wanted { source: source.clone(), ended: sender });
            let arguments = JobArguments { fetch: true, ..JobArguments::default() };
            let job = queue.enqueue(request(JobKind::Scan, Some(id), arguments)).await?.job;
            if job.worker == Some(queue.process()) {
                return match ended.await {
                    Ok(scanned) => Ok(scanned?),
                    Err(_) => Err(NoSummary::Ended(how(&queue.ended(job.id).await?))),
                };
            }
            let since = text::second(job.started_at_ms.unwrap_or(job.created_at_ms));
            let holder = queue.holder(&job);
            let words = format!("another process scans it ({holder}, since {since} UTC; job {})", job.id);
            self.say(source, &format!("{words}; waiting for its end"));
            queue.follow(job.id, |_| ()).await?;
        }
    }

    fn say(&self, source: &Source, words: &str) {
        self.display.aside(|_| complain(&format!("{}: {words}", source.remote.url_without_credentials())));
    }

    /// Scans as soon as nobody else is at the repository: the lock of another process tells who is.
    async fn scan_now(&self, source: &Source, task: &Task) -> Result<Summary, PipelineError> {
        let shown = self.display.begin(source.label.clone());
        let progress = Arc::new(Both { shown, told: TaskProgress::new(task) });
        let mut is_told = false;
        loop {
            let busy = match self.pipeline.scan(&source.remote, progress.clone()).await {
                Err(error @ PipelineError::Busy { .. }) => error,
                ended => return ended,
            };
            task.progress(0, 0, "", &format!("waiting: {busy}"));
            if !std::mem::replace(&mut is_told, true) {
                self.say(source, &format!("{busy}; waiting for its end"));
            }
            if task.unless_stopped(tokio::time::sleep(AGAIN)).await.is_none() {
                return Err(busy);
            }
        }
    }
}

impl Work for Scans {
    fn run<'a>(&'a self, job: &'a Job, task: &'a Task) -> BoxFuture<'a, Result<Ended, WorkError>> {
        async move {
            // Whoever asked may have gone meanwhile.
            let wanted = job.repository.and_then(|id| lock(&self.wanted).remove(&id));
            let Some(Wanted { source, ended }) = wanted else { return Ok(Ended::Stopped) };
            let scanned = self.scan_now(&source, task).await;
            let outcome = match &scanned {
                _ if task.is_stopped() && scanned.is_err() => return Ok(Ended::Stopped),
                Ok(Summary { checkpoint, added, .. }) => {
                    let line = format!("{} commits that touch YAML and {} events are new", added.commits, added.events);
                    task.log(LogLevel::Info, line);
                    Ok(Ended::Succeeded { run: Some(checkpoint.run).filter(|_| added.commits > 0) })
                }
                Err(error) => Err(WorkError {
                    code: error.code().to_owned(),
                    message: self.pipeline.redactor.text(&error.to_string()).into_owned(),
                    // Whoever named the source is told at once, and may try again.
                    is_transient: false,
                }),
            };
            let _ = ended.send(scanned);
            outcome
        }
        .boxed()
    }
}

/// How a job ended without telling its summary.
fn how(job: &Job) -> String {
    match (&job.error, job.state) {
        (Some(error), JobState::Failed) => error.message.clone(),
        _ => job.state.as_str().to_lowercase(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Progress of a scan that is shown here and told with its job.
struct Both {
    shown: Arc<dyn Progress>,
    told: TaskProgress,
}

impl Progress for Both {
    fn fetching(&self, progress: &FetchProgress) {
        self.shown.fetching(progress);
        self.told.fetching(progress);
    }

    fn scanning(&self, commits: u64) {
        self.shown.scanning(commits);
        self.told.scanning(commits);
    }

    fn advanced(&self, commits: u64, events: u64) {
        self.shown.advanced(commits, events);
        self.told.advanced(commits, events);
    }

    fn publishing(&self) {
        self.shown.publishing();
        self.told.publishing();
    }

    fn is_stopped(&self) -> bool {
        self.told.is_stopped()
    }
}
