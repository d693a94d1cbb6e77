//! Scans a repository: mirror, walk, store, publish.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::mpsc;

use super::disk::Disk;
use super::fetch::note_branch;
use super::lock::RepositoryLock;
use super::mirrors::{Fetched, Source};
use super::settings::{DiscoverySettings, HostCredentials, RetentionSettings, SyncSettings, Visits};
use super::storing::Storing;
use super::{PipelineError, Progress};
use crate::forge::AnyForge;
use crate::git::{FetchOptions, Head, Mirror, Remote};
use crate::manifest::redact::Redactor;
use crate::model::{
    Checkpoint, LastRun, Quality, Repository, RepositoryId, RepositoryStatus, RunId, RunStatus, Step, Totals,
};
use crate::scan::{Budget, EXTRACTOR_VERSION, Outcome, Resume, ScanError, Scanner, Stop, is_bot};
use crate::store::query::{FileFactsNow, Filter, KindCount, Operator, ResourceField, Resources, ResourcesByKind};
use crate::store::{Origin, Reader, Run, StoreError, Writer};

/// Batches that may wait between the walk and the database.
const WAITING_BATCHES: usize = 4;

/// What it takes to scan. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    pub reader: Reader,
    pub writer: Writer,
    pub redactor: Arc<Redactor>,
    /// Folder of the mirrors.
    pub mirrors: PathBuf,
    /// Of each fetch.
    pub fetching: FetchOptions,
    /// What runs here, for whoever is told that a repository is being scanned already: `kubestats scan`.
    pub program: String,
    /// Memory that all scans of this pipeline and its clones share.
    pub budget: Budget,
    /// Who is asked for repositories.
    pub forges: Arc<[AnyForge]>,
    /// What opens private repositories to git.
    pub credentials: Vec<HostCredentials>,
    pub discovery: DiscoverySettings,
    pub sync: SyncSettings,
    pub retention: RetentionSettings,
    /// Visits of the clock, counted over all clones.
    pub visits: Visits,
    /// What the mirrors take, as it was last measured.
    pub disk: Disk,
}

/// What a scan did, and what the repository holds now.
#[derive(Clone, Debug)]
pub struct Summary {
    pub repository: Repository,
    pub checkpoint: Checkpoint,
    /// What this scan added to the totals.
    pub added: Added,
    /// Time from the opened mirror to everything stored.
    pub duration: Duration,
    /// The history was read from its root although an earlier scan had stored events.
    pub rebuilt: bool,
}

/// What one scan added.
#[derive(Clone, Copy, Debug, Default)]
pub struct Added {
    pub commits: u64,
    pub events: u64,
    pub unparsable_versions: u64,
}

/// How a scan goes on from what is stored.
enum Plan {
    UpToDate,
    Continue,
    /// From the root, as this generation.
    FromRoot(u32),
}

/// What a repository is after a scan.
struct Brought {
    checkpoint: Checkpoint,
    added: Added,
    rebuilt: bool,
}

impl Pipeline {
    /// Scans one source to its head; everything it found is visible afterwards.
    ///
    /// # Errors
    /// When the source cannot be mirrored, another scan of it runs, or Git or ClickHouse fails. What was published before
    /// stays as it was, and the failure is recorded with the repository.
    pub async fn scan(&self, remote: &Remote, progress: Arc<dyn Progress>) -> Result<Summary, PipelineError> {
        let repository = self.repository_of(remote).await?;
        self.scan_from(&repository, &Source::new(remote.clone()), progress).await
    }

    /// The same for a repository that is known.
    ///
    /// # Errors
    /// As [`Pipeline::scan`].
    pub(super) async fn scan_from(
        &self,
        repository: &Repository,
        source: &Source,
        progress: Arc<dyn Progress>,
    ) -> Result<Summary, PipelineError> {
        let path = |source| PipelineError::File { path: self.mirrors.clone(), source };
        std::fs::create_dir_all(&self.mirrors).map_err(path)?;
        let _lock = RepositoryLock::take(&self.mirrors.join(format!("{}.lock", repository.id)), &self.program)?;
        match self.scan_locked(repository, source, progress).await {
            Ok(mut summary) => {
                let branch = summary.repository.profile.default_branch.as_str();
                let quality = self.qualities(&[repository.id]).await?.pop().map(|(_, quality)| quality);
                let ended = Ok((branch, quality.unwrap_or_default()));
                let ended = self.end_scan(repository.id, ended).await?;
                summary.repository = ended.unwrap_or_else(|| repository.clone());
                Ok(summary)
            }
            Err(error) if error.is_stop() => Err(error),
            Err(error) => {
                let reason = self.redactor.text(&error.to_string()).into_owned();
                if let Err(second) = self.end_scan(repository.id, Err(reason)).await {
                    tracing::warn!(repository = repository.full_name(), error = %second, "failure could not be recorded");
                }
                Err(error)
            }
        }
    }

    /// How many resources of each kind are alive at the head of a repository, most first.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn kinds(&self, id: RepositoryId) -> Result<Vec<KindCount>, StoreError> {
        let snapshot = self.reader.snapshot().await?;
        Ok(snapshot.fetch(&ResourcesByKind { repository: id.0 }).await?.to_vec())
    }

    /// Records how a scan ended, beside whatever else became of the repository meanwhile: the branch and the quality that it found, or why
    /// it failed.
    async fn end_scan(
        &self,
        id: RepositoryId,
        ended: Result<(&str, Quality), String>,
    ) -> Result<Option<Repository>, StoreError> {
        let now = Utc::now().timestamp_millis();
        let change = |repository: &mut Repository| {
            let (branch, quality) = match &ended {
                Ok(found) => found,
                Err(reason) => {
                    let error = Some(reason.clone());
                    repository.scan = LastRun { status: RunStatus::Failed, at_ms: Some(now), error };
                    return None;
                }
            };
            repository.scan = LastRun { status: RunStatus::Succeeded, at_ms: Some(now), error: None };
            repository.quality.clone_from(quality);
            note_branch(repository, branch);
            if repository.status == RepositoryStatus::Pending {
                repository.status = RepositoryStatus::Active;
                // Its only snapshot is of the search that found it: a visit tells what that did not.
                if repository.metrics.as_ref().is_some_and(|metrics| metrics.resource_count.is_none()) {
                    repository.next_sync_at_ms = None;
                }
            }
            None
        };
        Ok(self.change(&[id], change).await?.pop())
    }

    async fn scan_locked(
        &self,
        repository: &Repository,
        source: &Source,
        progress: Arc<dyn Progress>,
    ) -> Result<Summary, PipelineError> {
        let (mirror, head) = self.mirror(repository.id, source, progress.clone()).await?;
        let fetched = self.fetched(repository.id).unwrap_or_default();
        self.note_fetch(repository.id, &Fetched { commit: head.commit.to_string(), ..fetched })?;
        let started = Instant::now();
        let brought = match self.bring_up(repository, &mirror, &head, progress.clone()).await {
            // The database lost or doubled a block (an engine was killed at the wrong moment), or another machine was first: the
            // same again.
            Err(PipelineError::Store(error @ (StoreError::Incomplete { .. } | StoreError::Overtaken))) => {
                tracing::warn!(repository = repository.full_name(), %error, "scan is repeated");
                self.bring_up(repository, &mirror, &head, progress).await?
            }
            result => result?,
        };
        let Brought { checkpoint, added, rebuilt } = brought;
        let duration = started.elapsed();
        let mut repository = repository.clone();
        repository.profile.default_branch = head.branch;
        Ok(Summary { repository, checkpoint, added, duration, rebuilt })
    }

    /// Scans what is not stored yet.
    async fn bring_up(
        &self,
        repository: &Repository,
        mirror: &Mirror,
        head: &Head,
        progress: Arc<dyn Progress>,
    ) -> Result<Brought, PipelineError> {
        let stored = self.reader.checkpoint(repository.id).await?;
        let plan = plan(mirror, head, stored.as_ref())?;
        let added = match (&plan, &stored) {
            (Plan::UpToDate, Some(stored)) => {
                return Ok(Brought { checkpoint: stored.clone(), added: Added::default(), rebuilt: false });
            }
            (Plan::FromRoot(generation), _) => {
                self.scan_from_root(repository, mirror.clone(), head, *generation, progress).await?
            }
            (Plan::Continue, Some(from)) => {
                match self.scan_on(repository, mirror.clone(), head, from, progress.clone()).await {
                    // What is stored does not fit the mirror: reading the history again mends it.
                    Err(PipelineError::Scan(ScanError::Inconsistent(at))) => {
                        tracing::warn!(repository = repository.full_name(), at, "stored state does not fit the mirror");
                        self.scan_from_root(repository, mirror.clone(), head, from.generation + 1, progress).await?
                    }
                    result => result?,
                }
            }
            (Plan::UpToDate | Plan::Continue, None) => return Err(PipelineError::Aborted),
        };
        let before = stored.as_ref().map(|stored| stored.run);
        let checkpoint = self.reader.checkpoint(repository.id).await?.filter(|found| Some(found.run) != before);
        // The checkpoint is a block like others, and may be lost as they may.
        let lost = || StoreError::Incomplete { table: "checkpoints".to_owned(), sent: 1, found: 0 };
        let checkpoint = checkpoint.ok_or_else(lost)?;
        let rebuilt = stored.is_some_and(|stored| stored.generation != checkpoint.generation);
        Ok(Brought { checkpoint, added, rebuilt })
    }

    async fn scan_from_root(
        &self,
        repository: &Repository,
        mirror: Mirror,
        head: &Head,
        generation: u32,
        progress: Arc<dyn Progress>,
    ) -> Result<Added, PipelineError> {
        // Rows of the published generation stay: readers see them until the new one is published.
        self.writer.clear_generation(repository.id, generation).await?;
        self.walk(repository, mirror, head, generation, None, Totals::default(), progress).await
    }

    async fn scan_on(
        &self,
        repository: &Repository,
        mirror: Mirror,
        head: &Head,
        from: &Checkpoint,
        progress: Arc<dyn Progress>,
    ) -> Result<Added, PipelineError> {
        let id = repository.id;
        let inconsistent = || ScanError::Inconsistent(from.head.commit.clone());
        let commit = from.head.commit.parse().map_err(|_| inconsistent())?;
        let filter = Filter::default()
            .and(ResourceField::Repository, Operator::Equal(id.to_string()))
            .and(ResourceField::Status, Operator::Equal("ACTIVE".to_owned()));
        let (resources, said) = (Resources { filter, page: None }, FileFactsNow { repository: id.0 });
        let read = async {
            let snapshot = self.reader.snapshot().await?;
            tokio::try_join!(snapshot.fetch(&resources), snapshot.fetch(&said))
        };
        // What is cleared is nothing that a reader sees.
        let clear = self.writer.clear_unpublished(id, from.generation, from.sequence);
        let ((alive, files), ()) = tokio::try_join!(read, clear)?;
        let resume = Resume {
            commit,
            sequence: from.sequence,
            state_time: from.head.state_time,
            totals: from.totals,
            resources: alive.iter().map(|record| record.to_model()).collect::<Option<_>>().ok_or_else(inconsistent)?,
            files: files.iter().map(|record| record.to_model()).collect::<Option<_>>().ok_or_else(inconsistent)?,
        };
        self.walk(repository, mirror, head, from.generation, Some(resume), from.totals, progress).await
    }

    /// Reads the history, stores its rows and publishes them.
    #[allow(clippy::too_many_arguments, reason = "one call, and each is needed to make the checkpoint")]
    async fn walk(
        &self,
        repository: &Repository,
        mirror: Mirror,
        head: &Head,
        generation: u32,
        resume: Option<Resume>,
        before: Totals,
        progress: Arc<dyn Progress>,
    ) -> Result<Added, PipelineError> {
        let origin = Origin { repository: repository.id, generation, run: RunId::now() };
        let published = resume.as_ref().map_or(0, |resume| resume.sequence);
        let run = Arc::new(Run::new(origin, published));
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
        let redactor = self.redactor.clone();
        let listener = progress.clone();
        let repository = repository.clone();
        let share = self.budget.share();
        let walker = tokio::task::spawn_blocking(move || {
            let since = resume.as_ref().map(|resume| resume.commit);
            let scanner = Scanner::new(&mirror, &redactor, &repository, Utc::now().timestamp(), resume);
            std::thread::scope(|scope| {
                // Git counts while it already reads: nothing but the progress waits for the number.
                let mut counting = Some(scope.spawn(|| mirror.commit_count(since)));
                scanner.run(&share, &mut |batch| {
                    if listener.is_stopped() {
                        return Err(Stop);
                    }
                    if let Some(Ok(Ok(commits))) = counting.take().map(|counting| counting.join()) {
                        listener.scanning(commits);
                    }
                    listener.advanced(batch.commits, batch.events.len() as u64);
                    sender.blocking_send(batch).map_err(|_| Stop)
                })
            })
        });
        // A failed insert drops the receiver, which stops the walk; its reason comes first.
        let mut storing = Storing::new(self.writer.clone(), run.clone());
        let stored = storing.take_all(receiver, &self.budget).await;
        let walked = walker.await.map_err(|_| PipelineError::Aborted)?;
        stored?;
        let outcome = walked?;
        progress.publishing();
        storing.finish(&outcome.touched).await?;
        let checkpoint = self.checkpoint(origin, head, &outcome);
        self.writer.publish(&run, &checkpoint).await?;
        Ok(Added {
            commits: outcome.totals.commits - before.commits,
            events: outcome.totals.events() - before.events(),
            unparsable_versions: outcome.totals.unparsable_versions - before.unparsable_versions,
        })
    }

    fn checkpoint(&self, origin: Origin, head: &Head, outcome: &Outcome) -> Checkpoint {
        Checkpoint {
            repository: origin.repository,
            generation: origin.generation,
            sequence: outcome.sequence,
            head: Step {
                commit: head.commit.to_string(),
                time: head.time,
                state_time: outcome.state_time.unwrap_or(head.time),
                actor: self.redactor.text(&head.author).into_owned(),
                actor_is_bot: is_bot(&head.author, &head.author_email),
                subject: self.redactor.text(&head.subject).into_owned(),
            },
            branch: head.branch.clone(),
            extractor_version: EXTRACTOR_VERSION,
            totals: outcome.totals,
            run: origin.run,
        }
    }
}

fn plan(mirror: &Mirror, head: &Head, stored: Option<&Checkpoint>) -> Result<Plan, PipelineError> {
    let Some(stored) = stored else { return Ok(Plan::FromRoot(1)) };
    if stored.extractor_version == EXTRACTOR_VERSION {
        if stored.head.commit == head.commit.to_string() {
            return Ok(Plan::UpToDate);
        }
        if let Ok(commit) = stored.head.commit.parse()
            && mirror.is_on_first_parent_chain(commit)?
        {
            return Ok(Plan::Continue);
        }
    }
    Ok(Plan::FromRoot(stored.generation + 1))
}

/// Runs Git's blocking calls away from the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PipelineError> + Send + 'static,
) -> Result<T, PipelineError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| PipelineError::Aborted)?
}
