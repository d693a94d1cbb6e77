//! `kubestats jobs cancel` and `kubestats jobs retry`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use uuid::Uuid;

use super::{View, one};
use crate::app::App;
use crate::cli::attend::{attend, start_queue};
use crate::cli::terminal::complain;
use crate::jobs::{JobsError, Queue};
use crate::model::{JobId, Requester};

pub const CANCEL_HELP: &str = "\
Ends jobs, whichever process does them: a job that waits ends at once, one that runs within a second or two. What it asked for and \
has not begun ends with it; of a job that has ended (a sync of all repositories that asked for many fetches), that alone. Prints \
each job as it is then.

Examples:
  kubestats jobs cancel 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42
  kubestats jobs cancel --json 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42

Exit status: 0 when all were cancelled; 1 when one was not (the others are nevertheless; a line on stderr says which and why); 2 when \
the arguments are wrong.";

pub const RETRY_HELP: &str = "\
Does once more what a job did that has ended, as a new job with the same arguments, and whatever that asks for. Shows it as \
`kubestats sync` does.

Examples:
  kubestats jobs retry 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42

Exit status: 0 when all jobs succeeded; 1 when one failed or was cancelled, or the job has not ended; 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Cancel {
    /// The jobs
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Uuid>,
    /// Print one JSON object a line and job
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Retry {
    /// The job
    #[arg(value_name = "ID")]
    id: Uuid,
    /// Print one JSON object a line and job
    #[arg(long)]
    json: bool,
}

pub async fn cancel(app: &App, wanted: &Cancel) -> anyhow::Result<ExitCode> {
    // Jobs of processes that are dead are ended by this one.
    let work = Arc::new(app.pipeline().await?);
    let queue = start_queue(app, work, 1, false).await?;
    let cancelled = cancel_each(app, &queue, wanted).await;
    queue.shut_down(Duration::ZERO).await;
    cancelled
}

async fn cancel_each(app: &App, queue: &Queue, wanted: &Cancel) -> anyhow::Result<ExitCode> {
    let mut view = View::new(app, wanted.json);
    let mut code = ExitCode::SUCCESS;
    for id in &wanted.ids {
        match queue.cancel(JobId(*id)).await {
            Ok(job) => {
                view.names.learn(std::iter::once(&job)).await?;
                view.print(&job)?;
            }
            Err(error) => {
                complain(&format!("{id}: {error}"));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

pub async fn retry(app: &App, wanted: &Retry) -> anyhow::Result<ExitCode> {
    let job = one(app, JobId(wanted.id)).await?;
    if !job.state.is_ended() {
        bail!(JobsError::NotEnded(job.state));
    }
    let request = job.again(Requester::Person("cli".to_owned()));
    attend(app, &app.pipeline().await?, vec![request], wanted.json).await
}
