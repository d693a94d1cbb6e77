//! `kubestats scan`: whole histories into the database.

mod progress;
mod summary;
mod work;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::attend::start_queue;
use super::signals::asked_to_end;
use super::terminal::{complain, printable};
use crate::app::App;
use crate::config::{Config, MOST_PARALLEL};
use crate::git::{self, Remote};
use crate::jobs::Queue;
use crate::pipeline::PipelineError;
use progress::Display;
use work::{NoSummary, Scans, Source};

/// Time that the ends of jobs get to be stored: what was scanned is scanned, whether or not it is written down as a job.
const NOTED: Duration = Duration::from_secs(10);

pub const HELP: &str = "\
Mirrors each repository into the data directory, reads the history of its default branch, and stores resources and events. \
A scan continues where the last one of the repository ended; one that is interrupted can simply be repeated. Nothing is ever \
checked out, and values of secrets are not stored.

Several repositories are scanned at once, --parallel at most. All of them share the memory of scan.memory_mb in the \
configuration, and take turns where it is short: a small repository does not wait for a large one. Sources that mean one \
repository are scanned one after the other.

Each scan is a job, which `kubestats jobs` lists and cancels. Where another process is at the repository, this is told, and the scan \
begins when that has ended. Ctrl-C cancels what has not ended.

Prints a summary of each repository to stdout as soon as it is scanned (with --json one JSON object a line), and progress to \
stderr.

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

Exit status: 0 when all were scanned; 1 when one failed or was cancelled (the others are scanned nevertheless; a line on stderr says which and \
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
fn by_repository(remotes: Vec<Remote>) -> Vec<Vec<Source>> {
    let total = remotes.len();
    let mut repositories: Vec<Vec<Source>> = Vec::new();
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
        repositories[place].push(Source { label, remote });
    }
    repositories
}

/// Scans so many repositories at a time, in their order; Ctrl-C cancels what has not ended. Tells whether anything failed.
async fn scan_all(
    app: &App,
    repositories: Vec<Vec<Source>>,
    parallel: usize,
    display: Display,
) -> anyhow::Result<bool> {
    let scans = Arc::new(Scans::new(app.pipeline().await?, display));
    let queue = start_queue(app, scans.clone(), parallel, false).await?;
    let result = tokio::select! {
        failed = scan_each(&queue, &scans, repositories, parallel) => failed,
        () = asked_to_end() => {
            let abandoned = queue.abandon().await;
            scans.display.aside(|_| complain("cancelled"));
            abandoned.map(|()| true).map_err(Into::into)
        }
    };
    // One that does not end is ended by the shutdown.
    let _ = timeout(NOTED, queue.idle()).await;
    queue.shut_down(Duration::ZERO).await;
    result
}

/// A failure of one repository leaves the others alone.
async fn scan_each(
    queue: &Queue,
    scans: &Arc<Scans>,
    repositories: Vec<Vec<Source>>,
    parallel: usize,
) -> anyhow::Result<bool> {
    let mut repositories = repositories.into_iter();
    // Those that still run when one cannot print its summary end with this.
    let mut running: JoinSet<std::io::Result<bool>> = JoinSet::new();
    let mut failed = false;
    loop {
        while running.len() < parallel
            && let Some(sources) = repositories.next()
        {
            running.spawn(scan_in_turn(queue.clone(), scans.clone(), sources));
        }
        match running.join_next().await {
            Some(ended) => failed |= ended??,
            None => return Ok(failed),
        }
    }
}

/// Scans the sources of one repository. Tells whether any failed.
async fn scan_in_turn(queue: Queue, scans: Arc<Scans>, sources: Vec<Source>) -> std::io::Result<bool> {
    let mut failed = false;
    for source in sources {
        let scanned = scans.scan(&queue, &source).await;
        scans.display.end();
        let source = source.remote.url_without_credentials();
        match scanned {
            Ok((summary, kinds)) => scans.display.aside(|json| match json {
                true => summary::print_json(&source, &summary, &kinds),
                false => summary::print(&source, &summary, &kinds),
            })?,
            Err(error) => {
                failed = true;
                scans.display.aside(|_| match &error {
                    // Git's errors name the source themselves.
                    NoSummary::Pipeline(PipelineError::Git(error)) => complain(&error.to_string()),
                    error => complain(&format!("{source}: {error}")),
                });
            }
        }
    }
    Ok(failed)
}
