//! Scans a repository: mirror, walk, store, publish.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::mpsc;

use super::lock::RepositoryLock;
use super::mirrors::Source;
use super::settings::{DiscoverySettings, HostCredentials, RetentionSettings, SyncSettings, Visits};
use super::{PipelineError, Progress};
use crate::forge::AnyForge;
use crate::git::{FetchLimits, Head, Mirror, Remote};
use crate::manifest::redact::Redactor;
use crate::model::{
    Checkpoint, LastRun, Repository, RepositoryId, RepositoryStatus, ResourceEvent, RunId, RunStatus, ScanFailure,
    Step, Totals,
};
use crate::scan::{
    Batch, Budget, EXTRACTOR_VERSION, Outcome, Reservation, Resolved, Resume, ScanError, Scanner, Stop, is_bot,
};
use crate::store::query::{FileFactsNow, Filter, KindCount, Operator, ResourceField, Resources, ResourcesByKind};
use crate::store::{Origin, Reader, StoreError, Writer};

/// Rows that one insert carries at least: fewer leave ClickHouse with many small parts, which it merges while the scan still runs.
const INSERT_EVENTS: usize = 16_000;
/// An insert goes out earlier when its contents are this large, in bytes.
const INSERT_BYTES: usize = 32 << 20;
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
    pub limits: FetchLimits,
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
}

/// What a scan did, and what the repository holds now.
#[derive(Clone, Debug)]
pub struct Summary {
    pub repository: Repository,
    pub checkpoint: Checkpoint,
    /// What this scan added to the totals.
    pub added: Added,
    /// Resources alive at the head, by group and kind, most first.
    pub kinds: Vec<KindCount>,
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
                let ended = self.end_scan(repository.id, RunStatus::Succeeded, None, Some(branch)).await?;
                summary.repository = ended.unwrap_or_else(|| repository.clone());
                Ok(summary)
            }
            Err(error) if error.is_stop() => Err(error),
            Err(error) => {
                let reason = self.redactor.text(&error.to_string()).into_owned();
                if let Err(second) = self.end_scan(repository.id, RunStatus::Failed, Some(reason), None).await {
                    tracing::warn!(repository = repository.full_name(), error = %second, "failure could not be recorded");
                }
                Err(error)
            }
        }
    }

    /// Records how a scan ended, beside whatever else became of the repository meanwhile.
    async fn end_scan(
        &self,
        id: RepositoryId,
        status: RunStatus,
        error: Option<String>,
        branch: Option<&str>,
    ) -> Result<Option<Repository>, StoreError> {
        let now = Utc::now().timestamp_millis();
        let ended = LastRun { status, at_ms: Some(now), error };
        let change = |repository: &mut Repository| {
            repository.scan = ended.clone();
            if let Some(branch) = branch {
                branch.clone_into(&mut repository.profile.default_branch);
            }
            if status == RunStatus::Succeeded && repository.status == RepositoryStatus::Pending {
                repository.status = RepositoryStatus::Active;
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
        let started = Instant::now();
        let stored = self.reader.checkpoint(repository.id).await?;
        let plan = plan(&mirror, &head, stored.as_ref())?;
        let added = match (&plan, &stored) {
            (Plan::UpToDate, _) => Added::default(),
            (Plan::FromRoot(generation), _) => {
                self.scan_from_root(repository, mirror, &head, *generation, progress).await?
            }
            (Plan::Continue, Some(from)) => {
                match self.scan_on(repository, mirror.clone(), &head, from, progress.clone()).await {
                    // What is stored does not fit the mirror: reading the history again mends it.
                    Err(PipelineError::Scan(ScanError::Inconsistent(blob))) => {
                        tracing::warn!(
                            repository = repository.full_name(),
                            blob,
                            "stored state does not fit the mirror"
                        );
                        self.scan_from_root(repository, mirror, &head, from.generation + 1, progress).await?
                    }
                    result => result?,
                }
            }
            (Plan::Continue, None) => return Err(PipelineError::Aborted),
        };
        let checkpoint = self.reader.checkpoint(repository.id).await?.ok_or(PipelineError::Aborted)?;
        let duration = started.elapsed();
        let snapshot = self.reader.snapshot().await?;
        let kinds = snapshot.fetch(&ResourcesByKind { repository: repository.id.0 }).await?.to_vec();
        let rebuilt = stored.is_some_and(|stored| stored.generation != checkpoint.generation);
        let mut repository = repository.clone();
        repository.profile.default_branch = head.branch;
        Ok(Summary { repository, checkpoint, added, kinds, duration, rebuilt })
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
        self.writer.clear_unpublished(id, from.generation, from.sequence).await?;
        let commit = from.head.commit.parse().map_err(|_| ScanError::Inconsistent(from.head.commit.clone()))?;
        let filter = Filter::default()
            .and(ResourceField::Repository, Operator::Equal(id.to_string()))
            .and(ResourceField::Status, Operator::Equal("ACTIVE".to_owned()));
        let snapshot = self.reader.snapshot().await?;
        let (resources, said) = (Resources { filter, page: None }, FileFactsNow { repository: id.0 });
        let (alive, files) = tokio::try_join!(snapshot.fetch(&resources), snapshot.fetch(&said))?;
        let resume = Resume {
            commit,
            sequence: from.sequence,
            state_time: from.head.state_time,
            totals: from.totals,
            resources: alive.iter().map(|record| record.to_model()).collect(),
            files: files.iter().map(|record| record.to_model()).collect(),
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
        let stored = self.store_batches(origin, receiver, &*progress).await;
        let walked = walker.await.map_err(|_| PipelineError::Aborted)?;
        stored?;
        let outcome = walked?;
        progress.publishing();
        self.writer.resources(origin, &outcome.touched).await?;
        self.writer.publish(&self.checkpoint(origin, head, &outcome)).await?;
        Ok(Added {
            commits: outcome.totals.commits - before.commits,
            events: outcome.totals.events() - before.events(),
            unparsable_versions: outcome.totals.unparsable_versions - before.unparsable_versions,
        })
    }

    async fn store_batches(
        &self,
        origin: Origin,
        mut batches: mpsc::Receiver<Batch>,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let mut events: Vec<ResourceEvent> = Vec::new();
        let mut failures: Vec<ScanFailure> = Vec::new();
        let mut resolved = Waiting::default();
        let mut bytes = 0;
        // Held until the rows are stored.
        let mut memory: Vec<Reservation> = Vec::new();
        while let Some(batch) = batches.recv().await {
            memory.extend(batch.memory.map(Reservation::into_rows));
            let is_short = self.budget.is_short();
            bytes += batch.events.iter().map(|event| event.content.len()).sum::<usize>();
            events.extend(batch.events);
            failures.extend(batch.failures);
            resolved.add(batch.resolved);
            // The few rows of resolution that wait on count for nothing.
            if resolved.rows.rows() >= INSERT_EVENTS || is_short {
                resolved.store(&self.writer, origin).await?;
            }
            if events.len() >= INSERT_EVENTS || bytes >= INSERT_BYTES || is_short {
                self.writer.events(origin, &events).await?;
                events.clear();
                memory.clear();
                bytes = 0;
            }
        }
        if progress.is_stopped() {
            // The next scan would clear it.
            return Ok(());
        }
        self.writer.events(origin, &events).await?;
        self.writer.failures(origin, &failures).await?;
        resolved.store(&self.writer, origin).await
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

/// Rows of resolution that wait for their insert.
#[derive(Default)]
struct Waiting {
    rows: Resolved,
    /// Blocks that were stored.
    blocks: u64,
}

impl Waiting {
    fn add(&mut self, resolved: Resolved) {
        self.rows.resolutions.extend(resolved.resolutions);
        self.rows.edges.extend(resolved.edges);
        self.rows.version_changes.extend(resolved.version_changes);
        self.rows.files.extend(resolved.files);
    }

    async fn store(&mut self, writer: &Writer, origin: Origin) -> Result<(), PipelineError> {
        let Resolved { files, resolutions, edges, version_changes } = std::mem::take(&mut self.rows);
        self.blocks += 1;
        tokio::try_join!(
            writer.files(origin, self.blocks, &files),
            writer.resolutions(origin, self.blocks, &resolutions),
            writer.references(origin, self.blocks, &edges),
            writer.version_changes(origin, self.blocks, &version_changes),
        )?;
        Ok(())
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
