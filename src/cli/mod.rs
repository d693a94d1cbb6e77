//! The command line.

mod attend;
mod completions;
mod config;
mod discover;
mod engine;
mod events;
mod jobs;
mod query;
mod scan;
mod serve;
mod signals;
mod sync;
mod terminal;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, ConfigError, Overrides};
use crate::{graphql, telemetry};

/// Time that threads get to end which nobody waits for any more.
const LEAVING: Duration = Duration::from_secs(1);
/// Bytes of the stack of a thread. Fields and values of a request are resolved on it level by level, and the usual 2 MiB are too few for all
/// that limits allow where the program is not optimised. What is not used takes no memory.
const STACK: usize = 16 << 20;

#[derive(Parser)]
#[command(name = "kubestats", version, about = "Lifecycle analytics for Kubernetes GitOps repositories", long_about = LONG_ABOUT, after_help = EXAMPLES, after_long_help = HELP)]
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
  kubestats serve                                       API and playground on port 8080
  kubestats query --table '{ repositories { nodes { fullName eventCount } } }'

`kubestats --help` and `kubestats COMMAND --help` say more.";

const HELP: &str = "\
Examples:
  kubestats scan https://github.com/onedr0p/home-ops
  kubestats scan ~/src/cluster backups/*.bundle
  kubestats serve
  kubestats query --table '{ repositories { nodes { fullName eventCount } } }'
  kubestats config show

Where data lie: the database, the mirrors of repositories, and the key that secrets are digested with lie in one folder, \
~/.local/share/kubestats (or $XDG_DATA_HOME/kubestats) unless --data, KUBESTATS_DATA_DIR or data_dir in the configuration \
names another. One process at a time holds it; while `kubestats serve` runs, the other commands use its engine.

Configuration: `kubestats config default` prints a documented file, `kubestats config show` what is in force and why.

Credentials for git: see `kubestats scan --help`.

Exit status: 0 when all went well; 1 when something failed, with a line on stderr that begins with `kubestats: `; 2 when the \
arguments are wrong.";

const SCHEMA_HELP: &str = "\
Prints the schema in GraphQL's schema definition language, with a description of every type and field. It needs neither data \
nor configuration.

Examples:
  kubestats schema
  kubestats schema > schema.graphql

Exit status: 0; 2 when the arguments are wrong.";

const MIGRATE_HELP: &str = "\
Prints the migrations it applied, or that there was nothing to do. The other commands migrate too when they start; this one is \
for those who want it done before, for example on a ClickHouse server.

Examples:
  kubestats migrate
  KUBESTATS_CLICKHOUSE__URL=http://localhost:8123 kubestats migrate

Exit status: 0 when the schema is up to date; 1 when the database cannot be reached or was written by a newer kubestats; 2 when \
the arguments are wrong.";

#[derive(Subcommand)]
enum Command {
    /// Serve the GraphQL API and the playground
    #[command(after_long_help = serve::HELP)]
    Serve(serve::Options),
    /// Read the whole history of repositories and store their resources and events
    #[command(after_long_help = scan::HELP)]
    Scan(scan::Options),
    /// Find repositories on forges, and sync and scan them
    #[command(after_long_help = discover::HELP)]
    Discover(discover::Options),
    /// Visit repositories: their metrics, what was pushed, and its scan
    #[command(after_long_help = sync::HELP)]
    Sync(sync::Options),
    /// List jobs, or show one with its log
    #[command(after_long_help = jobs::HELP)]
    Jobs(jobs::Options),
    /// Run a GraphQL document against the data and print the answer
    #[command(after_long_help = query::HELP)]
    Query(query::Options),
    /// Print the stored events of a repository, in walk order
    #[command(after_long_help = events::HELP)]
    Events(events::Options),
    /// Print the GraphQL schema
    #[command(after_long_help = SCHEMA_HELP)]
    Schema,
    /// Bring the database's schema up to date
    #[command(after_long_help = MIGRATE_HELP)]
    Migrate,
    /// Show the configuration in force, or print the documented defaults
    #[command(after_long_help = config::HELP)]
    Config(config::Options),
    /// Print a script that completes commands and options in a shell
    #[command(after_long_help = completions::HELP)]
    Completions(completions::Options),
    /// Run the embedded ClickHouse (started by the other commands)
    #[command(hide = true)]
    Engine(engine::Options),
}

/// The arguments that the program takes, with all their help.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            match error.downcast_ref() {
                Some(ConfigError::Invalid(problems)) => {
                    problems.iter().for_each(|problem| terminal::complain(&problem.to_string()));
                }
                // One line: what was attempted and why it failed.
                _ => terminal::complain(&in_one_line(&error)),
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let overrides =
        Overrides { config_file: arguments.config, data_dir: arguments.data, listen: arguments.command.listen() };
    match &arguments.command {
        Command::Schema => {
            std::io::stdout().write_all(graphql::sdl().as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Completions(options) => return completions::run(options),
        Command::Config(options) => return config::run(options, &overrides),
        _ => {}
    }
    let mut config = Config::load(&overrides)?;
    config.open_data_dir()?;
    telemetry::start(&config.log)?;
    if let Command::Engine(options) = arguments.command {
        return engine::run(&config, options);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?;
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Serve(_) => serve::run(config).await,
            Command::Scan(options) => scan::run(config, options).await,
            Command::Discover(options) => discover::run(config, options).await,
            Command::Sync(options) => sync::run(config, options).await,
            Command::Jobs(options) => jobs::run(config, options).await,
            Command::Query(options) => query::run(config, options).await,
            Command::Events(options) => events::run(config, options).await,
            Command::Migrate => migrate(config).await,
            Command::Schema | Command::Completions(_) | Command::Config(_) | Command::Engine(_) => {
                Ok(ExitCode::SUCCESS)
            }
        }
    });
    // What was given up may still wait for somebody who never answers.
    runtime.shutdown_timeout(LEAVING);
    result
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

/// What was attempted and why it failed. An error that names its cause itself is not followed by it once more.
fn in_one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        said if said.ends_with(&cause) => line,
        said => format!("{said}: {cause}"),
    })
}

/// Whether the reader of our output (`| head`) has gone away.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
