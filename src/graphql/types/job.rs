//! Jobs: what is to be done, is being done, and was done.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Object, SimpleObject};

use super::Repository;
use crate::graphql::duration::Duration;
use crate::graphql::error::bad_input;
use crate::graphql::id::{self, NodeType};
use crate::graphql::loaders::JobLogKey;
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, present};
use crate::model::{self, JobLogLine as ModelLine};
use crate::store::JobRow;
use crate::store::query::{Filter, JobCount, JobField, JobOrder as StoreOrder, Jobs, Order};

/// The most lines of a log that one field answers with.
const MAX_LINES: i32 = 1_000;

/// One run of a task, from its request to its end.
#[derive(Clone, Description)]
pub struct Job(Arc<model::Job>);

impl From<model::Job> for Job {
    fn from(job: model::Job) -> Self {
        Self(Arc::new(job))
    }
}

/// What a job does.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "model::JobKind")]
pub enum JobKind {
    /// Asks forges for repositories.
    Discover,
    /// Takes a snapshot of a repository's metrics and fetches its mirror; without a repository, of all that are due.
    Sync,
    /// Reads the history of a repository.
    Scan,
    /// Computes what is derived from many rows: quality scores.
    Aggregate,
    /// Removes what has had its time: old jobs, their logs, rows that nobody sees, mirrors past the disk budget.
    Retain,
    /// Removes a repository with everything it had.
    Delete,
}

/// How far a job is.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "model::JobState")]
pub enum JobState {
    /// It waits for a worker, or for the time of its next attempt.
    Queued,
    /// A worker is at it.
    Running,
    /// It waits until a forge has budget again; that does not count as an attempt.
    Parked,
    /// It did all it was to do.
    Succeeded,
    /// Its last attempt failed; the error says why.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

/// What a job was told beside its kind and repository.
#[derive(SimpleObject)]
pub struct JobArguments {
    /// DISCOVER: search expressions to run; empty: the configured ones that are due.
    queries: Vec<String>,
    /// SYNC without a repository: all of them, not only those that are due.
    all: bool,
    /// SYNC and SCAN of a repository: fetch even if the forge knows of no push.
    fetch: bool,
}

/// How much of a job is done.
#[derive(SimpleObject)]
pub struct JobProgress {
    /// What is done of it, in units.
    done: Long,
    /// All there is to do, in units; null while nobody knows.
    total: Option<Long>,
    /// What is counted: `commits`, `repositories`, `queries`.
    unit: String,
    /// What is being done now, in a few words; empty when there is nothing to tell.
    message: String,
}

/// Why an attempt at a job failed.
#[derive(SimpleObject)]
pub struct JobError {
    /// For programs: `OUT_OF_BUDGET`, `GIT`, `TIMEOUT`, …
    code: String,
    /// For people: one sentence, without secrets.
    message: String,
}

/// One line of what a job tells.
#[derive(SimpleObject)]
pub struct JobLogLine {
    /// When it was told.
    time: DateTime,
    /// Counts the lines of the job.
    number: u32,
    /// How much it matters.
    level: LogLevel,
    /// What was told, without secrets.
    text: String,
}

/// How much a line of a log matters.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "model::LogLevel")]
pub enum LogLevel {
    /// What is usual.
    Info,
    /// What is not, and does no harm.
    Warn,
    /// What failed.
    Error,
}

#[Object(use_type_description)]
impl Job {
    /// The global id: opaque, and the same for ever. Newer jobs have later ids.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::Job, self.0.id.0)
    }

    /// What it does.
    async fn kind(&self) -> JobKind {
        self.0.kind.into()
    }

    /// How far it is.
    async fn state(&self) -> JobState {
        self.0.state.into()
    }

    /// The repository it is for; null for a job of no single one, and when the repository was removed.
    async fn repository(&self, context: &Context<'_>) -> Result<Option<Repository>, Error> {
        let Some(repository) = self.0.repository else { return Ok(None) };
        Ok(loaders(context)?.repositories.load_one(repository.0).await?.map(Repository))
    }

    /// Who or what asked for it: `api`, `cli`, `webhook`, `schedule NAME`, or `job UUID` for one whose result asked for it.
    async fn requested_by(&self) -> String {
        self.0.requested_by.to_string()
    }

    /// What it was told beside its kind and repository.
    async fn arguments(&self) -> JobArguments {
        let model::JobArguments { queries, all, fetch } = self.0.arguments.clone();
        JobArguments { queries, all, fetch }
    }

    /// Attempts that began, the running one included; waiting for a forge's budget is none.
    async fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How much of it is done.
    async fn progress(&self) -> JobProgress {
        let model::JobProgress { done, total, unit, message } = self.0.progress.clone();
        JobProgress { done: done.into(), total: (total > 0).then(|| total.into()), unit, message }
    }

    /// Why its last attempt that failed did.
    async fn error(&self) -> Option<JobError> {
        self.0.error.clone().map(|model::JobError { code, message }| JobError { code, message })
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime::from_milliseconds(self.0.created_at_ms)
    }

    /// When its last attempt began; null before the first one.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at_ms.map(DateTime::from_milliseconds)
    }

    /// When it ended; null until then.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at_ms.map(DateTime::from_milliseconds)
    }

    /// How long its last attempt took; null until it ended.
    async fn duration(&self) -> Option<Duration> {
        Duration::between(self.0.started_at_ms?, self.0.ended_at_ms?)
    }

    /// QUEUED and PARKED: it does not go on before this time.
    async fn not_before(&self) -> Option<DateTime> {
        self.0.not_before_ms.map(DateTime::from_milliseconds)
    }

    /// SCAN: the run that it stored events by; `ResourceEventFilter.runId` finds them. Null when it stored none.
    async fn run_id(&self) -> Option<ID> {
        self.0.run.map(|run| ID(run.0.to_string()))
    }

    /// The process that works on it, or did last, as `Worker.process` has it.
    async fn worker(&self) -> Option<ID> {
        self.0.worker.map(|worker| ID(worker.to_string()))
    }

    /// The newest lines of its log, in their order.
    async fn log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Lines from the end of the log, 1 to 1000.", default = 100)] last: i32,
    ) -> Result<Vec<JobLogLine>, Error> {
        let most = u32::try_from(last).ok().filter(|_| (1..=MAX_LINES).contains(&last));
        let most =
            most.ok_or_else(|| bad_input(format!("`last` is {last}; it has to be between 1 and {MAX_LINES}")))?;
        let found = loaders(context)?.job_logs.load_one(JobLogKey { job: self.0.id.0, most }).await?;
        let line = |ModelLine { time_ms, number, level, text, .. }| JobLogLine {
            time: DateTime::from_milliseconds(time_ms),
            number,
            level: level.into(),
            text,
        };
        Ok(found.unwrap_or_default().into_iter().map(line).collect())
    }
}

/// What jobs can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOrderField {
    /// When they were asked for.
    CreatedAt,
}

/// One key of an order of jobs.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct JobOrder {
    /// The key.
    field: JobOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// A page of jobs.
pub type JobConnection = Connection<String, Job, JobTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct JobTotals(Filter<JobField>);

#[Object]
impl JobTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let rows = present(context)?.fetch(&JobCount { filter: self.0.clone() }).await?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn job_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<JobField>,
    order_by: Option<Vec<JobOrder>>,
) -> Result<JobConnection, Error> {
    // There is one key yet; the first mention of it decides.
    let direction = order_by.unwrap_or_default().first().map_or(OrderDirection::Desc, |order| match order.field {
        JobOrderField::CreatedAt => order.direction,
    });
    let page = arguments.page(StoreOrder::keys(direction.into()))?;
    let rows = present(context)?.fetch(&Jobs { filter: filter.clone(), page: Some(page.clone()) }).await?;
    let values = |row: &JobRow, _: &Order| vec![row.sort_value()];
    Ok(connection(&page, &rows, JobTotals(filter), values, |row| row.to_model().into()))
}
