//! `kubestats engine`: the embedded ClickHouse as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Config;
use crate::store::engine::{self, EngineOptions};

#[derive(Args)]
pub struct Options {
    /// The Unix socket to serve [default: run/engine.sock in the data folder]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The engine's library [default: in the user's cache folder, where `make setup` puts it]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Test mode: serve on this loopback address (port 0: any free one) in place of a ClickHouse server
    #[arg(long, value_name = "ADDRESS", requires = "user", requires = "password")]
    listen: Option<SocketAddr>,
    /// User that requests to the test mode must name
    #[arg(long, requires = "listen")]
    user: Option<String>,
    /// Password that requests to the test mode must carry; of a test, since everybody on the machine sees arguments
    #[arg(long, requires = "listen")]
    password: Option<String>,
    /// Who starts the engine, for the message that a second process gets
    #[arg(long, default_value = "kubestats engine")]
    holder: String,
}

/// Runs until stdin ends or SIGTERM comes; what goes wrong is told on stderr by the engine itself.
pub fn run(config: &Config, options: Options) -> anyhow::Result<ExitCode> {
    let configured = options.library.as_deref().or(config.engine.library.as_deref());
    let options = EngineOptions {
        directory: config.engine_dir(),
        socket: options.socket.unwrap_or_else(|| config.engine_socket()),
        library: engine::find_library(configured, config.engine.cache_home.as_deref())?,
        listen: options.listen,
        credentials: options.user.zip(options.password),
        memory_limit_bytes: config.engine.memory_bytes,
        max_concurrent_queries: config.engine.max_concurrent_queries,
        holder: options.holder,
    };
    match engine::run(options) {
        Err(_) => Ok(ExitCode::FAILURE),
    }
}
