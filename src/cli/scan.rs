//! `kubestats scan`: whole histories into the database.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use super::terminal::{complain, printable};
use crate::app::App;
use crate::config::Config;
use crate::git::{self, FetchProgress, Remote};
use crate::pipeline::{PipelineError, Progress, Silent, Summary};

pub const HELP: &str = "\
Mirrors each repository into the data directory, reads the history of its default branch, and stores resources and events. \
A scan continues where the last one of the repository ended; one that is interrupted can simply be repeated. Nothing is ever \
checked out, and values of secrets are not stored.

Prints a summary of each repository to stdout (with --json one JSON object a line), and progress to stderr.

Examples:
  kubestats scan https://github.com/onedr0p/home-ops
  kubestats scan ~/src/cluster backups/*.bundle
  kubestats scan --json git@github.com:acme/fleet.git
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
        let app = App::open(config, "scan").await?;
        let result = scan_all(&app, &remotes, options.json).await;
        app.close().await;
        failed |= result?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Scans one after the other; a failure of one does not keep the others from being scanned. Tells whether any failed.
async fn scan_all(app: &App, remotes: &[Remote], json: bool) -> anyhow::Result<bool> {
    let pipeline = app.pipeline().await?;
    let mut failed = false;
    for (index, remote) in remotes.iter().enumerate() {
        let source = remote.url_without_credentials();
        let label = format!("[{}/{}] {}", index + 1, remotes.len(), printable(&source));
        let progress: Arc<dyn Progress> = match (json, std::io::stderr().is_terminal()) {
            (_, true) => Arc::new(Bar::new(label)),
            (true, false) => Arc::new(Silent),
            (false, false) => Arc::new(Lines::new(label)),
        };
        match pipeline.scan(remote, progress).await {
            Ok(summary) if json => writeln!(std::io::stdout(), "{}", to_json(&source, &summary))?,
            Ok(summary) => print(&source, &summary)?,
            // Git's errors name the source themselves.
            Err(PipelineError::Git(error)) => {
                failed = true;
                complain(&error.to_string());
            }
            Err(error) => {
                failed = true;
                complain(&format!("{source}: {error}"));
            }
        }
    }
    Ok(failed)
}

fn to_json(source: &str, summary: &Summary) -> serde_json::Value {
    let totals = summary.checkpoint.totals;
    let kinds = summary
        .kinds
        .iter()
        .map(|kind| serde_json::json!({ "group": kind.group, "kind": kind.kind, "resources": kind.resources }));
    serde_json::json!({
        "source": source,
        "repository": summary.repository.full_name(),
        "head": summary.checkpoint.head.commit,
        "branch": summary.checkpoint.branch,
        "commits": totals.commits,
        "events": { "CREATED": totals.created, "MODIFIED": totals.modified, "DELETED": totals.deleted },
        "moved": totals.moved,
        "resources": totals.resources,
        "files": totals.files,
        "kinds": kinds.collect::<Vec<_>>(),
        "unparsable_versions": totals.unparsable_versions,
        "added": {
            "commits": summary.added.commits,
            "events": summary.added.events,
            "unparsable_versions": summary.added.unparsable_versions,
        },
        "rebuilt": summary.rebuilt,
        "seconds": (summary.duration.as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// Kinds that a summary lists before it says how many more there are.
const LISTED_KINDS: usize = 12;

fn print(source: &str, summary: &Summary) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let totals = summary.checkpoint.totals;
    let head = &summary.checkpoint.head;
    let seconds = summary.duration.as_secs_f64();
    writeln!(out, "{}  {}", printable(&summary.repository.full_name()), printable(source))?;
    let commit = head.commit.get(..10).unwrap_or(&head.commit);
    writeln!(out, "  head        {} at {commit}  {}", printable(&summary.checkpoint.branch), printable(&head.subject))?;
    writeln!(out, "  commits     {} that touch YAML", HumanCount(totals.commits))?;
    writeln!(
        out,
        "  events      {} created, {} modified ({} of them moves), {} deleted",
        HumanCount(totals.created),
        HumanCount(totals.modified),
        HumanCount(totals.moved),
        HumanCount(totals.deleted)
    )?;
    writeln!(out, "  resources   {} alive in {} files", HumanCount(totals.resources), HumanCount(totals.files))?;
    for kind in summary.kinds.iter().take(LISTED_KINDS) {
        let group = if kind.group.is_empty() { "core" } else { &kind.group };
        writeln!(out, "              {:>6} {}  {}", kind.resources, printable(&kind.kind), printable(group))?;
    }
    if let Some(more) = summary.kinds.len().checked_sub(LISTED_KINDS).filter(|more| *more > 0) {
        writeln!(out, "              and {more} kinds more")?;
    }
    writeln!(out, "  unparsable  {} versions of files", HumanCount(totals.unparsable_versions))?;
    let added = &summary.added;
    if added.commits == 0 {
        writeln!(out, "  nothing new since the last scan  ({seconds:.2} s)")?;
    } else {
        let rebuilt = if summary.rebuilt { ", read again from the root" } else { "" };
        let rate = added.commits as f64 / seconds.max(0.001);
        writeln!(
            out,
            "  this scan   {} commits and {} events in {seconds:.2} s, {} commits/s{rebuilt}",
            HumanCount(added.commits),
            HumanCount(added.events),
            HumanCount(rate as u64)
        )?;
    }
    writeln!(out)
}

/// A bar with rate and remaining time, for a terminal.
struct Bar {
    bar: ProgressBar,
    events: AtomicU64,
}

impl Bar {
    fn new(label: String) -> Self {
        let bar = ProgressBar::new_spinner().with_prefix(label).with_message("looking at the source");
        bar.set_style(style("{spinner} {prefix}  {msg}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, events: AtomicU64::new(0) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn fetching(&self, progress: &FetchProgress) {
        self.bar.set_message(format!("{} {}/{}", progress.phase, progress.done, progress.total));
    }

    fn scanning(&self, commits: u64) {
        self.bar.set_message("");
        self.bar.set_style(style(
            "{spinner} {prefix}\n  {wide_bar} {human_pos}/{human_len} commits  {rate}  {eta} left  {msg}",
        ));
        self.bar.set_length(commits);
        self.bar.reset_eta();
    }

    fn advanced(&self, commits: u64, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        self.bar.inc(commits);
        self.bar.set_message(format!("{} events", HumanCount(events)));
    }

    fn publishing(&self) {
        self.bar.set_message("publishing");
    }
}

fn style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A line that cannot be drawn is drawn again in a moment.
        let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("rate", rate)
}

/// A line now and then, where nobody watches.
struct Lines {
    label: String,
    total: AtomicU64,
    done: AtomicU64,
    tenths: AtomicU64,
}

impl Lines {
    fn new(label: String) -> Self {
        Self { label, total: AtomicU64::new(0), done: AtomicU64::new(0), tenths: AtomicU64::new(0) }
    }
}

impl Progress for Lines {
    fn fetching(&self, _: &FetchProgress) {}

    fn scanning(&self, commits: u64) {
        self.total.store(commits, Ordering::Relaxed);
        eprintln!("{}: {commits} commits to read", self.label);
    }

    fn advanced(&self, commits: u64, _: u64) {
        let done = self.done.fetch_add(commits, Ordering::Relaxed) + commits;
        let total = self.total.load(Ordering::Relaxed).max(1);
        let tenths = done * 10 / total;
        if tenths > self.tenths.swap(tenths, Ordering::Relaxed) {
            eprintln!("{}: {}0 % ({done} of {total} commits)", self.label, tenths.min(10));
        }
    }

    fn publishing(&self) {}
}
