//! Batches of jobs and their logs, as they are now.

use std::collections::HashMap;

use async_graphql::Error;
use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::loaders::{sorted, unique};
use super::sight::Present;
use crate::model::{Job, JobId, JobLogLine};
use crate::store::query::{Filter, JobField, JobLogs, Jobs, Operator};

/// Jobs by id.
pub struct JobLoader(pub Present);

impl Loader<Uuid> for JobLoader {
    type Value = Job;
    type Error = Error;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Job>, Error> {
        let filter = Filter::default().and(JobField::Id, Operator::In(sorted(ids)));
        let rows = self.0.fetch(&Jobs { filter, page: None }).await?;
        Ok(rows.iter().map(|row| row.to_model()).map(|job| (job.id.0, job)).collect())
    }
}

/// The newest lines of a job's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobLogKey {
    pub job: Uuid,
    pub most: u32,
}

/// Logs of jobs.
pub struct JobLogLoader(pub Present);

impl Loader<JobLogKey> for JobLogLoader {
    type Value = Vec<JobLogLine>;
    type Error = Error;

    async fn load(&self, keys: &[JobLogKey]) -> Result<HashMap<JobLogKey, Self::Value>, Error> {
        let mut lengths: HashMap<u32, Vec<Uuid>> = HashMap::new();
        for key in keys {
            lengths.entry(key.most).or_default().push(key.job);
        }
        let mut found: HashMap<JobLogKey, Self::Value> = HashMap::new();
        for (most, jobs) in lengths {
            let jobs = unique(&jobs).into_iter().map(JobId).collect();
            for line in self.0.fetch(&JobLogs { jobs, limit: most }).await?.iter().map(|row| row.to_model()) {
                found.entry(JobLogKey { job: line.job.0, most }).or_default().push(line);
            }
        }
        Ok(found)
    }
}
