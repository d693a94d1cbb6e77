//! What can be changed. Every mutation answers at once: with the job that does it, or with what the caller can mend.

use async_graphql::{Context, Description, Error, ID, Object};
use uuid::Uuid;

use super::caller::changing;
use super::error::bad_input;
use super::id::{self, NodeType};
use super::payload::{JobPayload, SchedulePayload, UserError, UserErrorCode};
use super::sight::{loaders, present};
use crate::jobs::{JobsError, Service, refusal};
use crate::model::{JobArguments, JobId, JobKind, JobRequest, RepositoryId, Requester};

/// Search expressions that one job may be given, and bytes of each.
const MAX_QUERIES: usize = 100;
const MAX_QUERY: usize = 256;
/// No URL of a repository is longer.
const MAX_URL: usize = 4 << 10;

/// What can be changed, from this machine only. A job that was asked for before and has not ended is joined.
#[derive(Description)]
pub struct Mutation;

#[Object(use_type_description)]
impl Mutation {
    /// Asks forges for repositories.
    async fn discover(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Search expressions to run now; without any, the configured ones that are due.", default)]
        queries: Vec<String>,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let is_short = |query: &String| !query.trim().is_empty() && query.len() <= MAX_QUERY;
        if queries.len() > MAX_QUERIES || !queries.iter().all(is_short) {
            let message = format!("`queries` takes up to {MAX_QUERIES} expressions of 1 to {MAX_QUERY} bytes");
            return Err(bad_input(message));
        }
        let arguments = JobArguments { queries, ..JobArguments::default() };
        enqueue(context, service, JobKind::Discover, None, arguments, "queries").await
    }

    /// Takes a snapshot of a repository's metrics and fetches its mirror; a scan follows where the head moved.
    async fn sync(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The repository's global id.")] repository: ID,
        #[graphql(desc = "Fetch even if the forge knows of no push.", default = true)] fetch: bool,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let arguments = JobArguments { fetch, ..JobArguments::default() };
        enqueue_for(context, service, JobKind::Sync, &repository, arguments).await
    }

    /// Syncs all repositories.
    async fn sync_all(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those whose time has come.", default)] only_due: bool,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let arguments = JobArguments { all: !only_due, ..JobArguments::default() };
        enqueue(context, service, JobKind::Sync, None, arguments, "onlyDue").await
    }

    /// Reads what is new in the history of a repository.
    async fn scan(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The repository's global id.")] repository: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        enqueue_for(context, service, JobKind::Scan, &repository, JobArguments::default()).await
    }

    /// Adds a repository, if it is not known yet, and asks for its sync and scan. One that was removed comes back.
    async fn add_repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its URL, or a path on the server's machine.")] url: String,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        if url.trim().is_empty() || url.len() > MAX_URL {
            let message = format!("a URL or path has 1 to {MAX_URL} bytes");
            return Ok(UserError::new(UserErrorCode::BadSource, message, "url").into());
        }
        let added = service.add_repository(url.trim()).await.map(|(_, enqueued)| enqueued);
        JobPayload::of(context, added, "url").await
    }

    /// Leaves a repository alone from now on: its jobs are cancelled, what is stored stays. `approveRepository` ends that.
    async fn block_repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The repository's global id.")] id: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let blocked = service.block_repository(repository_id(&id)?).await;
        JobPayload::of_repository(context, blocked, "id").await
    }

    /// Approves of a repository's size, or lets a blocked one be visited again, and asks for its sync.
    async fn approve_repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The repository's global id.")] id: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let approved = service.approve_repository(repository_id(&id)?).await.map(|(_, enqueued)| enqueued);
        JobPayload::of(context, approved, "id").await
    }

    /// Removes a repository with everything it had. It is not discovered again until somebody adds it.
    async fn delete_repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The repository's global id.")] id: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let deleted = service.delete_repository(repository_id(&id)?).await;
        JobPayload::of(context, deleted, "id").await
    }

    /// Asks a job to end, in whatever process: one that waits ends at once, one that runs within a second. What it asked for and has not
    /// begun ends with it; of a job that has ended (a `syncAll` that asked for many fetches), that alone.
    async fn cancel_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job's global id.")] id: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let cancelled = service.queue.cancel(job_id(&id)?).await;
        JobPayload::of_job(context, cancelled, "id").await
    }

    /// Asks once more for a job that has ended: a new job with the same arguments.
    async fn retry_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job's global id.")] id: ID,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        let retried = service.queue.retry(job_id(&id)?, requester()).await;
        JobPayload::of(context, retried, "id").await
    }

    /// Asks for a schedule's job now, whether it is enabled or not.
    async fn run_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule's name.")] name: String,
    ) -> Result<JobPayload, Error> {
        let service = changing(context)?;
        JobPayload::of(context, service.clock.run(&name).await, "name").await
    }

    /// Pauses a schedule, or lets it run again; a server that starts anew remembers it.
    async fn pause_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule's name.")] name: String,
        #[graphql(desc = "Whether it is to rest.", default = true)] paused: bool,
    ) -> Result<SchedulePayload, Error> {
        let service = changing(context)?;
        present(context)?.note();
        SchedulePayload::of(service.clock.pause(&name, paused).await, "name")
    }
}

fn requester() -> Requester {
    Requester::Person("api".to_owned())
}

fn repository_id(id: &ID) -> Result<RepositoryId, Error> {
    Ok(RepositoryId(id::decode_as(NodeType::Repository, id)?))
}

fn job_id(id: &ID) -> Result<JobId, Error> {
    Ok(JobId(id::decode_as(NodeType::Job, id)?))
}

/// Asks for a job of one repository, which has to be known, and in a state in which that can be done.
async fn enqueue_for(
    context: &Context<'_>,
    service: &Service,
    kind: JobKind,
    repository: &ID,
    arguments: JobArguments,
) -> Result<JobPayload, Error> {
    let id: Uuid = repository_id(repository)?.0;
    let known = loaders(context)?.repositories.load_one(id).await?;
    let refused = match known.map(|known| refusal(known.status(), kind)) {
        None => JobsError::UnknownRepository,
        Some(Some(reason)) => JobsError::Unfit(reason),
        Some(None) => return enqueue(context, service, kind, Some(RepositoryId(id)), arguments, "repository").await,
    };
    JobPayload::of(context, Err(refused), "repository").await
}

async fn enqueue(
    context: &Context<'_>,
    service: &Service,
    kind: JobKind,
    repository: Option<RepositoryId>,
    arguments: JobArguments,
    argument: &str,
) -> Result<JobPayload, Error> {
    let request = JobRequest { kind, repository, arguments, requested_by: requester() };
    JobPayload::of(context, service.queue.enqueue(request).await, argument).await
}
