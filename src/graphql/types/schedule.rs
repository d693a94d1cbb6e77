//! What a server does by itself: its schedules, its workers, and what forges leave it to ask.

use async_graphql::{Context, Description, Error, ID, Object, SimpleObject};
use uuid::Uuid;

use super::Job;
use super::job::JobKind;
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::loaders;
use crate::jobs;
use crate::model::{self, JobId};

/// A cron text by which a server asks for jobs.
#[derive(Description)]
pub struct Schedule(pub jobs::Schedule);

/// One worker of the server that answers.
#[derive(Description)]
pub struct Worker(pub jobs::Worker);

/// What is left of one budget of a forge.
#[derive(SimpleObject)]
pub struct RateLimit {
    /// The forge's host, as `github.com`.
    forge: String,
    /// What the budget is for: `core`, `search`, `graphql`, `secondary`.
    resource: String,
    /// Requests (of `graphql`: points) of a whole budget.
    limit: Long,
    /// Requests or points that are left of it.
    remaining: Long,
    /// When it is whole again.
    resets_at: DateTime,
}

impl From<model::RateLimit> for RateLimit {
    fn from(limit: model::RateLimit) -> Self {
        Self {
            forge: limit.forge,
            resource: limit.resource,
            limit: limit.limit.into(),
            remaining: limit.remaining.into(),
            resets_at: DateTime::from_seconds(limit.resets_at),
        }
    }
}

#[Object(use_type_description)]
impl Schedule {
    /// Its name, by which mutations mean it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What its jobs do.
    async fn kind(&self) -> JobKind {
        self.0.kind.into()
    }

    /// Cron text: second, minute, hour, day of the month, month, day of the week, in UTC; empty when the configuration gives none.
    async fn cron(&self) -> &str {
        &self.0.cron
    }

    /// Whether it runs: it has a cron text, and nobody paused it.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// When it asks for the next job; null while it is not enabled.
    async fn next_run_at(&self) -> Option<DateTime> {
        self.0.next_run_at_ms.map(DateTime::from_milliseconds)
    }

    /// When it last asked for a job; null before the first one.
    async fn last_run_at(&self) -> Option<DateTime> {
        self.0.last_run_at_ms.map(DateTime::from_milliseconds)
    }

    /// The job it last asked for; null before the first one, and when that was removed.
    async fn last_job(&self, context: &Context<'_>) -> Result<Option<Job>, Error> {
        job(context, self.0.last_job.map(|JobId(id)| id)).await
    }
}

#[Object(use_type_description)]
impl Worker {
    /// The process it belongs to, as `Job.worker` has it.
    async fn process(&self) -> ID {
        ID(self.0.process.to_string())
    }

    /// Counts the workers of a process from 1.
    async fn number(&self) -> u32 {
        self.0.number
    }

    /// The job it is at; null while it rests.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>, Error> {
        job(context, self.0.job.map(|JobId(id)| id)).await
    }

    /// When it began its job, or its rest.
    async fn since(&self) -> DateTime {
        DateTime::from_milliseconds(self.0.since_ms)
    }
}

/// A job by its id; null when it is stored no more.
pub async fn job(context: &Context<'_>, id: Option<Uuid>) -> Result<Option<Job>, Error> {
    match id {
        Some(id) => Ok(loaders(context)?.jobs.load_one(id).await?.map(Job::from)),
        None => Ok(None),
    }
}
