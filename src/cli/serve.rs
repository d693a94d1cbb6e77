//! `kubestats serve`: the API and the playground.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::config::Config;
use crate::{graphql, http};

pub const HELP: &str = "\
Prints where the playground and the API are reached and where the data lie, then serves until Ctrl-C or SIGTERM: /playground/, \
/graphql (POST, and GET for queries), /healthz and /readyz. Log lines go to stderr.

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
    let playground = playground_folder(&app.config);
    let address = listener.local_addr()?;
    announce(&app, address, playground.is_some())?;
    let context = http::Context {
        schema: graphql::schema(None),
        reader: app.reader.clone(),
        jobs: None,
        webhook_secret: None,
        playground,
    };
    let served = http::serve(listener, context, shutdown()).await;
    app.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
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

fn announce(app: &App, address: SocketAddr, playground: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let data = app.config.data_dir.display();
    writeln!(out, "kubestats {}", env!("CARGO_PKG_VERSION"))?;
    if playground {
        writeln!(out, "  playground  http://{address}/playground/")?;
    } else {
        writeln!(out, "  playground  not built; `make setup` builds it")?;
    }
    writeln!(out, "  API         http://{address}/graphql")?;
    writeln!(out, "  data        {data}")?;
    let program = std::env::current_exe().unwrap_or_else(|_| "kubestats".into());
    writeln!(out, "  scan        {} scan --data {data} https://github.com/onedr0p/home-ops", program.display())?;
    out.flush()
}

/// Ends on Ctrl-C or SIGTERM.
async fn shutdown() {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        tracing::warn!("signals cannot be listened to; only SIGKILL ends the server");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("shutting down");
}
