//! The command line.

mod engine;
mod events;
mod query;
mod scan;
mod serve;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, Overrides};
use crate::{graphql, telemetry};

#[derive(Parser)]
#[command(name = "kubestats", version, about = "Lifecycle analytics for Kubernetes GitOps repositories", long_about = LONG_ABOUT, after_help = EXAMPLES)]
struct Arguments {
    /// Folder where everything lies: the database, the mirrors, keys [env: KUBESTATS_DATA_DIR; default: ~/.local/share/kubestats]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Configuration file (TOML) [env: KUBESTATS_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const LONG_ABOUT: &str = "kubestats mirrors Git repositories with Kubernetes manifests, reads their whole history and \
    keeps every resource and every lifecycle event (CREATED, MODIFIED, DELETED, with what changed) in ClickHouse. A GraphQL \
    API answers questions about them; `kubestats serve` brings it up with a playground.";

const EXAMPLES: &str = "\
Examples:
  kubestats scan https://github.com/onedr0p/home-ops   read a repository's whole history
  kubestats scan ~/src/cluster backups/*.bundle         local repositories and bundles
  kubestats serve                                       API and playground on port 8080
  kubestats query '{ repositories { nodes { fullName resourceCount } } }'";

#[derive(Subcommand)]
enum Command {
    /// Serve the GraphQL API and the playground
    Serve(serve::Options),
    /// Read the whole history of repositories and store their resources and events
    Scan(scan::Options),
    /// Run a GraphQL document against the data and print JSON
    Query(query::Options),
    /// Print the stored events of a repository, in walk order
    Events(events::Options),
    /// Print the GraphQL schema
    Schema,
    /// Bring the database's schema up to date
    Migrate,
    /// Run the embedded ClickHouse (started by the other commands)
    #[command(hide = true)]
    Engine(engine::Options),
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: what was attempted and why it failed.
            let _ = writeln!(std::io::stderr(), "kubestats: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let overrides =
        Overrides { config_file: arguments.config, data_dir: arguments.data, listen: arguments.command.listen() };
    if let Command::Schema = arguments.command {
        std::io::stdout().write_all(graphql::sdl().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(&overrides)?;
    telemetry::start(&config.log)?;
    if let Command::Engine(options) = arguments.command {
        return engine::run(&config, options);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve(_) => serve::run(config).await,
            Command::Scan(options) => scan::run(config, options).await,
            Command::Query(options) => query::run(config, options).await,
            Command::Events(options) => events::run(config, options).await,
            Command::Migrate => migrate(config).await,
            Command::Schema | Command::Engine(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

impl Command {
    fn listen(&self) -> Option<SocketAddr> {
        match self {
            Self::Serve(options) => options.listen,
            _ => None,
        }
    }
}

async fn migrate(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::open(config, "migrate").await?;
    let mut out = std::io::stdout().lock();
    for name in &app.migrated {
        writeln!(out, "applied {name}")?;
    }
    if app.migrated.is_empty() {
        writeln!(out, "the schema is up to date")?;
    }
    drop(out);
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Whether the reader of our output (`| head`) has gone away.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
