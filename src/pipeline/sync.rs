//! Visits repositories: a snapshot of what their forge says of them, and a fetch where something was pushed.

use std::collections::HashMap;

use chrono::Utc;

use super::aggregate::Inputs;
use super::asking::{ask, by_forge, forge_of, no_network};
use super::fetch::visited;
use super::identity::{BY_HAND, Meanings, Seen, hosts, scanned_status};
use super::mirrors::Fetched;
use super::rhythm::{next_try, next_visit};
use super::work::{Ended, follow_up};
use super::{Pipeline, PipelineError, Task};
use crate::forge::{Answers, Forge, ForgeError, Found};
use crate::model::{
    ForgeMetrics, Job, JobKind, LastRun, LogLevel, Repository, RepositoryId, RepositoryMetrics, RepositoryStatus,
    Requester, RunStatus,
};
use crate::store::query::{Filter, Operator, Repositories, RepositoryField, RepositoryRecord};

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

/// What a visit found out about one repository.
#[derive(Clone, Copy, Default)]
struct News {
    /// The newest push, in seconds since 1970.
    pushed_at: Option<i64>,
    /// There is something to fetch.
    to_fetch: bool,
}

/// How a visit of several ended.
struct Visit {
    /// About those that were asked about.
    news: HashMap<RepositoryId, News>,
    /// Why the forge was asked no further.
    ended: Result<(), ForgeError>,
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
        let mut record = self.record(id).await?;
        if record.status() == RepositoryStatus::Blocked {
            return Err(PipelineError::Blocked(record.full_name));
        }
        let news = match (forge_of(forges, &record), just_said(&record, job)) {
            (Some(_), Some(pushed_at)) => News { pushed_at, to_fetch: true },
            (Some(forge), None) => {
                let visit = self.visit(forges, forge, std::slice::from_ref(&record), task);
                let Some(visited) = task.unless_stopped(visit).await else { return Ok(Ended::Stopped) };
                let Visit { news, ended } = visited?;
                record = self.record(id).await?;
                match (news.get(&id), ended) {
                    (Some(news), _) => *news,
                    (None, Ok(())) => News::default(),
                    (None, Err(error)) => self.not_asked(&record, error, job, task).await?,
                }
            }
            (None, _) => News { pushed_at: None, to_fetch: true },
        };
        let is_fetched = match record.status() {
            RepositoryStatus::Pending | RepositoryStatus::Active => news.to_fetch || job.arguments.fetch,
            // Only of a place without a forge: it may be there again.
            RepositoryStatus::Gone => news.to_fetch,
            RepositoryStatus::PendingApproval | RepositoryStatus::Blocked => false,
        };
        if is_fetched {
            self.fetch(&record, news.pushed_at, task).await?;
        } else if let Some(reason) = record.sync_error.clone().filter(|_| record.last_sync_at >= Some(began_ms)) {
            return Err(PipelineError::NotVisited(reason));
        } else if self.is_unscanned(&record) {
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
                let visit = self.visit_batch(forges, forge, batch, job, task);
                let Some(visited) = task.unless_stopped(visit).await else { return Ok(Ended::Stopped) };
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
        job: &Job,
        task: &Task,
    ) -> Result<(), PipelineError> {
        let Some(forge) = forge else {
            // Each is fetched on its own; until then it is not due again.
            let now_ms = Utc::now().timestamp_millis();
            let ids: Vec<RepositoryId> = batch.iter().map(|record| RepositoryId(record.id)).collect();
            let postpone = |repository: &mut Repository| {
                let failed = repository.failed_syncs.max(1);
                repository.next_sync_at_ms = Some(next_try(now_ms, repository.id, failed, &self.sync));
                None
            };
            self.change(&ids, postpone).await?;
            self.count_visits(job, ids.len());
            ids.iter().for_each(|id| follow_up(task, JobKind::Sync, *id, true));
            return Ok(());
        };
        let Visit { news, ended } = self.visit(forges, forge, batch, task).await?;
        self.count_visits(job, news.len());
        for record in batch {
            let id = RepositoryId(record.id);
            match news.get(&id) {
                Some(news) if news.to_fetch => follow_up(task, JobKind::Sync, id, true),
                Some(_) if self.is_unscanned(record) => follow_up(task, JobKind::Scan, id, false),
                _ => {}
            }
        }
        ended.map_err(|error| no_network(forge, error))
    }

    /// Only the clock has a number of visits: whoever asks for one gets it.
    fn count_visits(&self, job: &Job, made: usize) {
        if matches!(job.requested_by, Requester::Clock(_)) {
            self.visits.count(made, Utc::now().timestamp_millis());
        }
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
            self.visits.begin(all.iter().filter_map(|record| record.last_sync_at));
            due.truncate(self.visits.left(self.sync.per_hour, now_ms));
        }
        Ok(due)
    }

    /// What becomes of a visit whose forge could not be asked. Git answers without it: a fetch that was asked for does not wait for its
    /// budget, where the size of the repository is known.
    async fn not_asked(
        &self,
        record: &RepositoryRecord,
        error: ForgeError,
        job: &Job,
        task: &Task,
    ) -> Result<News, PipelineError> {
        let is_out_of_budget = matches!(error, ForgeError::OutOfBudget { .. });
        if is_out_of_budget && job.arguments.fetch && record.forge_id().is_some() {
            task.log(LogLevel::Info, format!("{error}: it is fetched without a snapshot of its metrics"));
            return Ok(News { pushed_at: None, to_fetch: true });
        }
        let error = PipelineError::from(error);
        if !is_out_of_budget {
            self.end_sync(record, Err(&error), None, None).await?;
        }
        Err(error)
    }

    /// Asks a forge about repositories of it, at most a batch, and notes what it says.
    async fn visit<F: Forge>(
        &self,
        forges: &[F],
        forge: &F,
        batch: &[RepositoryRecord],
        task: &Task,
    ) -> Result<Visit, PipelineError> {
        let Answers { found, ended } = ask(forge, batch).await;
        let mut here = Vec::new();
        let mut said: HashMap<RepositoryId, Said> = HashMap::new();
        let mut silent: Vec<String> = Vec::new();
        for (record, found) in batch.iter().zip(found) {
            let id = RepositoryId(record.id);
            match found {
                Some(Found::Here(repository)) => here.push((id, *repository)),
                Some(Found::Gone) if record.forge_id().is_some() => drop(said.insert(id, Said::Gone)),
                Some(Found::Gone) => {
                    let reason = format!("{} does not know it, or shows it to others only", forge.host());
                    said.insert(id, Said::Stranger(reason));
                }
                Some(Found::Unknown(reason)) => {
                    silent.push(format!("{}: {reason}", record.full_name));
                    said.insert(id, Said::Failed(reason));
                }
                None => {}
            }
        }
        if let Some(first) = silent.first() {
            let (number, all) = (silent.len(), batch.len());
            task.log(LogLevel::Warn, format!("{number} of {all} repositories were not told of; {first}"));
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
        Ok(Visit { news: self.note(batch, said).await?, ended })
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
    pub(super) fn may_be_private(&self, record: &RepositoryRecord) -> bool {
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
        let ids: Vec<RepositoryId> = said.keys().copied().collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let inputs = self.inputs(&self.reader.snapshot().await?, &ids).await?;
        let now_ms = Utc::now().timestamp_millis();
        let records: HashMap<RepositoryId, &RepositoryRecord> =
            batch.iter().map(|record| (RepositoryId(record.id), record)).collect();
        let mut all = HashMap::new();
        let change = |repository: &mut Repository| {
            let record = records.get(&repository.id)?;
            let said = said.remove(&repository.id)?;
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
        let (news, metrics, error) = match said {
            Said::Here(seen) => {
                seen.describe(repository);
                let metrics = &seen.repository.metrics;
                repository.status = self.status_of(repository, metrics, record.generation > 0);
                repository.quality =
                    inputs.quality(record, &repository.profile, Some((metrics.stars, metrics.pushed_at)));
                let resources = (record.generation > 0).then_some(record.resources);
                let snapshot = snapshot(repository.id, metrics, repository.metrics.as_ref(), resources, now_ms);
                let pushed_at = metrics.pushed_at;
                let to_fetch = self.is_to_be_fetched(repository, pushed_at);
                (News { pushed_at, to_fetch }, Some(snapshot), None)
            }
            Said::Gone => {
                if repository.status != RepositoryStatus::Blocked {
                    repository.status = RepositoryStatus::Gone;
                }
                (News::default(), None, None)
            }
            // Git may reach what the forge does not tell of.
            Said::Stranger(reason) => {
                let to_fetch = repository.status != RepositoryStatus::Blocked;
                (News { pushed_at: None, to_fetch }, None, Some(reason))
            }
            Said::Failed(reason) => (News::default(), None, Some(reason)),
        };
        let next = match &error {
            Some(_) => next_try(now_ms, repository.id, repository.failed_syncs + 1, &self.sync),
            None => next_visit(now_ms, &visited(record, repository, news.pushed_at), &self.sync),
        };
        repository.next_sync_at_ms = Some(next);
        repository.sync.at_ms = Some(now_ms);
        // How a fetch ends is known, and counted, at its end.
        if error.is_some() || !news.to_fetch {
            let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Succeeded };
            repository.sync = LastRun { status, at_ms: Some(now_ms), error };
        }
        if !news.to_fetch {
            let has_failed = repository.sync.status == RunStatus::Failed;
            repository.failed_syncs = if has_failed { repository.failed_syncs + 1 } else { 0 };
        }
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

    /// Whether something was pushed, or another branch became the default one, since the last fetch. A mirror that was removed for its size
    /// does not come back for nothing.
    fn is_to_be_fetched(&self, repository: &Repository, pushed_at: Option<i64>) -> bool {
        let is_visited = matches!(repository.status, RepositoryStatus::Pending | RepositoryStatus::Active);
        let branch = &repository.profile.default_branch;
        let is_as_fetched = |fetched: Fetched| fetched.pushed_at == pushed_at && fetched.branch == *branch;
        is_visited && (pushed_at.is_none() || !self.fetched(repository.id).is_some_and(is_as_fetched))
    }
}

/// When another job had an answer of the forge and asks for the fetch alone: the newest push of that answer, in seconds since 1970.
fn just_said(record: &RepositoryRecord, job: &Job) -> Option<Option<i64>> {
    let is_told = job.arguments.fetch && matches!(job.requested_by, Requester::Job(_)) && record.forge_id().is_some();
    record.metrics().filter(|_| is_told).map(|snapshot| snapshot.pushed_at)
}

/// A snapshot. What an answer does not tell stays as it was.
pub(super) fn snapshot(
    repository: RepositoryId,
    metrics: &ForgeMetrics,
    before: Option<&RepositoryMetrics>,
    resource_count: Option<u64>,
    now_ms: i64,
) -> RepositoryMetrics {
    RepositoryMetrics {
        repository,
        recorded_at_ms: now_ms,
        stars: metrics.stars,
        forks: metrics.forks,
        watchers: metrics.watchers.or(before.and_then(|before| before.watchers)),
        open_issues: metrics.open_issues,
        size_kb: metrics.size_kb,
        resource_count,
        languages: metrics.languages.clone().or_else(|| before?.languages.clone()),
        pushed_at: metrics.pushed_at,
        updated_at: metrics.updated_at,
    }
}
