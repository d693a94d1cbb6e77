//! `kubestats serve`: the API and the playground.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::attend::start_queue;
use super::signals::asked_to_end;
use crate::app::App;
use crate::config::Config;
use crate::graphql::Documents;
use crate::jobs::{Clock, Enqueued, JobsError, ScheduleRule, Service};
use crate::model::{JobArguments, JobKind, JobRequest, Requester};
use crate::store::query::{Direction, Filter, Page, PageEnd, Repositories, RepositoryOrder};
use crate::{graphql, http};

/// The schedule that looks for repositories.
const DISCOVERY: &str = "discovery";

pub const HELP: &str = "\
Prints where the playground and the API are reached and where the data lie, then serves until Ctrl-C or SIGTERM: /playground/, \
/graphql (POST, and GET for queries), /healthz and /readyz. Log lines go to stderr.

Meanwhile it looks for repositories, visits them and scans what is new, by its clock (`schedules` in the configuration); a server \
that knows none yet begins at once. `kubestats jobs` shows what it does. When it is told to end, running jobs get \
jobs.shutdown_seconds; what has not ended then, or was killed, is picked up by the next server.

There are no accounts: keep the server on loopback, or put a proxy with authentication before it.

Examples:
  kubestats serve
  kubestats serve --listen 127.0.0.1:9000
  KUBESTATS_SERVER__LISTEN=[::1]:8080 kubestats serve
  KUBESTATS_CLICKHOUSE__URL=http://localhost:8123 kubestats serve

Exit status: 0 when it was asked to end; 1 when the address is taken, another server holds the data directory, or the database \
cannot be reached; 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} cannot be listened on; --listen takes another address", config.listen))?;
    let app = App::open(config, "serve").await?;
    let result = serve(&app, listener).await;
    app.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn serve(app: &App, listener: TcpListener) -> anyhow::Result<()> {
    let playground = playground_folder(&app.config);
    let documents = documents(&app.config)?;
    let service = start_jobs(app).await?;
    announce(app, listener.local_addr()?, playground.is_some())?;
    let context = http::Context {
        schema: graphql::schema(Some(service.clone()), app.limits()).knowing(documents),
        reader: app.api_reader(),
        jobs: Some(service.clone()),
        webhook_secret: app.config.github.webhook_secret.as_deref().map(Into::into),
        playground,
    };
    // Requests and jobs end side by side: neither waits for the other.
    let (end, ended) = watch::channel(false);
    let is_over = |mut ended: watch::Receiver<bool>| async move {
        // Without a sender there is nothing to wait for either.
        let _ = ended.wait_for(|is_over| *is_over).await;
    };
    let served = async {
        let served = http::serve(listener, context, is_over(ended.clone())).await;
        end.send_replace(true);
        served
    };
    let jobs = async {
        is_over(ended.clone()).await;
        service.clock.stop().await;
        service.queue.shut_down(app.config.jobs.shutdown).await;
    };
    let signal = async {
        tokio::select! {
            () = asked_to_end() => tracing::info!("shutting down"),
            () = is_over(ended.clone()) => {}
        }
        end.send_replace(true);
    };
    let (served, (), ()) = tokio::join!(served, jobs, signal);
    Ok(served?)
}

/// The documents that requests may name, or the only ones that are run.
fn documents(config: &Config) -> anyhow::Result<Documents> {
    match &config.trusted_documents {
        Some(folder) => Documents::trusted(folder).context("query.trusted_documents"),
        None => Ok(Documents::default()),
    }
}

/// Starts the queue and the clock. A server that knows no repository looks for some at once.
async fn start_jobs(app: &App) -> anyhow::Result<Service> {
    let pipeline = app.pipeline().await?;
    let queue = start_queue(app, Arc::new(pipeline.clone()), app.config.jobs.parallel, true).await?;
    let clock = Clock::start(queue.clone(), schedules(&app.config)).await?;
    let service = Service::new(queue, clock, pipeline);
    if app.config.discovery.is_enabled && !knows_repositories(app).await? {
        discover(&service).await?;
    }
    Ok(service)
}

async fn discover(service: &Service) -> Result<Enqueued, JobsError> {
    let requested_by = Requester::Clock(DISCOVERY.to_owned());
    let arguments = JobArguments::default();
    service.queue.enqueue(JobRequest { kind: JobKind::Discover, repository: None, arguments, requested_by }).await
}

async fn knows_repositories(app: &App) -> anyhow::Result<bool> {
    let order = RepositoryOrder::keys(&[(RepositoryOrder::FullName, Direction::Ascending)]);
    let page = Some(Page { end: PageEnd::First, size: 1, order, after: None, before: None });
    let first = app.reader.snapshot().await?.fetch(&Repositories { filter: Filter::default(), page }).await?;
    Ok(!first.is_empty())
}

fn schedules(config: &Config) -> Vec<ScheduleRule> {
    let schedules = &config.schedules;
    // By itself a server looks for repositories only where it may.
    let discovery = schedules.discovery.clone().filter(|_| config.discovery.is_enabled);
    vec![
        ScheduleRule { name: DISCOVERY, kind: JobKind::Discover, cron: discovery },
        ScheduleRule { name: "sync", kind: JobKind::Sync, cron: schedules.sync.clone() },
        ScheduleRule { name: "aggregation", kind: JobKind::Aggregate, cron: schedules.aggregation.clone() },
        ScheduleRule { name: "retention", kind: JobKind::Retain, cron: schedules.retention.clone() },
    ]
}

/// The built playground: as configured, or beside the program or in a folder above it.
fn playground_folder(config: &Config) -> Option<PathBuf> {
    let built = |folder: &Path| folder.join("index.html").is_file();
    if let Some(configured) = &config.playground_dir {
        return Some(configured.clone()).filter(|folder| built(folder));
    }
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).map(|folder| folder.join("playground/dist")).find(|folder| built(folder))
}

/// Tells where everything is, at once: whoever waits for the address may read no further.
fn announce(app: &App, address: SocketAddr, playground: bool) -> std::io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let playground = match playground {
        true => format!("http://{address}/playground/"),
        false => "not built; `make setup` builds it".to_owned(),
    };
    let data = app.config.data_dir.display();
    let discovery = discovery(&app.config);
    let program = std::env::current_exe().unwrap_or_else(|_| "kubestats".into());
    let program = program.display();
    let text = format!(
        "kubestats {version}
  playground  {playground}
  API         http://{address}/graphql
  data        {data}
  discovery   {discovery}
  scan        {program} scan --data {data} https://github.com/onedr0p/home-ops
"
    );
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether repositories are looked for, and what a token would bring where there is none.
fn discovery(config: &Config) -> String {
    if !config.discovery.is_enabled {
        return "off (discovery.enabled)".to_owned();
    }
    let queries = config.discovery.queries.len();
    match config.github.token {
        Some(_) => format!("on, {queries} queries, with a token"),
        None => format!(
            "on, {queries} queries; without github.token GitHub answers 60 requests an hour: a token without any rights makes it 5,000"
        ),
    }
}
