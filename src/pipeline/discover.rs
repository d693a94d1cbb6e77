//! Finds repositories: asks forges for what matches searches, and takes in what is new.

mod take_in;

use std::collections::HashMap;

use chrono::Utc;
use tokio::sync::mpsc;

use self::take_in::{Counted, Finding};
use super::identity::hosts;
use super::rhythm::{QueryRun, due_at};
use super::sync::no_network;
use super::work::Ended;
use super::{Pipeline, PipelineError, Task};
use crate::forge::{Forge, ForgeError, Found, SearchOutcome, SearchQuery};
use crate::model::{ForgeRepository, Job, LogLevel};
use crate::store::DiscoveryRun;
use crate::store::query::{
    DiscoveryRunRecord, DiscoveryRuns, Filter, Operator, Repositories, RepositoryField, RepositoryRecord,
};

/// The forge of folders and lists on this machine.
pub(super) const LOCAL: &str = "local";
/// The query, and the tag, of repositories that the configuration names one by one.
pub(super) const LIST: &str = "list";
/// Runs that are looked at to tell what is due.
const MOST_RUNS: u32 = 10_000;

/// What one forge is asked.
struct Search<'a, F> {
    forge: &'a F,
    expression: String,
    /// The names of [`LIST`] instead of an expression.
    is_list: bool,
    limit: Option<u64>,
}

/// How a search ended.
struct Done {
    outcome: SearchOutcome,
    counted: Counted,
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
            let Some(ended) = task.unless_stopped(self.search(forges, search, task)).await else {
                return Ok(Ended::Stopped);
            };
            self.record_run(search, job, &ended).await?;
            match ended {
                Ok(done) => task.log(LogLevel::Info, done.sentence(search)),
                Err(PipelineError::Forge(error @ ForgeError::BadQuery { .. })) => {
                    task.log(LogLevel::Warn, error.to_string());
                    bad += 1;
                    if bad == searches.len() {
                        return Err(error.into());
                    }
                }
                // What was found of it stands. One that ran out of budget goes on where it was.
                Err(error @ (PipelineError::Forge(_) | PipelineError::NoNetwork { .. })) => {
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
        let runs = self.reader.now(&DiscoveryRuns { from_ms: 0, limit: MOST_RUNS }).await?;
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

    /// Runs one search; pages are taken in while the next ones are asked for.
    async fn search<F: Forge>(&self, forges: &[F], search: &Search<'_, F>, task: &Task) -> Result<Done, PipelineError> {
        let (host, query) = (search.forge.host(), search.expression.as_str());
        let tag = if host == LOCAL { LOCAL } else { query };
        let mut finding = Finding::begin(&self.reader, hosts(forges), [host, query, tag], search.is_list).await?;
        let (sender, mut pages) = mpsc::unbounded_channel::<Vec<ForgeRepository>>();
        let asking = async move {
            let mut visit = |page: Vec<ForgeRepository>| {
                // Nobody listens any more only when taking in failed, and then this ends too.
                let _ = sender.send(page);
            };
            match search.is_list {
                true => self.named(search.forge, &mut visit, task).await,
                false => {
                    let expression = search.expression.clone();
                    let (forks, limit) = (self.discovery.forks, search.limit);
                    let query = SearchQuery { expression, pushed_since: None, forks, limit };
                    Ok(search.forge.search(&query, &mut visit).await?)
                }
            }
        };
        let taking = async {
            while let Some(page) = pages.recv().await {
                self.take_in(&mut finding, page, task).await?;
            }
            Ok::<_, PipelineError>(())
        };
        let (asked, taken) = tokio::join!(asking, taking);
        taken?;
        let outcome = asked.map_err(|error| no_network(search.forge, error))?;
        Ok(Done { outcome, counted: finding.counted })
    }

    /// Asks for the repositories that the configuration names. Those that are known by these names are left out: visits tell of them, and
    /// a long list would use up the budget of a forge each time before its end.
    async fn named<F: Forge>(
        &self,
        forge: &F,
        visit: &mut (dyn FnMut(Vec<ForgeRepository>) + Send),
        task: &Task,
    ) -> Result<SearchOutcome, PipelineError> {
        let names = Operator::In(self.discovery.repositories.clone());
        let filter = Filter::default()
            .and(RepositoryField::Forge, Operator::Equal(forge.host().to_owned()))
            .and(RepositoryField::FullName, names);
        let known = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
        let has_tag = |record: &RepositoryRecord| record.discovery_tags.iter().any(|tag| tag == LIST);
        let is_known = |name: &&String| known.iter().any(|record| record.full_name == **name && has_tag(record));
        let mut outcome = SearchOutcome::default();
        for name in self.discovery.repositories.iter().filter(|name| !is_known(name)) {
            outcome.requests += 1;
            match forge.repository(name).await? {
                Found::Here(repository) => {
                    outcome.found += 1;
                    visit(vec![*repository]);
                }
                Found::Gone => {
                    let text = format!("{name}: {} does not know it, or shows it to others only", forge.host());
                    task.log(LogLevel::Warn, text);
                }
                Found::Unknown => outcome.is_incomplete = true,
            }
        }
        Ok(outcome)
    }

    async fn record_run<F: Forge>(
        &self,
        search: &Search<'_, F>,
        job: &Job,
        ended: &Result<Done, PipelineError>,
    ) -> Result<(), PipelineError> {
        let (outcome, new, error) = match ended {
            Ok(done) => (done.outcome, done.counted.new, None),
            // It has not ended.
            Err(PipelineError::Forge(ForgeError::OutOfBudget { .. })) => return Ok(()),
            Err(error @ (PipelineError::Forge(_) | PipelineError::NoNetwork { .. })) => {
                (SearchOutcome::default(), 0, Some(error.to_string()))
            }
            Err(_) => return Ok(()),
        };
        let run = DiscoveryRun {
            forge: search.forge.host().to_owned(),
            query: search.expression.clone(),
            ran_at_ms: Utc::now().timestamp_millis(),
            job: job.id,
            found: outcome.found,
            new,
            requests: outcome.requests,
            is_incomplete: outcome.is_incomplete,
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
    QueryRun { ran_at_ms: run.ran_at, new: run.new, has_failed: run.error.is_some() }
}

/// Whether a query of a job is for the local forge: an absolute path, which no search expression looks like.
fn is_path(query: &str) -> bool {
    query.starts_with('/')
}
