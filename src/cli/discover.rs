//! `kubestats discover`: asks forges for repositories.

use std::process::ExitCode;

use clap::Args;

use super::attend::{attend, request};
use crate::app::App;
use crate::config::Config;
use crate::model::{JobArguments, JobKind};

pub const HELP: &str = "\
Runs the configured queries that are due, and lists and folders of discovery.local; or these queries, now. What they find is \
synced and scanned, and the command ends when all of that has. A query is a search expression of GitHub: topic:kubesearch, \
user:onedr0p, org:fluxcd or any other.

Prints a line to stdout for each job that ends (with --json one JSON object), and progress to stderr. `kubestats serve` does \
the same by itself, by its clock. Without a token GitHub answers few requests an hour: a job that waits for it says until when; \
github.token in the configuration, or KUBESTATS_GITHUB__TOKEN, makes it wait less. Ctrl-C cancels what has not ended.

Examples:
  kubestats discover
  kubestats discover topic:kubesearch
  kubestats discover user:onedr0p 'topic:flux stars:>50'
  kubestats discover --json topic:k8s-at-home

Exit status: 0 when all jobs succeeded; 1 when one failed or was cancelled; 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// A search expression [default: the configured ones that are due]
    #[arg(value_name = "QUERY")]
    queries: Vec<String>,
    /// Print one JSON object a line and job
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let app = App::open(config, "discover").await?;
    let result = discover(&app, options).await;
    app.close().await;
    result
}

async fn discover(app: &App, options: Options) -> anyhow::Result<ExitCode> {
    let pipeline = app.pipeline().await?;
    let arguments = JobArguments { queries: options.queries, ..JobArguments::default() };
    attend(app, &pipeline, vec![request(JobKind::Discover, None, arguments)], options.json).await
}
