//! Questions about what is being done. What they answer with belongs to no version of the data.

use async_graphql::{Context, Error, ID, Object};

use super::caller::service;
use super::error::bad_input;
use super::filter::{Conditions, JobFilter};
use super::id::{self, NodeType};
use super::pagination::Arguments;
use super::scalars::DateTime;
use super::sight::present;
use super::types::{
    DiscoveryQueryStats, DiscoveryRun, Job, JobConnection, JobOrder, RateLimit, Schedule, Worker, job, job_connection,
};
use crate::store::query::{DiscoveryRuns, DiscoveryStats, MetricsBetween};

/// Rows of the longest list of runs.
const MAX_RUNS: i32 = 1_000;

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Jobs; the newest first unless the order says otherwise. The same for all processes on these data.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which jobs.")] filter: Option<JobFilter>,
        #[graphql(desc = "By what they are ordered; by default the time of the request, newest first.")]
        order_by: Option<Vec<JobOrder>>,
    ) -> Result<JobConnection, Error> {
        let filter = filter.unwrap_or_default().conditions()?;
        job_connection(context, Arguments { first, after, last, before }, filter, order_by).await
    }

    /// One job; null when it is stored no more.
    async fn job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Job>, Error> {
        job(context, Some(id::decode_as(NodeType::Job, &id)?)).await
    }

    /// What the server does by itself, and when. Only a server answers; so for `workers` and `rateLimits`.
    async fn schedules(&self, context: &Context<'_>) -> Result<Vec<Schedule>, Error> {
        present(context)?.note();
        Ok(service(context)?.clock.schedules().into_iter().map(Schedule).collect())
    }

    /// The workers of the server, and what they are at.
    async fn workers(&self, context: &Context<'_>) -> Result<Vec<Worker>, Error> {
        present(context)?.note();
        Ok(service(context)?.queue.workers().into_iter().map(Worker).collect())
    }

    /// What forges leave the server to ask, as they last said.
    async fn rate_limits(&self, context: &Context<'_>) -> Result<Vec<RateLimit>, Error> {
        present(context)?.note();
        Ok(service(context)?.queue.rate_limits().into_iter().map(RateLimit::from).collect())
    }

    /// The queries of discovery with what each of them yields, by forge and text.
    async fn discovery_stats(&self, context: &Context<'_>) -> Result<Vec<DiscoveryQueryStats>, Error> {
        let rows = present(context)?.fetch(&DiscoveryStats).await?;
        Ok(rows.iter().map(DiscoveryQueryStats::from).collect())
    }

    /// Runs of discovery's queries, newest first.
    async fn discovery_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only runs at or after this time.")] since: Option<DateTime>,
        #[graphql(desc = "The most runs, 1 to 1000.", default = 100)] first: i32,
    ) -> Result<Vec<DiscoveryRun>, Error> {
        let limit = u32::try_from(first).ok().filter(|_| (1..=MAX_RUNS).contains(&first));
        let limit =
            limit.ok_or_else(|| bad_input(format!("`first` is {first}; it has to be between 1 and {MAX_RUNS}")))?;
        let from_ms = since.map_or(0, |since| since.0.timestamp_millis().clamp(0, MetricsBetween::LAST_MS));
        let rows = present(context)?.fetch(&DiscoveryRuns { from_ms, of_each: limit, limit }).await?;
        Ok(rows.into_iter().map(DiscoveryRun).collect())
    }
}
