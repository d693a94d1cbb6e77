//! What mutations answer with: the job, what it is for, and why it could not be.

use async_graphql::{Context, Enum, Error, SimpleObject};
use uuid::Uuid;

use super::error::{Code, error, from_store};
use super::sight::{loaders, present, sight};
use super::types::{Job, Repository, Schedule};
use crate::jobs::{Enqueued, JobsError};
use crate::model;

/// The answer to a mutation that asks for a job. It comes at once; the job goes on.
#[derive(SimpleObject, Default)]
pub struct JobPayload {
    /// The job; null when there is none, for which `userErrors` has the reason.
    job: Option<Job>,
    /// Whether the same was asked for before and has not ended: `job` is that one.
    joined: bool,
    /// The repository, as it is after the mutation; null for jobs of no single one.
    repository: Option<Repository>,
    /// What the caller can mend; empty when all went well.
    user_errors: Vec<UserError>,
}

/// The answer to a mutation of a schedule.
#[derive(SimpleObject, Default)]
pub struct SchedulePayload {
    /// The schedule, as it is after the mutation.
    schedule: Option<Schedule>,
    /// What the caller can mend; empty when all went well.
    user_errors: Vec<UserError>,
}

/// Something that the caller of a mutation can mend.
#[derive(SimpleObject)]
pub struct UserError {
    /// For people: one sentence.
    message: String,
    /// For programs.
    code: UserErrorCode,
    /// The argument that it is about: its name, and what is inside of it. Empty: it is about none.
    path: Vec<String>,
}

/// What is wrong with a mutation.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserErrorCode {
    /// There is no such job, repository or schedule.
    NotFound,
    /// It is in no state in which this can be done.
    WrongState,
    /// The URL or path is no repository's.
    BadSource,
    /// The server takes no more jobs; the next one will.
    ShuttingDown,
}

impl UserError {
    pub fn new(code: UserErrorCode, message: impl Into<String>, argument: &str) -> Self {
        Self { message: message.into(), code, path: vec![argument.to_owned()] }
    }
}

impl From<UserError> for JobPayload {
    fn from(failure: UserError) -> Self {
        Self { user_errors: vec![failure], ..Self::default() }
    }
}

impl From<UserError> for SchedulePayload {
    fn from(failure: UserError) -> Self {
        Self { user_errors: vec![failure], ..Self::default() }
    }
}

impl JobPayload {
    /// What was asked for; its repository as it is afterwards.
    pub async fn of(
        context: &Context<'_>,
        enqueued: Result<Enqueued, JobsError>,
        argument: &str,
    ) -> Result<Self, Error> {
        let Enqueued { job, joined } = match enqueued {
            Ok(enqueued) => enqueued,
            Err(failure) => return user_error(failure, argument).map(Self::from),
        };
        sight(context)?.renew().await?;
        let repository = find(context, job.repository.map(|id| id.0)).await?;
        present(context)?.note();
        Ok(Self { job: Some(job.into()), joined, repository, user_errors: Vec::new() })
    }

    /// A job that was changed.
    pub async fn of_job(
        context: &Context<'_>,
        job: Result<model::Job, JobsError>,
        argument: &str,
    ) -> Result<Self, Error> {
        Self::of(context, job.map(|job| Enqueued { job, joined: false }), argument).await
    }

    /// A repository that was changed, without a job.
    pub async fn of_repository(
        context: &Context<'_>,
        repository: Result<model::Repository, JobsError>,
        argument: &str,
    ) -> Result<Self, Error> {
        let repository = match repository {
            Ok(repository) => repository,
            Err(failure) => return user_error(failure, argument).map(Self::from),
        };
        sight(context)?.renew().await?;
        Ok(Self { repository: find(context, Some(repository.id.0)).await?, ..Self::default() })
    }
}

impl SchedulePayload {
    pub fn of(schedule: Result<crate::jobs::Schedule, JobsError>, argument: &str) -> Result<Self, Error> {
        match schedule {
            Ok(schedule) => Ok(Self { schedule: Some(Schedule(schedule)), user_errors: Vec::new() }),
            Err(failure) => user_error(failure, argument).map(Self::from),
        }
    }
}

async fn find(context: &Context<'_>, id: Option<Uuid>) -> Result<Option<Repository>, Error> {
    match id {
        Some(id) => Ok(loaders(context)?.repositories.load_one(id).await?.map(Repository)),
        None => Ok(None),
    }
}

/// What the caller can mend about a failure.
///
/// # Errors
/// The failure that only we can mend.
fn user_error(failure: JobsError, argument: &str) -> Result<UserError, Error> {
    let message = failure.to_string();
    let code = match failure {
        // A message of its own: ids of this API are not those of the queue.
        JobsError::NotFound(_) => {
            return Ok(UserError::new(UserErrorCode::NotFound, "there is no job with this id", argument));
        }
        JobsError::Elsewhere(_) => {
            let message = "another process of the same data works on this job and does not listen; end it there";
            return Ok(UserError::new(UserErrorCode::WrongState, message, argument));
        }
        JobsError::UnknownSchedule(_) | JobsError::UnknownRepository => UserErrorCode::NotFound,
        JobsError::HasEnded(_) | JobsError::NotEnded(_) | JobsError::Unfit(_) => UserErrorCode::WrongState,
        JobsError::BadSource(_) => UserErrorCode::BadSource,
        // About no argument.
        JobsError::ShuttingDown => {
            return Ok(UserError { message, code: UserErrorCode::ShuttingDown, path: Vec::new() });
        }
        JobsError::Store(failure) => return Err(from_store(failure)),
        JobsError::File { .. } | JobsError::Clock(_) => {
            tracing::error!(error = %failure, "a request to the jobs failed");
            return Err(error(Code::Internal, "the request failed inside the server; its log says why"));
        }
    };
    Ok(UserError::new(code, message, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, JobState};
    use crate::store::StoreError;

    #[test]
    fn what_the_caller_can_mend_has_a_code_and_a_place() {
        for (failure, code, words) in [
            (JobsError::NotFound(JobId::now()), UserErrorCode::NotFound, "no job"),
            (JobsError::HasEnded(JobState::Succeeded), UserErrorCode::WrongState, "SUCCEEDED already"),
            (JobsError::NotEnded(JobState::Parked), UserErrorCode::WrongState, "PARKED"),
            (JobsError::UnknownSchedule("x".to_owned()), UserErrorCode::NotFound, "\"x\""),
            (JobsError::UnknownRepository, UserErrorCode::NotFound, "no repository"),
            (JobsError::Unfit("it is blocked"), UserErrorCode::WrongState, "is blocked"),
            (JobsError::BadSource("no URL".to_owned()), UserErrorCode::BadSource, "no URL"),
        ] {
            let failure = user_error(failure, "id").unwrap();
            assert_eq!((failure.code, failure.path), (code, vec!["id".to_owned()]));
            assert!(failure.message.contains(words), "{}", failure.message);
        }
        let failure = user_error(JobsError::ShuttingDown, "id").unwrap();
        assert_eq!((failure.code, failure.path.len()), (UserErrorCode::ShuttingDown, 0), "it is about no argument");
        assert!(user_error(JobsError::Store(StoreError::DiskFull), "id").is_err());
    }
}
