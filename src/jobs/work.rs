//! What the queue runs.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::model::{Job, RateLimit};
use crate::pipeline::{Ended, Pipeline, Task};

/// Runs jobs. The queue knows nothing of what they do; tests give it a script.
pub trait Work: Send + Sync + 'static {
    /// Runs a job until it ends or `task` asks it to. The future may be dropped at any time.
    fn run<'a>(&'a self, job: &'a Job, task: &'a Task) -> BoxFuture<'a, Result<Ended, WorkError>>;

    /// What is left of each budget of the forges.
    fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub struct WorkError {
    /// For programs: `GIT`, `TIMEOUT`, …
    pub code: String,
    /// For people: one sentence, without secrets.
    pub message: String,
    /// Another attempt may do without anybody's help.
    pub is_transient: bool,
}

impl Work for Pipeline {
    fn run<'a>(&'a self, job: &'a Job, task: &'a Task) -> BoxFuture<'a, Result<Ended, WorkError>> {
        let failed = |error: crate::pipeline::PipelineError| WorkError {
            code: error.code().to_owned(),
            message: self.redactor.text(&error.to_string()).into_owned(),
            is_transient: error.is_transient(),
        };
        Pipeline::run(self, job, task).map(move |ended| ended.map_err(failed)).boxed()
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        Pipeline::rate_limits(self)
    }
}
