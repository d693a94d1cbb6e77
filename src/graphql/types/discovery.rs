//! How repositories are discovered: which queries run, and what each of them yields.

use async_graphql::{Context, Description, Error, Object, SimpleObject};

use super::Job;
use super::schedule::job;
use crate::graphql::scalars::{DateTime, Long};
use crate::store::query::{DiscoveryRunRecord, DiscoveryStatRecord};

/// What one query of discovery did so far.
#[derive(SimpleObject)]
pub struct DiscoveryQueryStats {
    /// The forge's host, as `github.com`; `local` for lists and folders.
    forge: String,
    /// The search expression, or the name of the list.
    query: String,
    /// Runs so far.
    runs: Long,
    /// When it last ran.
    last_run_at: DateTime,
    /// Repositories that matched in the last run.
    found: Long,
    /// Of these, repositories that were not known before it.
    new: Long,
    /// Whether the forge said in the last run that there might be more.
    is_incomplete: bool,
    /// Why the last run failed; null when it did not.
    error: Option<String>,
    /// Requests that all runs took.
    requests: Long,
    /// Repositories that it ever found, rejected ones included.
    known: Long,
    /// Of these, repositories that were not rejected.
    taken: Long,
    /// Of these, repositories that were not known before.
    first_here: Long,
    /// Of those taken, repositories that turned out to hold Kubernetes resources.
    accepted: Long,
    /// Its yield: `accepted` by `taken`, from 0 to 1; null when it took none.
    yield_rate: Option<f64>,
    /// Why others were not taken.
    rejected: Vec<DiscoveryRejection>,
}

/// A reason for which repositories were not taken.
#[derive(SimpleObject)]
pub struct DiscoveryRejection {
    /// The reason: `fork`, `archived`, `removed`, …
    reason: String,
    /// Repositories that were not taken for it.
    count: Long,
}

impl From<&DiscoveryStatRecord> for DiscoveryQueryStats {
    fn from(row: &DiscoveryStatRecord) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "no forge has so many repositories")]
        let yield_rate = (row.taken > 0).then(|| row.accepted as f64 / row.taken as f64);
        let rejection =
            |(reason, count): &(String, u64)| DiscoveryRejection { reason: reason.clone(), count: (*count).into() };
        Self {
            forge: row.forge.clone(),
            query: row.query.clone(),
            runs: row.runs.into(),
            last_run_at: DateTime::from_milliseconds(row.last_run_at),
            found: row.found.into(),
            new: row.new.into(),
            is_incomplete: row.is_incomplete,
            error: row.error.clone(),
            requests: row.requests.into(),
            known: row.known.into(),
            taken: row.taken.into(),
            first_here: row.first_here.into(),
            accepted: row.accepted.into(),
            yield_rate,
            rejected: row.rejected.iter().map(rejection).collect(),
        }
    }
}

/// One run of one query of discovery.
#[derive(Description)]
pub struct DiscoveryRun(pub DiscoveryRunRecord);

#[Object(use_type_description)]
impl DiscoveryRun {
    /// The forge's host, as `github.com`; `local` for lists and folders.
    async fn forge(&self) -> &str {
        &self.0.forge
    }

    /// The search expression, or the name of the list.
    async fn query(&self) -> &str {
        &self.0.query
    }

    /// When it ran.
    async fn time(&self) -> DateTime {
        DateTime::from_milliseconds(self.0.ran_at)
    }

    /// The job that ran it; null when that was removed.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>, Error> {
        job(context, Some(self.0.job_id)).await
    }

    /// Repositories that matched.
    async fn found(&self) -> Long {
        self.0.found.into()
    }

    /// Of these, repositories that were not known before.
    async fn new(&self) -> Long {
        self.0.new.into()
    }

    /// Requests it took.
    async fn requests(&self) -> u32 {
        self.0.requests
    }

    /// Whether the forge said that there might be more.
    async fn is_incomplete(&self) -> bool {
        self.0.is_incomplete
    }

    /// Why it failed; null when it did not.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}
