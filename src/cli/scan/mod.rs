//! `kubestats scan`: whole histories into the database.

mod progress;
mod summary;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::task::JoinSet;

use super::terminal::{complain, printable};
use crate::app::App;
use crate::config::{Config, MOST_PARALLEL};
use crate::git::{self, Remote};
use crate::jobs::{Database, Record, Recorder};
use crate::model::{JobError, JobKind, RepositoryId};
use crate::pipeline::{Pipeline, PipelineError, Summary};
use progress::Display;

pub const HELP: &str = "\
Mirrors each repository into the data directory, reads the history of its default branch, and stores resources and events. \
A scan continues where the last one of the repository ended; one that is interrupted can simply be repeated. Nothing is ever \
checked out, and values of secrets are not stored.

Several repositories are scanned at once, --parallel at most. All of them share the memory of scan.memory_mb in the \
configuration, and take turns where it is short: a small repository does not wait for a large one. Sources that mean one \
repository are scanned one after the other.

Prints a summary of each repository to stdout as soon as it is scanned (with --json one JSON object a line), and progress to \
stderr. Each scan is listed by `kubestats jobs`.

Examples:
  kubestats scan https://github.com/onedr0p/home-ops
  kubestats scan ~/src/cluster backups/*.bundle
  kubestats scan --json git@github.com:acme/fleet.git
  kubestats scan --parallel 4 ~/src
  kubestats scan \"https://x-access-token:$TOKEN@github.com/acme/fleet.git\"

Credentials: an https URL takes them in itself, as user:token@host; any user name goes with a token of GitHub, GitLab or Gitea. \
They are sent to that host alone, and neither stored nor printed, but the shell's history and the list of processes show what \
was typed. ssh URLs use your ssh as it is set up (keys, agent, ~/.ssh/config) and never ask for anything. Credential helpers and \
all other configuration of git are not read. GIT_SSL_CAINFO names a company's certificates.

Exit status: 0 when all were scanned; 1 when one failed (the others are scanned nevertheless; a line on stderr says which and \
why); 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// A local repository, a .bundle file, a folder of either, or an https, ssh or git URL
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<String>,
    /// Print one JSON object a line and repository instead of a summary
    #[arg(long)]
    json: bool,
    /// Repositories that are scanned at the same time [default: scan.parallel of the configuration, one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_PARALLEL as i64))]
    parallel: Option<u16>,
}

/// One source, with how it is called in what is printed.
struct Job {
    label: String,
    remote: Remote,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    let mut remotes: Vec<Remote> = Vec::new();
    for source in &options.sources {
        match git::classify(source) {
            Ok(found) => remotes.extend(found),
            Err(error) => {
                complain(&error.to_string());
                failed = true;
            }
        }
    }
    if !remotes.is_empty() {
        let parallel = options.parallel.map_or(config.scan.parallel, usize::from);
        let app = App::open(config, "scan").await?;
        let display = Display::new(options.json, remotes.len());
        let result = scan_all(&app, by_repository(remotes), parallel, display).await;
        app.close().await;
        failed |= result?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Sources that mean one repository together, all in the order in which they were named.
fn by_repository(remotes: Vec<Remote>) -> Vec<Vec<Job>> {
    let total = remotes.len();
    let mut repositories: Vec<Vec<Job>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (index, remote) in remotes.into_iter().enumerate() {
        let source = remote.url_without_credentials();
        // The scan itself tells what is wrong with a source that has no alias.
        let alias = remote.alias().unwrap_or_else(|_| source.clone());
        let place = *places.entry(alias).or_insert(repositories.len());
        if place == repositories.len() {
            repositories.push(Vec::new());
        }
        let label = format!("[{}/{total}] {}", index + 1, printable(&source));
        repositories[place].push(Job { label, remote });
    }
    repositories
}

/// Scans so many repositories at a time, in their order; a failure of one leaves the others alone. Tells whether any failed.
async fn scan_all(app: &App, repositories: Vec<Vec<Job>>, parallel: usize, display: Display) -> anyhow::Result<bool> {
    let pipeline = app.pipeline().await?;
    let books = Database { reader: app.reader.clone(), writer: app.writer.clone() };
    let recorder = Recorder::start(&app.config.run_dir(), books, app.config.clickhouse.is_some()).await?;
    let recorder = Arc::new(recorder);
    let display = Arc::new(display);
    let mut repositories = repositories.into_iter();
    // Those that still run when one cannot print its summary end with this.
    let mut running: JoinSet<anyhow::Result<bool>> = JoinSet::new();
    let mut failed = false;
    loop {
        while running.len() < parallel
            && let Some(jobs) = repositories.next()
        {
            running.spawn(scan_in_turn(pipeline.clone(), jobs, display.clone(), recorder.clone()));
        }
        match running.join_next().await {
            Some(ended) => failed |= ended??,
            None => break,
        }
    }
    // Nobody else holds it: all scans have ended.
    if let Some(recorder) = Arc::into_inner(recorder) {
        recorder.close();
    }
    Ok(failed)
}

/// Scans the sources of one repository. Tells whether any failed.
async fn scan_in_turn(
    pipeline: Pipeline,
    jobs: Vec<Job>,
    display: Arc<Display>,
    recorder: Arc<Recorder>,
) -> anyhow::Result<bool> {
    let mut failed = false;
    for Job { label, remote } in jobs {
        let source = remote.url_without_credentials();
        let record = recorder.begin(JobKind::Scan, repository_of(pipeline.clone(), remote.clone()));
        let result = pipeline.scan(&remote, display.begin(label)).await;
        write_down(record, &result, &pipeline).await;
        display.end();
        match result {
            Ok(summary) => display.aside(|json| match json {
                true => summary::print_json(&source, &summary),
                false => summary::print(&source, &summary),
            })?,
            Err(error) => {
                failed = true;
                display.aside(|_| match &error {
                    // Git's errors name the source themselves.
                    PipelineError::Git(error) => complain(&error.to_string()),
                    error => complain(&format!("{source}: {error}")),
                });
            }
        }
    }
    Ok(failed)
}

/// The id that the scan of a source has, or will have when the source is new.
async fn repository_of(pipeline: Pipeline, remote: Remote) -> Option<RepositoryId> {
    let alias = remote.alias().ok()?;
    // Without the database the scan fails, too, and says why.
    let known = pipeline.reader.repository_by_alias(&alias).await.ok()?;
    Some(known.map_or_else(|| RepositoryId::from_alias(&alias), |repository| repository.id))
}

async fn write_down(record: Record, result: &Result<Summary, PipelineError>, pipeline: &Pipeline) {
    let ended = match result {
        Ok(Summary { checkpoint, added, .. }) => {
            let line = format!("{} commits that touch YAML and {} events are new", added.commits, added.events);
            Ok((Some(checkpoint.run).filter(|_| added.commits > 0), line))
        }
        Err(error) => {
            let message = pipeline.redactor.text(&error.to_string()).into_owned();
            Err(JobError { code: error.code().to_owned(), message })
        }
    };
    record.end(ended).await;
}
