//! `kubestats sync`: visits repositories.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::attend::{attend, request};
use super::terminal::complain;
use crate::app::App;
use crate::config::Config;
use crate::model::{JobArguments, JobKind, RepositoryId};
use crate::pipeline::Pipeline;
use crate::store::query::{Filter, Operator, Repositories, RepositoryField};

pub const HELP: &str = "\
Takes a snapshot of what the forge says of each repository (stars, issues, size and so on), fetches what was pushed, and scans \
it. Without arguments it visits the repositories that are due by their own rhythm. One that is named is fetched whatever the \
forge says of pushes; a URL or path that is not known yet is added, and one that was removed comes back.

Prints a line to stdout for each job that ends (with --json one JSON object), and progress to stderr. `kubestats serve` does \
the same by itself, by its clock. Ctrl-C cancels what has not ended.

Examples:
  kubestats sync
  kubestats sync --all
  kubestats sync onedr0p/home-ops
  kubestats sync --json https://github.com/onedr0p/home-ops ~/src/cluster

Exit status: 0 when all jobs succeeded; 1 when one failed or was cancelled, or a repository was not found (the others are \
synced nevertheless); 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// OWNER/NAME of a known repository, or the URL or path of any [default: those that are due]
    #[arg(value_name = "REPOSITORY")]
    repositories: Vec<String>,
    /// All repositories, not only those that are due
    #[arg(long, conflicts_with = "repositories")]
    all: bool,
    /// Print one JSON object a line and job
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let app = App::open(config, "sync").await?;
    let result = sync(&app, &options).await;
    app.close().await;
    result
}

async fn sync(app: &App, options: &Options) -> anyhow::Result<ExitCode> {
    let pipeline = app.pipeline().await?;
    let arguments =
        JobArguments { all: options.all, fetch: !options.repositories.is_empty(), ..JobArguments::default() };
    if options.repositories.is_empty() {
        return attend(app, &pipeline, vec![request(JobKind::Sync, None, arguments)], options.json).await;
    }
    let mut requests = Vec::new();
    for text in &options.repositories {
        match find(app, &pipeline, text).await {
            Ok(id) => requests.push(request(JobKind::Sync, Some(id), arguments.clone())),
            Err(error) => complain(&error.to_string()),
        }
    }
    if requests.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let all_found = requests.len() == options.repositories.len();
    let code = attend(app, &pipeline, requests, options.json).await?;
    Ok(if all_found { code } else { ExitCode::FAILURE })
}

/// The repository that somebody means.
async fn find(app: &App, pipeline: &Pipeline, text: &str) -> anyhow::Result<RepositoryId> {
    let filter = Filter::default().and(RepositoryField::FullName, Operator::Equal(text.to_owned()));
    let snapshot = app.reader.snapshot().await?;
    let named = snapshot.fetch(&Repositories { filter, page: None }).await?;
    match named.as_slice() {
        [one] => Ok(one.to_model().id),
        [] => Ok(pipeline.add_repository(text).await?.id),
        several => {
            let urls: Vec<String> = several.iter().map(|record| record.to_model().url).collect();
            bail!("several repositories are called {text}: name one by its URL ({})", urls.join(", "))
        }
    }
}
