//! Runs jobs in this process and shows them until all have ended: what `discover` and `sync` share.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use super::jobs::text::{self, Names};
use super::signals::asked_to_end;
use super::terminal::complain;
use crate::app::App;
use crate::jobs::{Database, JobsError, Queue, QueueOptions, SystemTime, Work};
use crate::model::{Job, JobArguments, JobId, JobKind, JobRequest, JobState, RepositoryId, Requester};
use crate::pipeline::Pipeline;

const TICK: Duration = Duration::from_millis(100);

/// Starts the queue of this process, with so many workers. `adopts`: what dead processes left is taken over.
pub async fn start_queue(app: &App, work: Arc<dyn Work>, parallel: usize, adopts: bool) -> Result<Queue, JobsError> {
    let config = &app.config;
    let options = QueueOptions {
        program: app.program.clone(),
        parallel,
        attempts: config.jobs.attempts,
        run_dir: config.run_dir(),
        is_shared: config.clickhouse.is_some(),
        adopts,
    };
    let books = Database { reader: app.reader.clone(), writer: app.writer.clone() };
    Queue::start(options, Arc::new(books), work, Arc::new(SystemTime)).await
}

/// A job that somebody at the command line asks for.
pub fn request(kind: JobKind, repository: Option<RepositoryId>, arguments: JobArguments) -> JobRequest {
    JobRequest { kind, repository, arguments, requested_by: Requester::Person("cli".to_owned()) }
}

/// Runs jobs and whatever they ask for to the end; Ctrl-C cancels them. Tells how the command ends.
pub async fn attend(app: &App, pipeline: &Pipeline, requests: Vec<JobRequest>, json: bool) -> anyhow::Result<ExitCode> {
    let queue = start_queue(app, Arc::new(pipeline.clone()), app.config.jobs.parallel, false).await?;
    let watched = watch(app, &queue, requests, json).await;
    queue.shut_down(Duration::ZERO).await;
    watched
}

async fn watch(app: &App, queue: &Queue, requests: Vec<JobRequest>, json: bool) -> anyhow::Result<ExitCode> {
    let mut updates = queue.newest();
    let mut screen = Screen::new(Names::new(app.reader.clone()), json);
    let mut elsewhere = Vec::new();
    for request in requests {
        let job = queue.enqueue(request).await?.job;
        if job.worker != Some(queue.process()) {
            screen.join(&job, &queue.holder(&job)).await?;
            elsewhere.push(job.id);
        }
    }
    // What another process does is not among our updates.
    let (told, mut heard) = mpsc::unbounded_channel();
    let all_ended = async {
        let follow = |id: &JobId| {
            let (id, told) = (*id, told.clone());
            // Who listens goes only together with this.
            queue.follow(id, move |job| drop(told.send(job)))
        };
        let ended = try_join_all(elsewhere.iter().map(follow)).await?;
        queue.idle().await;
        Ok::<Vec<Job>, JobsError>(ended)
    };
    tokio::pin!(all_ended);
    let interrupted = asked_to_end();
    tokio::pin!(interrupted);
    let mut is_cancelled = false;
    let ended = loop {
        tokio::select! {
            Some(job) = updates.next() => screen.show(job).await?,
            Some(job) = heard.recv() => screen.show(job).await?,
            ended = &mut all_ended => break ended?,
            () = &mut interrupted, if !is_cancelled => {
                is_cancelled = true;
                queue.abandon().await?;
                // What another process does goes on there, and we do not wait for it.
                if !elsewhere.is_empty() {
                    queue.idle().await;
                    break Vec::new();
                }
            }
        }
    };
    updates.end();
    while let Some(job) = updates.next().await {
        screen.show(job).await?;
    }
    for job in ended {
        screen.show(job).await?;
    }
    let failed = screen.finish();
    if is_cancelled {
        complain("cancelled");
    }
    Ok(if failed || is_cancelled { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is printed of jobs: their end on stdout, and how far they are on stderr, as bars on a terminal, else as lines.
struct Screen {
    names: Names,
    json: bool,
    bars: Option<MultiProgress>,
    /// Of running and parked jobs.
    running: HashMap<JobId, ProgressBar>,
    states: HashMap<JobId, JobState>,
    failed: bool,
}

impl Screen {
    fn new(names: Names, json: bool) -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { names, json, bars, running: HashMap::new(), states: HashMap::new(), failed: false }
    }

    /// Tells of a job that another process does.
    async fn join(&mut self, job: &Job, holder: &str) -> anyhow::Result<()> {
        self.names.learn(std::iter::once(job)).await?;
        let label = self.names.label(job);
        let words = format!("{label}: another process does it ({holder}; job {}); waiting for its end", job.id);
        self.aside(|| complain(&words));
        Ok(())
    }

    async fn show(&mut self, job: Job) -> anyhow::Result<()> {
        self.names.learn(std::iter::once(&job)).await?;
        let before = self.states.insert(job.id, job.state);
        if before.is_some_and(JobState::is_ended) {
            return Ok(());
        }
        if job.state.is_ended() {
            if let Some(bar) = self.running.remove(&job.id) {
                bar.finish_and_clear();
            }
            self.failed |= job.state != JobState::Succeeded;
            return self.aside(|| self.print_end(&job));
        }
        if let Some(bars) = &self.bars {
            if job.state != JobState::Queued {
                let bar = self.running.entry(job.id).or_insert_with(|| new_bar(bars, self.names.label(&job)));
                draw(bar, &job);
            } else if let Some(bar) = self.running.get(&job.id) {
                bar.set_message(text::remark(&job));
            }
        } else if !self.json && before != Some(job.state) && (job.state != JobState::Queued || job.attempts > 0) {
            let line =
                format!("{}: {} {}", self.names.label(&job), job.state.as_str().to_lowercase(), text::remark(&job));
            // Nobody is left to be told when stderr is gone.
            let _ = writeln!(std::io::stderr(), "{}", line.trim_end());
        }
        Ok(())
    }

    fn print_end(&self, job: &Job) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", self.names.json(job))?;
        } else {
            let parts = [self.names.label(job), text::took(job), text::remark(job)];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            writeln!(out, "{:9}  {}", job.state.as_str(), parts.join("  "))?;
        }
        Ok(out.flush()?)
    }

    /// Prints while no bar stands in the way.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    /// Takes the bars away; tells whether anything failed or was cancelled.
    fn finish(self) -> bool {
        self.running.values().for_each(ProgressBar::finish_and_clear);
        self.failed
    }
}

fn new_bar(bars: &MultiProgress, label: String) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner().with_prefix(label));
    bar.enable_steady_tick(TICK);
    bar
}

fn draw(bar: &ProgressBar, job: &Job) {
    let template = match job.progress.total {
        0 => "{spinner} {prefix}  {msg}",
        _ => "{spinner} {prefix}  {wide_bar} {human_pos}/{human_len}  {msg}",
    };
    // The template is ours; a bar without it is a plain one.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_length(job.progress.total);
    bar.set_position(job.progress.done);
    bar.set_message(match job.progress.total {
        0 => text::remark(job),
        _ => super::terminal::printable(&format!("{} {}", job.progress.unit, job.progress.message)).into_owned(),
    });
}
