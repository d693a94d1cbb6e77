//! Visits repositories: a snapshot of what their forge says of them, and a fetch where something was pushed.

use std::collections::HashMap;

use chrono::Utc;

use super::aggregate::Inputs;
use super::fetch::{is_outdated, visited, waited};
use super::identity::{BY_HAND, Meanings, Seen, hosts, scanned_status};
use super::rhythm::{next_try, next_visit};
use super::work::{Ended, follow_up};
use super::{Pipeline, PipelineError, Task};
use crate::forge::{Forge, ForgeError, Found, KnownAs};
use crate::model::{
    ForgeMetrics, Job, JobKind, LastRun, Repository, RepositoryId, RepositoryMetrics, RepositoryStatus, Requester,
    RunStatus,
};
use crate::store::query::{Filter, MetricsRecord, Operator, Repositories, RepositoryField, RepositoryRecord};

/// A forge that was asked so long ago, in milliseconds, need not be asked again before a fetch.
const JUST_ASKED_MS: i64 = 600_000;
const HOUR_MS: i64 = 3_600_000;
/// Repositories that are written together where no forge is asked.
const BATCH: usize = 100;

/// What a forge said of a repository, ready to be noted.
enum Said {
    Here(Box<Seen>),
    Gone,
    /// It knows no such repository, and never did.
    Stranger(String),
    Failed(String),
}

/// What a visit found out.
#[derive(Clone, Copy, Default)]
struct News {
    /// The newest push, in seconds since 1970.
    pushed_at: Option<i64>,
    /// There is something to fetch.
    to_fetch: bool,
}

impl Pipeline {
    /// Visits one repository.
    pub(super) async fn sync_one<F: Forge>(
        &self,
        forges: &[F],
        id: RepositoryId,
        job: &Job,
        task: &Task,
    ) -> Result<Ended, PipelineError> {
        let began_ms = Utc::now().timestamp_millis();
        let record = self.record(id).await?;
        if record.status() == RepositoryStatus::Blocked {
            return Err(PipelineError::Blocked(record.full_name));
        }
        let news = match forge_of(forges, &record) {
            Some(forge) => match self.just_said(&record, job).await? {
                Some(pushed_at) => News { pushed_at, to_fetch: true },
                None => {
                    let visit = self.visit(forges, forge, std::slice::from_ref(&record));
                    let Some(visited) = task.unless_stopped(visit).await else { return Ok(Ended::Stopped) };
                    match visited {
                        Ok(news) => news.get(&id).copied().ok_or_else(|| no_answer(forge))?,
                        Err(error) => return Err(self.failed_visit(&record, error).await?),
                    }
                }
            },
            None => News { pushed_at: None, to_fetch: true },
        };
        let record = self.record(id).await?;
        let is_outdated = is_outdated(&record);
        let is_fetched = match record.status() {
            RepositoryStatus::Pending | RepositoryStatus::Active => news.to_fetch || job.arguments.fetch,
            // Only of a place without a forge: it may be there again.
            RepositoryStatus::Gone => news.to_fetch,
            RepositoryStatus::PendingApproval | RepositoryStatus::Blocked => false,
        };
        if is_fetched {
            self.fetch(&record, news.pushed_at, task).await?;
        } else if let Some(reason) = record.sync_error.filter(|_| record.last_sync_at >= Some(began_ms)) {
            return Err(PipelineError::NotVisited(reason));
        } else if is_outdated {
            follow_up(task, JobKind::Scan, id, false);
        }
        Ok(Ended::DONE)
    }

    /// Visits those that are due, the most overdue first, or all. What is to be fetched is asked for on its own.
    pub(super) async fn sync_due<F: Forge>(
        &self,
        forges: &[F],
        job: &Job,
        task: &Task,
    ) -> Result<Ended, PipelineError> {
        let due = self.due(job).await?;
        let total = due.len() as u64;
        let mut done = 0;
        for (forge, records) in by_forge(forges, due) {
            let size = forge.map_or(BATCH, |forge| forge.batch_size().max(1));
            for batch in records.chunks(size) {
                let message = format!("visiting {}", forge.map_or("places without a forge", Forge::host));
                task.progress(done, total, "repositories", &message);
                let Some(visited) = task.unless_stopped(self.visit_batch(forges, forge, batch, task)).await else {
                    return Ok(Ended::Stopped);
                };
                visited?;
                done += batch.len() as u64;
            }
        }
        task.progress(done, total, "repositories", "");
        Ok(Ended::DONE)
    }

    async fn visit_batch<F: Forge>(
        &self,
        forges: &[F],
        forge: Option<&F>,
        batch: &[RepositoryRecord],
        task: &Task,
    ) -> Result<(), PipelineError> {
        let Some(forge) = forge else {
            // Each is fetched on its own; until then it is not due again.
            let now_ms = Utc::now().timestamp_millis();
            let ids: Vec<RepositoryId> = batch.iter().map(|record| RepositoryId(record.id)).collect();
            let postpone = |repository: &mut Repository| {
                repository.next_sync_at_ms = Some(next_try(now_ms, repository.id, waited(repository), &self.sync));
                None
            };
            self.change(&ids, postpone).await?;
            ids.iter().for_each(|id| follow_up(task, JobKind::Sync, *id, true));
            return Ok(());
        };
        let news = self.visit(forges, forge, batch).await.map_err(|error| no_network(forge, error))?;
        for record in batch {
            let id = RepositoryId(record.id);
            if news.get(&id).is_some_and(|news| news.to_fetch) {
                follow_up(task, JobKind::Sync, id, true);
            } else if is_outdated(record) {
                follow_up(task, JobKind::Scan, id, false);
            }
        }
        Ok(())
    }

    /// The repositories to visit, the most overdue first.
    async fn due(&self, job: &Job) -> Result<Vec<RepositoryRecord>, PipelineError> {
        let blocked = Operator::NotEqual(RepositoryStatus::Blocked.as_str().to_owned());
        let filter = Filter::default().and(RepositoryField::Status, blocked);
        let all = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
        let now_ms = Utc::now().timestamp_millis();
        let is_due = |record: &&RepositoryRecord| match job.arguments.all {
            // Those that it came to before it was parked are done.
            true => record.last_sync_at.is_none_or(|time| time < job.created_at_ms),
            false => record.next_sync_at.is_none_or(|time| time <= now_ms),
        };
        let mut due: Vec<RepositoryRecord> = all.iter().filter(is_due).cloned().collect();
        due.sort_by_key(|record| (record.next_sync_at, record.discovered_at, record.id));
        if matches!(job.requested_by, Requester::Clock(_)) {
            let is_recent = |record: &&RepositoryRecord| record.last_sync_at.is_some_and(|at| at > now_ms - HOUR_MS);
            let counted = all.iter().filter(is_recent).count();
            due.truncate(self.visits.take(due.len(), self.sync.per_hour, counted, now_ms));
        }
        Ok(due)
    }

    /// When another job has just had an answer of the forge and asks for the fetch alone: the newest push, in seconds since 1970.
    async fn just_said(&self, record: &RepositoryRecord, job: &Job) -> Result<Option<Option<i64>>, PipelineError> {
        if !(job.arguments.fetch && matches!(job.requested_by, Requester::Job(_)) && record.forge_id().is_some()) {
            return Ok(None);
        }
        let inputs = self.inputs(&[RepositoryId(record.id)]).await?;
        let newest = Utc::now().timestamp_millis() - JUST_ASKED_MS;
        let snapshot = inputs.metrics.get(&record.id).filter(|snapshot| snapshot.recorded_at > newest);
        Ok(snapshot.map(|snapshot| snapshot.pushed_at))
    }

    /// Asks a forge about repositories of it, at most a batch, and notes what it says.
    async fn visit<F: Forge>(
        &self,
        forges: &[F],
        forge: &F,
        batch: &[RepositoryRecord],
    ) -> Result<HashMap<RepositoryId, News>, PipelineError> {
        let found = ask(forge, batch).await?;
        let mut here = Vec::new();
        let mut said: HashMap<RepositoryId, Said> = HashMap::new();
        for (record, found) in batch.iter().zip(found) {
            let id = RepositoryId(record.id);
            match found {
                Found::Here(repository) => here.push((id, *repository)),
                Found::Gone if record.forge_id().is_some() => drop(said.insert(id, Said::Gone)),
                Found::Gone => {
                    let reason = format!("{} does not know it, or shows it to others only", forge.host());
                    said.insert(id, Said::Stranger(reason));
                }
                Found::Unknown => {}
            }
        }
        let (ids, repositories): (Vec<RepositoryId>, Vec<_>) = here.into_iter().unzip();
        let seen = Seen::identify(repositories, hosts(forges)).await?;
        for (id, seen) in ids.into_iter().zip(seen) {
            let said_of_it = match seen {
                Some(seen) => self.settled(id, seen, batch).await?,
                None => Said::Failed(format!("{} gives no URL to clone it from", forge.host())),
            };
            said.insert(id, said_of_it);
        }
        self.note(batch, said).await
    }

    /// Makes the names of a repository mean it, unless it turns out to be another one.
    async fn settled(&self, id: RepositoryId, seen: Seen, batch: &[RepositoryRecord]) -> Result<Said, PipelineError> {
        let Some(record) = batch.iter().find(|record| record.id == id.0) else { return Ok(Said::Gone) };
        if seen.repository.is_private && !self.may_be_private(record) {
            return Ok(Said::Gone);
        }
        let meanings: Meanings = self.meanings(seen.names.aliases.clone()).await?;
        let by_forge = seen.repository.id.as_ref().and_then(|id| meanings.get(&id.alias()).copied());
        if let Some(other) = by_forge.filter(|other| *other != id)
            && let Some(other) = self.records(&[other]).await?.first()
        {
            let error = PipelineError::Twice { name: record.full_name.clone(), other: other.full_name.clone() };
            return Ok(Said::Failed(error.to_string()));
        }
        self.settle(id, &seen.names, &meanings).await?;
        Ok(Said::Here(Box::new(seen)))
    }

    /// Whether a repository was asked for although it might be private: by its name in the configuration, or by hand.
    fn may_be_private(&self, record: &RepositoryRecord) -> bool {
        let is_named = |name: &String| name.eq_ignore_ascii_case(&record.full_name);
        self.discovery.repositories.iter().any(is_named)
            || record.discovery_tags.iter().any(|tag| tag == BY_HAND || tag == super::discover::LIST)
    }

    /// Stores what a forge said of a batch.
    async fn note(
        &self,
        batch: &[RepositoryRecord],
        mut said: HashMap<RepositoryId, Said>,
    ) -> Result<HashMap<RepositoryId, News>, PipelineError> {
        let ids: Vec<RepositoryId> = batch.iter().map(|record| RepositoryId(record.id)).collect();
        let inputs = self.inputs(&ids).await?;
        let now_ms = Utc::now().timestamp_millis();
        let records: HashMap<RepositoryId, &RepositoryRecord> =
            batch.iter().map(|record| (RepositoryId(record.id), record)).collect();
        let mut all = HashMap::new();
        let change = |repository: &mut Repository| {
            let record = records.get(&repository.id)?;
            let Some(said) = said.remove(&repository.id) else {
                // Without an answer, it is not asked about at once again; what is known of its last visit stays.
                repository.next_sync_at_ms = Some(next_try(now_ms, repository.id, None, &self.sync));
                return None;
            };
            let (news, metrics) = self.noted(repository, record, said, &inputs, now_ms);
            all.insert(repository.id, news);
            metrics
        };
        self.change(&ids, change).await?;
        Ok(all)
    }

    fn noted(
        &self,
        repository: &mut Repository,
        record: &RepositoryRecord,
        said: Said,
        inputs: &Inputs,
        now_ms: i64,
    ) -> (News, Option<RepositoryMetrics>) {
        let mut ended = LastRun { status: RunStatus::Succeeded, at_ms: Some(now_ms), error: None };
        // Git may reach what the forge does not tell of.
        let to_fetch = matches!(said, Said::Stranger(_)) && repository.status != RepositoryStatus::Blocked;
        let (news, metrics, next) = match said {
            Said::Here(seen) => {
                seen.describe(repository);
                let metrics = &seen.repository.metrics;
                repository.status = self.status_of(repository, metrics, record.generation > 0);
                repository.quality = inputs.quality(record, Some((metrics.stars, metrics.pushed_at)));
                let before = inputs.metrics.get(&record.id);
                let snapshot = snapshot(repository.id, metrics, before, record.resources, now_ms);
                let pushed_at = metrics.pushed_at;
                let news = News { pushed_at, to_fetch: self.is_to_be_fetched(repository, record, pushed_at) };
                let next = next_visit(now_ms, &visited(record, repository, pushed_at), &self.sync);
                (news, Some(snapshot), next)
            }
            Said::Gone => {
                if repository.status != RepositoryStatus::Blocked {
                    repository.status = RepositoryStatus::Gone;
                }
                (News::default(), None, next_visit(now_ms, &visited(record, repository, None), &self.sync))
            }
            Said::Failed(reason) | Said::Stranger(reason) => {
                let next = next_try(now_ms, repository.id, waited(repository), &self.sync);
                ended = LastRun { status: RunStatus::Failed, error: Some(reason), ..ended };
                (News { pushed_at: None, to_fetch }, None, next)
            }
        };
        repository.sync = ended;
        repository.next_sync_at_ms = Some(next);
        (news, metrics)
    }

    /// The status of a repository that its forge has: too large ones wait for approval before their first fetch.
    pub(super) fn status_of(
        &self,
        repository: &Repository,
        metrics: &ForgeMetrics,
        is_scanned: bool,
    ) -> RepositoryStatus {
        let is_large = metrics.size_kb > self.discovery.approval_size_kb && !repository.is_approved;
        match repository.status {
            RepositoryStatus::Blocked => RepositoryStatus::Blocked,
            RepositoryStatus::Active => RepositoryStatus::Active,
            _ if is_large && !is_scanned => RepositoryStatus::PendingApproval,
            _ => scanned_status(is_scanned),
        }
    }

    /// Whether something was pushed since the last fetch. A mirror that was removed for its size does not come back for nothing.
    fn is_to_be_fetched(&self, repository: &Repository, record: &RepositoryRecord, pushed_at: Option<i64>) -> bool {
        let is_visited = matches!(repository.status, RepositoryStatus::Pending | RepositoryStatus::Active);
        is_visited && (record.generation == 0 || pushed_at.is_none() || pushed_at != self.fetched_push(repository.id))
    }

    /// Records that a forge could not be asked about a repository, unless that has nothing to do with it.
    async fn failed_visit(
        &self,
        record: &RepositoryRecord,
        error: PipelineError,
    ) -> Result<PipelineError, PipelineError> {
        if !matches!(error, PipelineError::Forge(ForgeError::OutOfBudget { .. })) {
            self.end_sync(record, Err(&error), None, None).await?;
        }
        Ok(error)
    }
}

/// The answers about a batch, in its order: of those whose id is known in one question, of the others one by one.
async fn ask<F: Forge>(forge: &F, batch: &[RepositoryRecord]) -> Result<Vec<Found>, ForgeError> {
    let known_as = |record: &RepositoryRecord| {
        let id = record.forge_id()?;
        let node_id = Some(record.node_id.clone()).filter(|id| !id.is_empty());
        Some(KnownAs { id, node_id, full_name: record.full_name.clone() })
    };
    let known: Vec<KnownAs> = batch.iter().filter_map(known_as).collect();
    let answers = if known.is_empty() { Vec::new() } else { forge.repositories(&known).await? };
    let mut answers = answers.into_iter();
    let mut found = Vec::with_capacity(batch.len());
    for record in batch {
        found.push(match record.forge_id() {
            Some(_) => answers.next().unwrap_or(Found::Unknown),
            None => forge.repository(&record.full_name).await?,
        });
    }
    Ok(found)
}

/// A snapshot. What an answer does not tell stays as it was.
pub(super) fn snapshot(
    repository: RepositoryId,
    metrics: &ForgeMetrics,
    before: Option<&MetricsRecord>,
    resource_count: u64,
    now_ms: i64,
) -> RepositoryMetrics {
    RepositoryMetrics {
        repository,
        recorded_at_ms: now_ms,
        stars: metrics.stars,
        forks: metrics.forks,
        watchers: metrics.watchers.unwrap_or_else(|| before.map_or(0, |before| before.watchers)),
        open_issues: metrics.open_issues,
        size_kb: metrics.size_kb,
        resource_count,
        languages: metrics
            .languages
            .clone()
            .unwrap_or_else(|| before.map_or_else(Vec::new, |before| before.languages.clone())),
        pushed_at: metrics.pushed_at,
        updated_at: metrics.updated_at,
    }
}

/// The forge that knows a repository; of a place on this machine there is nothing to ask.
fn forge_of<'a, F: Forge>(forges: &'a [F], record: &RepositoryRecord) -> Option<&'a F> {
    forges.iter().find(|forge| forge.host() == record.forge && forge.host() != super::discover::LOCAL)
}

/// Repositories by the forge that knows them, in their order.
fn by_forge<F: Forge>(forges: &[F], records: Vec<RepositoryRecord>) -> Vec<(Option<&F>, Vec<RepositoryRecord>)> {
    let mut groups: Vec<(Option<&F>, Vec<RepositoryRecord>)> = Vec::new();
    for record in records {
        let forge = forge_of(forges, &record);
        let host = forge.map(Forge::host);
        match groups.iter_mut().find(|(known, _)| known.map(Forge::host) == host) {
            Some((_, group)) => group.push(record),
            None => groups.push((forge, vec![record])),
        }
    }
    groups
}

fn no_answer<F: Forge>(forge: &F) -> PipelineError {
    let reason = "it gave no answer about this repository".to_owned();
    ForgeError::Unexpected { forge: forge.host().to_owned(), reason }.into()
}

/// A forge that does not answer at all is told of with what to do about it.
pub(super) fn no_network<F: Forge>(forge: &F, error: PipelineError) -> PipelineError {
    match error {
        PipelineError::Forge(ForgeError::Unreachable { reason, .. }) => {
            PipelineError::NoNetwork { forge: forge.host().to_owned(), reason }
        }
        error => error,
    }
}
