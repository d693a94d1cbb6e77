//! The parent's side: starts the engine, starts it again when it dies, ends it at shutdown.

use super::process::{ERROR_PREFIX, READY};
use super::{EngineError, connector, lock};
use clickhouse::Client;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time;

// From the second failed attempt on; the first restart is immediate.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
// An engine that lived this long was no failed attempt.
const STEADY: Duration = Duration::from_secs(1);
// Longer than the child's own limit for a stop.
const LONGEST_STOP: Duration = Duration::from_secs(12);
const READY_POLL: Duration = Duration::from_millis(10);

/// How to start the child.
#[derive(Debug, Clone)]
pub struct EngineCommand {
    /// The program, usually this one.
    pub program: PathBuf,
    /// Its arguments, from `engine` on.
    pub arguments: Vec<OsString>,
    /// ClickHouse's data, as the child will have it in [`super::EngineOptions::directory`].
    pub directory: PathBuf,
    /// The socket the child will serve.
    pub socket: PathBuf,
    /// How long a start may take, loading the tables included.
    pub startup_timeout: Duration,
}

/// A running engine. Clones share it; it ends with [`Supervisor::shutdown`] or with the last clone.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task tells the handles.
#[derive(Debug, Clone, Default)]
struct State {
    pid: Option<u32>,
    restarts: u64,
    stopped: bool,
}

impl Supervisor {
    /// Starts the engine and waits until it answers.
    ///
    /// # Errors
    /// [`EngineError::Held`] when another process has the directory, [`EngineError::NotStarted`] with the child's own
    /// words when it ends early, [`EngineError::NotReady`] after the start-up timeout.
    pub async fn start(command: EngineCommand) -> Result<Self, EngineError> {
        let engine = Engine::launch(&command).await?;
        let (stop, stopped) = watch::channel(false);
        let (state, state_seen) = watch::channel(State { pid: engine.child.id(), ..State::default() });
        let client = connector::client(&command.socket);
        let task = tokio::spawn(keep_running(command, engine, state, stopped));
        Ok(Self { shared: Arc::new(Shared { client, state: state_seen, stop, task: Mutex::new(Some(task)) }) })
    }

    /// A client of the engine; it keeps working across restarts.
    pub fn client(&self) -> Client {
        self.shared.client.clone()
    }

    /// Resolves when the engine answers a statement: at once, or after a restart.
    ///
    /// # Errors
    /// [`EngineError::NotReady`] after `wait`, [`EngineError::Stopped`] after a shutdown.
    pub async fn ready(&self, wait: Duration) -> Result<(), EngineError> {
        let answered = time::timeout(wait, async {
            let mut state = self.shared.state.clone();
            loop {
                match state.wait_for(|state| state.stopped || state.pid.is_some()).await {
                    Ok(state) if !state.stopped => {}
                    _ => return Err(EngineError::Stopped),
                }
                // The child may have died without anybody having noticed yet: only an answer counts.
                if self.shared.client.query("SELECT 1").fetch_one::<u8>().await.is_ok() {
                    return Ok(());
                }
                time::sleep(READY_POLL).await;
            }
        });
        answered.await.unwrap_or(Err(EngineError::NotReady(wait)))
    }

    /// How often the engine was started again.
    pub fn restarts(&self) -> u64 {
        self.shared.state.borrow().restarts
    }

    /// The child's process id; `None` between two lives.
    pub fn pid(&self) -> Option<u32> {
        self.shared.state.borrow().pid
    }

    /// Ends the engine: asks it to, waits at most about 12 s, then kills it. Other clones see it stopped.
    pub async fn shutdown(self) {
        let _ = self.shared.stop.send(true);
        let task = self.shared.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(target: "engine", %error, "the engine's supervisor failed");
        }
    }
}

/// One life of the child.
struct Engine {
    child: Child,
    /// Its end is the child's order to stop.
    stdin: Option<ChildStdin>,
    started: Instant,
}

impl Engine {
    async fn launch(command: &EngineCommand) -> Result<Self, EngineError> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the parent, which then ends the child in order.
            .process_group(0)
            .spawn()
            .map_err(EngineError::io(format!("start {}", command.program.display())))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(EngineError::NotStarted { reason: "it has no pipes".to_owned() });
        };
        let words = tokio::spawn(relay(BufReader::new(stderr).lines()));
        let mut engine = Self { child, stdin: Some(stdin), started: Instant::now() };
        let mut output = BufReader::new(stdout).lines();
        match time::timeout(command.startup_timeout, wait_for_ready(&mut output)).await {
            Ok(true) => {
                tokio::spawn(relay(output));
                Ok(engine)
            }
            Ok(false) => Err(engine.explain(command, words).await),
            Err(_) => {
                let _ = engine.child.kill().await;
                Err(EngineError::NotReady(command.startup_timeout))
            }
        }
    }

    /// Why the child ended without having answered.
    async fn explain(&mut self, command: &EngineCommand, words: JoinHandle<Option<String>>) -> EngineError {
        let status = self.end().await;
        if let Some(holder) = lock::holder(&command.directory) {
            return EngineError::Held { directory: command.directory.clone(), holder };
        }
        let last_words = words.await.ok().flatten();
        EngineError::NotStarted { reason: last_words.unwrap_or(status) }
    }

    /// Ends the child in order, or by force when it does not end in time; answers how it ended.
    async fn end(&mut self) -> String {
        self.stdin = None;
        if let Ok(ended) = time::timeout(LONGEST_STOP, self.child.wait()).await {
            return describe(ended);
        }
        tracing::warn!(target: "engine", "the engine does not stop, it is killed");
        let _ = self.child.kill().await;
        "it was killed".to_owned()
    }
}

async fn keep_running(
    command: EngineCommand,
    mut engine: Engine,
    state: watch::Sender<State>,
    mut stop: watch::Receiver<bool>,
) {
    let mut backoff = Duration::ZERO;
    loop {
        let ended = tokio::select! {
            ended = engine.child.wait() => describe(ended),
            () = stopped(&mut stop) => break,
        };
        state.send_modify(|state| state.pid = None);
        tracing::warn!(target: "engine", reason = ended, "the engine ended, it is started again");
        if engine.started.elapsed() > STEADY {
            backoff = Duration::ZERO;
        }
        let restarted = tokio::select! {
            restarted = restart(&command, &mut backoff) => restarted,
            () = stopped(&mut stop) => break,
        };
        engine = restarted;
        state.send_modify(|state| {
            state.pid = engine.child.id();
            state.restarts += 1;
        });
        tracing::info!(target: "engine", pid = engine.child.id(), "the engine answers again");
    }
    engine.end().await;
    state.send_modify(|state| {
        state.pid = None;
        state.stopped = true;
    });
}

/// Tries until the engine answers: a full disk or a directory in use may pass.
async fn restart(command: &EngineCommand, backoff: &mut Duration) -> Engine {
    loop {
        time::sleep(*backoff).await;
        *backoff = (*backoff * 2).clamp(FIRST_BACKOFF, LONGEST_BACKOFF);
        match Engine::launch(command).await {
            Ok(engine) => return engine,
            Err(error) => {
                tracing::error!(target: "engine", %error, retry_in = ?*backoff, "the engine does not start")
            }
        }
    }
}

// Also when the last handle is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn wait_for_ready(output: &mut Lines<BufReader<ChildStdout>>) -> bool {
    while let Ok(Some(line)) = output.next_line().await {
        if line == READY {
            return true;
        }
    }
    false
}

/// Writes the child's lines into the log until they end; answers its error line, or else the last one.
async fn relay<R: AsyncRead + Unpin>(mut lines: Lines<BufReader<R>>) -> Option<String> {
    let mut last = None;
    let mut error = None;
    while let Ok(Some(line)) = lines.next_line().await {
        match line.strip_prefix(ERROR_PREFIX) {
            // Logged by whoever handles the failed start.
            Some(reason) => error = Some(reason.to_owned()),
            None => {
                tracing::info!(target: "engine", "{line}");
                last = Some(line);
            }
        }
    }
    error.or(last)
}

fn describe(ended: std::io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => status.to_string(),
        Err(error) => format!("it cannot be waited for: {error}"),
    }
}
