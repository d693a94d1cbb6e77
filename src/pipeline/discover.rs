//! Finds repositories: asks forges for what matches searches, and takes in what is new.

mod take_in;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use chrono::Utc;
use uuid::Uuid;

use self::take_in::{Counted, Finding};
use super::asking::no_network;
use super::identity::hosts;
use super::rhythm::{QueryRun, due_at};
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::forge::{Forge, ForgeError, Found, LOCAL, Pages, SearchOutcome, SearchQuery, Searched};
use crate::model::{ForgeRepository, Job, LogLevel};
use crate::store::DiscoveryRun;
use crate::store::query::{DiscoveryRunRecord, DiscoveryRuns, Filter, Operator, Repositories, RepositoryField};

/// The query, and the tag, of repositories that the configuration names one by one.
pub(super) const LIST: &str = "list";
/// Runs of a query that are looked at to tell when it is due: more than it takes to rest the longest, failures in between.
const MOST_RUNS: u32 = 50;

/// What one forge is asked.
struct Search<'a, F> {
    forge: &'a F,
    expression: String,
    /// The names of [`LIST`] instead of an expression.
    is_list: bool,
    limit: Option<u64>,
}

/// How a search ended. What it found until then stands.
struct Done {
    outcome: SearchOutcome,
    counted: Counted,
    ended: Result<(), PipelineError>,
}

/// Takes in the pages of a search as they come.
struct Taking<'a> {
    pipeline: &'a Pipeline,
    finding: Finding,
    task: &'a Task,
    /// Why a page could not be taken in.
    failed: Option<PipelineError>,
}

impl Pages for Taking<'_> {
    async fn take(&mut self, page: Vec<ForgeRepository>) -> ControlFlow<()> {
        match self.pipeline.take_in(&mut self.finding, page, self.task).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl Pipeline {
    /// Runs the searches that are due, or those that the job names. A search that fails leaves the others alone; a forge that cannot
    /// be asked at all is asked no more.
    pub(super) async fn discover<F: Forge>(
        &self,
        forges: &[F],
        job: &Job,
        task: &Task,
    ) -> Result<Ended, PipelineError> {
        let searches = self.searches(forges, job).await?;
        let total = searches.len() as u64;
        let mut failures: Vec<(String, PipelineError)> = Vec::new();
        let mut bad = 0;
        for (done, search) in searches.iter().enumerate() {
            let host = search.forge.host();
            if failures.iter().any(|(failed, _)| failed == host) {
                continue;
            }
            task.progress(done as u64, total, "queries", &search.expression);
            let Some(done) = task.unless_stopped(self.search(forges, search, job, task)).await else {
                return Ok(Ended::Stopped);
            };
            let done = done?;
            self.record_run(search, job, &done).await?;
            let sentence = done.sentence(search);
            match done.ended {
                Ok(()) => task.log(LogLevel::Info, sentence),
                Err(PipelineError::Forge(error @ ForgeError::BadQuery { .. })) => {
                    task.log(LogLevel::Warn, error.to_string());
                    bad += 1;
                    if bad == searches.len() {
                        return Err(error.into());
                    }
                }
                // What was found of it stands. One that ran out of budget goes on where it was.
                Err(error @ (PipelineError::Forge(_) | PipelineError::NoNetwork { .. })) => {
                    if let (PipelineError::Forge(ForgeError::OutOfBudget { .. }), Some(advice)) =
                        (&error, search.forge.advice())
                    {
                        task.log(LogLevel::Info, advice);
                    }
                    failures.push((host.to_owned(), error));
                }
                Err(error) => return Err(error),
            }
        }
        task.progress(total, total, "queries", "");
        match failures.into_iter().next() {
            Some((_, error)) => {
                // Once is enough: further attempts find the same.
                if matches!(error, PipelineError::NoNetwork { .. }) && job.attempts <= 1 {
                    tracing::warn!("{error}");
                }
                Err(error)
            }
            None => Ok(Ended::DONE),
        }
    }

    /// What is to be asked now. A job that goes on, after a pause or a failure, leaves out what it has done.
    async fn searches<'a, F: Forge>(&self, forges: &'a [F], job: &Job) -> Result<Vec<Search<'a, F>>, PipelineError> {
        let runs = self.reader.now(&DiscoveryRuns { from_ms: 0, of_each: MOST_RUNS, limit: u32::MAX }).await?;
        let mut by_query: HashMap<(&str, &str), Vec<&DiscoveryRunRecord>> = HashMap::new();
        for run in &runs {
            by_query.entry((&run.forge, &run.query)).or_default().push(run);
        }
        let now_ms = Utc::now().timestamp_millis();
        let is_by_name = !job.arguments.queries.is_empty();
        let mut searches = Vec::new();
        for forge in forges {
            let is_local = forge.host() == LOCAL;
            let expressions: Vec<&String> = match (is_by_name, is_local) {
                (true, _) => job.arguments.queries.iter().filter(|query| is_path(query) == is_local).collect(),
                (false, true) => self.discovery.local.iter().collect(),
                (false, false) => self.discovery.queries.iter().collect(),
            };
            let has_list = !is_by_name && !is_local && !self.discovery.repositories.is_empty();
            let list = has_list.then_some((LIST, true));
            for (expression, is_list) in expressions.into_iter().map(|text| (text.as_str(), false)).chain(list) {
                let known: &[_] = by_query.get(&(forge.host(), expression)).map_or(&[], Vec::as_slice);
                let is_done = known.iter().any(|run| run.job_id == job.id.0 && run.error.is_none());
                let history: Vec<QueryRun> = known.iter().map(|run| query_run(run)).collect();
                if is_done || !(is_by_name || is_local || is_list || due_at(&history) <= now_ms) {
                    continue;
                }
                let is_first = history.iter().all(|run| run.has_failed);
                let limit = self.discovery.first_run_limit.filter(|_| is_first && !is_by_name && !is_local);
                searches.push(Search { forge, expression: expression.to_owned(), is_list, limit });
            }
        }
        Ok(searches)
    }

    /// Runs one search. Each page is taken in before the next one is asked for.
    async fn search<F: Forge>(
        &self,
        forges: &[F],
        search: &Search<'_, F>,
        job: &Job,
        task: &Task,
    ) -> Result<Done, PipelineError> {
        let (host, query) = (search.forge.host(), search.expression.as_str());
        let tag = if host == LOCAL { LOCAL } else { query };
        let names = [host, query, tag];
        let finding = Finding::begin(&self.reader, hosts(forges), names, search.is_list, job.created_at_ms).await?;
        let mut taking = Taking { pipeline: self, finding, task, failed: None };
        let Searched { outcome, ended } = match search.is_list {
            true => self.named(search.forge, &mut taking, task).await?,
            false => {
                let (expression, forks) = (search.expression.clone(), self.discovery.forks);
                search.forge.search(&SearchQuery { expression, forks, limit: search.limit }, &mut taking).await
            }
        };
        match taking.failed {
            Some(error) => Err(error),
            None => {
                let ended = ended.map_err(|error| no_network(search.forge, error));
                Ok(Done { outcome, counted: taking.finding.counted, ended })
            }
        }
    }

    /// Asks for the repositories that the configuration names. Those that are known by these names are left out: visits tell of them, and
    /// a long list would use up the budget of a forge each time before its end. What goes wrong with one says nothing of the others.
    async fn named<F: Forge, P: Pages>(
        &self,
        forge: &F,
        pages: &mut P,
        task: &Task,
    ) -> Result<Searched, PipelineError> {
        let known = self.listed(forge.host()).await?;
        let mut outcome = SearchOutcome::default();
        let names = self.discovery.repositories.iter();
        for name in names.filter(|name| !known.contains(&name.to_lowercase())) {
            outcome.requests += 1;
            let reason = match forge.repository(name).await {
                Ok(Found::Here(repository)) => {
                    if pages.take(vec![*repository]).await.is_break() {
                        break;
                    }
                    outcome.found += 1;
                    continue;
                }
                Ok(Found::Gone) => format!("{} does not know it, or shows it to others only", forge.host()),
                Ok(Found::Unknown(reason)) => reason,
                Err(error) if error.is_of_one() => error.to_string(),
                Err(error) => return Ok(Searched { outcome, ended: Err(error) }),
            };
            task.log(LogLevel::Warn, format!("{name}: {reason}"));
            outcome.is_incomplete = true;
        }
        Ok(Searched { outcome, ended: Ok(()) })
    }

    /// Which of the names of the configuration are known on a forge, also those that a repository had before; in small letters, since
    /// forges do not tell names apart by case.
    async fn listed(&self, host: &str) -> Result<HashSet<String>, PipelineError> {
        let filter = Filter::default()
            .and(RepositoryField::Forge, Operator::Equal(host.to_owned()))
            .and(RepositoryField::DiscoveryTags, Operator::HasAny(vec![LIST.to_owned()]));
        let records = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
        let ids: HashSet<Uuid> = records.iter().map(|record| record.id).collect();
        let alias = |name: &str| format!("https://{host}/{name}");
        let names: Vec<String> = self.discovery.repositories.iter().map(|name| name.to_lowercase()).collect();
        let meanings = self.meanings(names.iter().map(|name| alias(name)).collect()).await?;
        let is_meant = |name: &String| meanings.get(&alias(name)).is_some_and(|id| ids.contains(&id.0));
        let by_alias = names.into_iter().filter(is_meant);
        Ok(by_alias.chain(records.iter().map(|record| record.full_name.to_lowercase())).collect())
    }

    async fn record_run<F: Forge>(&self, search: &Search<'_, F>, job: &Job, done: &Done) -> Result<(), PipelineError> {
        let error = match &done.ended {
            // It has not ended.
            Err(PipelineError::Forge(ForgeError::OutOfBudget { .. })) => return Ok(()),
            ended => ended.as_ref().err().map(ToString::to_string),
        };
        let outcome = done.outcome;
        let run = DiscoveryRun {
            forge: search.forge.host().to_owned(),
            query: search.expression.clone(),
            ran_at_ms: Utc::now().timestamp_millis(),
            job: job.id,
            found: outcome.found,
            new: done.counted.new,
            requests: outcome.requests,
            is_incomplete: outcome.is_incomplete,
            is_limited: search.limit.is_some(),
            error,
        };
        Ok(self.writer.discovery_run(&run).await?)
    }
}

impl Done {
    fn sentence<F: Forge>(&self, search: &Search<'_, F>) -> String {
        let Counted { new, rejected, .. } = self.counted;
        let (found, host) = (self.outcome.found, search.forge.host());
        let more = if self.outcome.is_incomplete { "; there may be more" } else { "" };
        format!("{host}, {}: {found} found, {new} new, {rejected} not taken{more}", search.expression)
    }
}

fn query_run(run: &DiscoveryRunRecord) -> QueryRun {
    QueryRun { ran_at_ms: run.ran_at, new: run.new, is_limited: run.is_limited, has_failed: run.error.is_some() }
}

/// Whether a query of a job is for the local forge: an absolute path, which no search expression looks like.
fn is_path(query: &str) -> bool {
    query.starts_with('/')
}
