//! The body of `kubestats engine`: start, say "ready", serve, stop.
//!
//! The parent holds the other end of stdin. Its end — also when the parent is killed — ends this process, so that
//! no engine is left behind with the directory locked.

use super::authentication::Authentication;
use super::chdb::exit_now;
use super::endpoint::Endpoint;
use super::host::Host;
use super::http::{self, Context};
use super::lock::DirectoryLock;
use super::{EngineError, EngineOptions, configuration};
use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The line on stdout that says the engine answers; in the test mode the URL follows.
pub(super) const READY: &str = "ready";
/// Stands before the one line on stderr that says why the engine could not start.
pub(super) const ERROR_PREFIX: &str = "kubestats engine: ";

// The engine parses deep statements recursively, as on a server's threads.
const STACK_BYTES: usize = 8 << 20;
// Beyond the requests: cancellations and the stop.
const SPARE_THREADS: usize = 16;
// A stop that takes longer has met a bug; the data are safe at any moment.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// Serves the engine until stdin ends or SIGTERM or SIGINT comes, then ends the process with status 0.
///
/// Takes the directory's lock, loads the library and prints `ready` on stdout once it answers.
///
/// # Errors
/// Only before `ready`; the reason also stands as one line on stderr.
pub fn run(options: EngineOptions) -> Result<Infallible, EngineError> {
    let error = match serve(&options) {
        Ok(()) => exit_now(0),
        Err(error) => error,
    };
    eprintln!("{ERROR_PREFIX}{error}");
    Err(error)
}

fn serve(options: &EngineOptions) -> Result<(), EngineError> {
    if !options.directory.is_absolute() {
        return Err(EngineError::RelativeDirectory(options.directory.clone()));
    }
    let stop = stop_at_end_of_stdin();
    configuration::create_private_directory(&options.directory)?;
    let _lock = DirectoryLock::take(&options.directory, &options.holder)?;
    let runtime = runtime(options)?;
    let endpoint = runtime.block_on(Endpoint::bind(options))?;
    let host = Host::start(options)?;
    runtime.block_on(serve_until_stopped(options, endpoint, host, stop))
}

fn runtime(options: &EngineOptions) -> Result<Runtime, EngineError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(options.max_concurrent_queries.max(1) + SPARE_THREADS)
        .thread_stack_size(STACK_BYTES)
        .thread_name("engine-http")
        .enable_all()
        .build()
        .map_err(EngineError::io("start the engine's threads"))
}

async fn serve_until_stopped(
    options: &EngineOptions,
    endpoint: Endpoint,
    host: Arc<Host>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), EngineError> {
    let listen_to = |kind| signal(kind).map_err(EngineError::io("listen to signals"));
    let (terminate, interrupt) = (listen_to(SignalKind::terminate())?, listen_to(SignalKind::interrupt())?);
    let credentials = options.credentials.as_ref();
    let authentication = credentials.map(|(user, password)| Arc::new(Authentication::new(user, password)));
    let router = http::router(Context { host: Arc::clone(&host), authentication });

    let address = endpoint.address().map_err(EngineError::io("ask for the address"))?;
    let (closing, mut closed) = watch::channel(false);
    let server = tokio::spawn(endpoint.serve(router, async move {
        let _ = closed.wait_for(|closed| *closed).await;
    }));
    announce(address).map_err(EngineError::io("say that the engine is ready"))?;

    wait_for_stop(&mut stop, terminate, interrupt).await;
    end_at_the_latest_after(LONGEST_STOP);
    let _ = closing.send(true);
    if host.stop().await {
        // The last answers are on their way; a client that does not read them is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), server).await;
    }
    Ok(())
}

fn announce(address: Option<SocketAddr>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match address {
        None => writeln!(stdout, "{READY}")?,
        Some(address) => writeln!(stdout, "{READY} http://{address}")?,
    }
    stdout.flush()
}

async fn wait_for_stop(stdin: &mut watch::Receiver<bool>, mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = stdin.wait_for(|ended| *ended) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

// A thread of its own: it must work while the engine starts and when the runtime hangs.
fn stop_at_end_of_stdin() -> watch::Receiver<bool> {
    let (ended, receiver) = watch::channel(false);
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(true);
        thread::sleep(LONGEST_STOP);
        exit_now(1);
    });
    receiver
}

fn end_at_the_latest_after(patience: Duration) {
    thread::spawn(move || {
        thread::sleep(patience);
        exit_now(1);
    });
}
