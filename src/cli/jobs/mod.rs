//! `kubestats jobs`: what is done, was done and waits.

mod change;
mod follow;
pub mod text;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use comfy_table::presets;
use uuid::Uuid;

use super::signals::asked_to_end;
use crate::app::App;
use crate::config::Config;
use crate::jobs::MOST_LINES;
use crate::model::{Job, JobId, JobKind, JobLogLine, JobState, Requester};
use crate::store::query::{Direction, Filter, JobField, JobLog, JobOrder, Jobs, Operator, Page, PageEnd};
use text::Names;

pub const HELP: &str = "\
Lists jobs, the newest first: what `kubestats serve` does, what its clock asks for, and what `discover`, `sync` and `scan` do. \
With an ID it shows that job and its log. Times are UTC.

  QUEUED     waits for a worker, or for its next attempt
  RUNNING    is being done
  PARKED     waits until a forge answers again
  SUCCEEDED, FAILED, CANCELLED

With --follow it goes on: a line for every change of a job (or, with an ID, the lines of its log until it ends), until Ctrl-C. \
--kind and --state pick from the changes, too: with --state those that bring a job into this state, and out of it. With --json each \
job is one JSON object a line.

Examples:
  kubestats jobs
  kubestats jobs --state failed --kind sync
  kubestats jobs --json --limit 1000 > jobs.jsonl
  kubestats jobs --follow
  kubestats jobs 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42
  kubestats jobs cancel 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42
  kubestats jobs retry 019aa1f6-83e0-7c3a-9d0b-3c5d1f0e7a42

Exit status: 0 when the jobs were printed; 1 when there is no job with this ID or the data cannot be read; 2 when the arguments \
are wrong.";

/// Time between two looks of --follow.
const LOOK: Duration = Duration::from_millis(500);
/// Lines of a log that the queue itself may add.
const OWN_LINES: u32 = 1_000;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show this job and its log
    #[arg(value_name = "ID", conflicts_with_all = ["state", "kind", "limit"])]
    id: Option<Uuid>,
    /// Only jobs in this state
    #[arg(long, value_name = "STATE", ignore_case = true, value_parser = states())]
    state: Option<JobState>,
    /// Only jobs of this kind
    #[arg(long, value_name = "KIND", ignore_case = true, value_parser = kinds())]
    kind: Option<JobKind>,
    /// The most jobs that are listed
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on printing what changes
    #[arg(long)]
    follow: bool,
    /// Print one JSON object a line and job
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// End jobs, in whatever process
    #[command(after_long_help = change::CANCEL_HELP)]
    Cancel(change::Cancel),
    /// Do a job once more that has ended
    #[command(after_long_help = change::RETRY_HELP)]
    Retry(change::Retry),
}

fn states() -> impl TypedValueParser<Value = JobState> {
    let names = JobState::ALL.map(JobState::as_str);
    PossibleValuesParser::new(names).map(|name| {
        let state = JobState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(&name));
        state.expect("clap takes these names alone")
    })
}

fn kinds() -> impl TypedValueParser<Value = JobKind> {
    let names = JobKind::ALL.map(JobKind::as_str);
    PossibleValuesParser::new(names).map(|name| {
        let kind = JobKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&name));
        kind.expect("clap takes these names alone")
    })
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let app = App::open(config, "jobs").await?;
    let result = match &options.action {
        Some(Action::Cancel(wanted)) => change::cancel(&app, wanted).await,
        Some(Action::Retry(wanted)) => change::retry(&app, wanted).await,
        None => show(&app, &options).await,
    };
    app.close().await;
    result
}

async fn show(app: &App, options: &Options) -> anyhow::Result<ExitCode> {
    let mut view = View::new(app, options.json);
    let shown = async {
        match options.id {
            Some(id) => view.one(JobId(id), options.follow).await,
            None => view.list(options).await,
        }
    };
    tokio::select! {
        result = shown => result.map(|()| ExitCode::SUCCESS),
        () = asked_to_end() => Ok(ExitCode::SUCCESS),
    }
}

/// The job of this id.
async fn one(app: &App, id: JobId) -> anyhow::Result<Job> {
    let filter = Filter::default().and(JobField::Id, Operator::Equal(id.to_string()));
    let rows = app.reader.now(&Jobs { filter, page: None }).await?;
    let Some(row) = rows.first() else { bail!("there is no job {id}") };
    Ok(row.to_model())
}

struct View<'a> {
    app: &'a App,
    names: Names,
    json: bool,
}

impl<'a> View<'a> {
    fn new(app: &'a App, json: bool) -> Self {
        Self { app, names: Names::new(app.reader.clone()), json }
    }

    async fn list(&mut self, options: &Options) -> anyhow::Result<()> {
        let follow = if options.follow { Some(follow::Changes::from_now(&self.app.reader).await?) } else { None };
        let jobs = self.newest(options).await?;
        self.names.learn(jobs.iter()).await?;
        if self.json {
            jobs.iter().try_for_each(|job| self.print_json(job))?;
        } else {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", self.table(&jobs))?;
            out.flush()?;
        }
        let Some(mut changes) = follow else { return Ok(()) };
        changes.are_known(&jobs);
        loop {
            tokio::time::sleep(LOOK).await;
            let changed = changes.next(&self.app.reader).await?;
            let is_wanted = |change: &&follow::Change| {
                let is_of_kind = options.kind.is_none_or(|kind| change.job.kind == kind);
                let states = [Some(change.job.state), change.before];
                is_of_kind && options.state.is_none_or(|state| states.contains(&Some(state)))
            };
            let wanted: Vec<&follow::Change> = changed.iter().filter(is_wanted).collect();
            self.names.learn(wanted.iter().map(|change| &change.job)).await?;
            wanted.iter().try_for_each(|change| self.print(&change.job))?;
        }
    }

    async fn newest(&self, options: &Options) -> anyhow::Result<Vec<Job>> {
        let mut filter = Filter::default();
        if let Some(state) = options.state {
            filter.add(JobField::State, Operator::Equal(state.as_str().to_owned()));
        }
        if let Some(kind) = options.kind {
            filter.add(JobField::Kind, Operator::Equal(kind.as_str().to_owned()));
        }
        let order = JobOrder::keys(Direction::Descending);
        let page = Page { end: PageEnd::First, size: options.limit, order, after: None, before: None };
        let rows = self.app.reader.now(&Jobs { filter, page: Some(page.clone()) }).await?;
        Ok(page.cut(&rows).0.into_iter().map(|row| row.to_model()).collect())
    }

    async fn one(&mut self, id: JobId, follow: bool) -> anyhow::Result<()> {
        // Lines from this number on were not printed; `None` before the first look.
        let mut next_line: Option<u32> = None;
        loop {
            // The job before its log: all lines of one that has ended are there.
            let job = one(self.app, id).await?;
            self.names.learn(std::iter::once(&job)).await?;
            let lines = self.app.reader.now(&JobLog { job: id, limit: MOST_LINES + OWN_LINES }).await?;
            if next_line.is_none() && !self.json {
                self.print_details(&job)?;
            }
            let is_last = !follow || job.state.is_ended();
            let mut out = std::io::stdout().lock();
            let from = next_line.unwrap_or_default();
            let new: Vec<JobLogLine> =
                lines.iter().map(|row| row.to_model()).filter(|line| line.number >= from).collect();
            if !self.json {
                new.iter().try_for_each(|line| writeln!(out, "{}", text::log_line(line)))?;
            }
            next_line = Some(new.last().map_or(from, |line| line.number + 1));
            out.flush()?;
            drop(out);
            if is_last {
                return if self.json || follow { self.print(&job) } else { Ok(()) };
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn print(&self, job: &Job) -> anyhow::Result<()> {
        if self.json {
            return self.print_json(job);
        }
        let time = text::second(job.ended_at_ms.or(job.started_at_ms).unwrap_or(job.created_at_ms));
        let line = format!("{time}  {:9}  {}  {}", job.state.as_str(), self.names.label(job), text::remark(job));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}  {}", job.id, line.trim_end())?;
        Ok(out.flush()?)
    }

    fn print_json(&self, job: &Job) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", self.names.json(job))?;
        Ok(out.flush()?)
    }

    fn print_details(&self, job: &Job) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}  {}", job.id, self.names.label(job))?;
        let remark = text::remark(job);
        writeln!(out, "  state      {}  {remark}", job.state.as_str())?;
        writeln!(out, "  asked by   {}", super::terminal::printable(&job.requested_by.to_string()))?;
        writeln!(out, "  asked at   {}", text::second(job.created_at_ms))?;
        if let Some(time) = job.started_at_ms {
            writeln!(out, "  began at   {}, attempt {}", text::second(time), job.attempts)?;
        }
        if let Some(time) = job.ended_at_ms {
            writeln!(out, "  ended at   {}  {}", text::second(time), text::took(job))?;
        }
        if let Some(run) = job.run {
            writeln!(out, "  run        {}", run.0)?;
        }
        Ok(())
    }

    fn table(&self, jobs: &[Job]) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["ID", "KIND", "STATE", "ABOUT", "ASKED AT", "ASKED BY", "TOOK", "REMARK"]);
        for job in jobs {
            let about = super::terminal::printable(&self.names.subject(job)).into_owned();
            // The id of the other job is shown with the job itself.
            let asked_by = match &job.requested_by {
                Requester::Job(_) => "another job".to_owned(),
                requester => super::terminal::printable(&requester.to_string()).into_owned(),
            };
            table.add_row([
                job.id.to_string(),
                job.kind.as_str().to_owned(),
                job.state.as_str().to_owned(),
                about,
                text::second(job.created_at_ms),
                asked_by,
                text::took(job),
                text::remark(job),
            ]);
        }
        table.trim_fmt()
    }
}
