//! A running git: its process group, its messages, its end.

use std::io::{Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::GitError;
use super::fetch::FetchProgress;
use super::url::redact;

/// Where a fetch's progress goes.
pub(super) type ProgressSender = Sender<FetchProgress>;

/// Messages kept of one command, and bytes of each: a server may print as many as it likes.
const KEPT_LINES: usize = 50;
const LINE_LIMIT: usize = 500;

/// A git process in a group of its own, killed with all its children when this value is dropped.
pub(super) struct Running {
    child: Child,
    command: &'static str,
    messages: Option<JoinHandle<Vec<String>>>,
    ended: bool,
}

/// How a git ended, and what it said.
pub(super) struct Outcome {
    pub success: bool,
    /// The one line that tells why it failed, fit to be shown.
    pub line: String,
    /// All lines, for looking at only.
    pub messages: Vec<String>,
}

/// How waiting for a command came out.
pub(super) enum Waited {
    Ended,
    OutOfTime,
    Stopped,
}

impl Running {
    pub fn new(mut child: Child, command: &'static str, progress: Option<ProgressSender>) -> Self {
        let messages = child.stderr.take().map(|stderr| std::thread::spawn(move || read_messages(stderr, progress)));
        Self { child, command, messages, ended: false }
    }

    /// The standard output; empty when it was taken before.
    pub fn take_output(&mut self) -> Output {
        Output(self.child.stdout.take())
    }

    /// The standard input; writes fail when it was taken before, or not piped.
    pub fn take_input(&mut self) -> Input {
        Input(self.child.stdin.take())
    }

    /// Waits for the end, at most until `deadline`, and as long as `keep_on` says yes.
    pub fn wait_until(&mut self, deadline: Instant, mut keep_on: impl FnMut() -> bool) -> Result<Waited, GitError> {
        let mut pause = Duration::from_millis(1);
        loop {
            if self.child.try_wait().map_err(GitError::io("waiting for git"))?.is_some() {
                self.ended = true;
                return Ok(Waited::Ended);
            }
            if Instant::now() >= deadline {
                return Ok(Waited::OutOfTime);
            }
            if !keep_on() {
                return Ok(Waited::Stopped);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Waits for the end; an unsuccessful one is [`GitError::Failed`] with git's telling line.
    pub fn finish(self) -> Result<(), GitError> {
        let command = self.command;
        let Outcome { success, line, .. } = self.outcome()?;
        match success {
            true => Ok(()),
            false if is_out_of_memory(&line) => Err(GitError::NoMemory { command }),
            false => Err(GitError::Failed { command, line }),
        }
    }

    /// Waits for the end and says how it was.
    pub fn outcome(mut self) -> Result<Outcome, GitError> {
        let status = self.child.wait().map_err(GitError::io("waiting for git"))?;
        self.ended = true;
        let messages = self.messages.take().and_then(|thread| thread.join().ok());
        let messages = messages.unwrap_or_default();
        Ok(Outcome { success: status.success(), line: telling_line(&messages, status), messages })
    }

    fn kill_group(&mut self) {
        let Ok(group) = i32::try_from(self.child.id()) else {
            return;
        };
        // SAFETY: `kill` takes no pointers. The child leads its own process group and was not waited for yet, so the
        // number still belongs to that group.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.kill_group();
            // Nobody is left to tell a failure to; waiting frees the process's entry.
            let _ = self.child.wait();
        }
    }
}

/// Has a command limit its memory before it becomes git, so that whatever git starts is limited, too, however busy the machine is. It costs
/// a fork where a spawn would do.
#[cfg(target_os = "linux")]
pub(super) fn limit_memory_from_the_start(command: &mut std::process::Command, bytes: u64) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use std::os::unix::process::CommandExt;
    let limit = move || {
        // Fails where there is a lower limit already.
        let _ = setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) });
        Ok(())
    };
    // SAFETY: between fork and exec nothing runs but one system call, which takes no lock and no memory.
    unsafe { command.pre_exec(limit) };
}

#[cfg(not(target_os = "linux"))]
pub(super) fn limit_memory_from_the_start(_: &mut std::process::Command, _: u64) {}

/// The standard output of a [`Running`].
pub(super) struct Output(Option<ChildStdout>);

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |output| output.read(buffer))
    }
}

/// The standard input of a [`Running`].
pub(super) struct Input(Option<ChildStdin>);

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.0 {
            Some(input) => input.write(bytes),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads git's messages to their end: progress is sent on, the first other lines are kept.
fn read_messages(mut stderr: ChildStderr, progress: Option<ProgressSender>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        for byte in &buffer[..count] {
            match byte {
                b'\r' | b'\n' => {
                    take_line(&String::from_utf8_lossy(&line), progress.as_ref(), &mut kept);
                    line.clear();
                }
                _ if line.len() < LINE_LIMIT => line.push(*byte),
                _ => {}
            }
        }
    }
    take_line(&String::from_utf8_lossy(&line), progress.as_ref(), &mut kept);
    kept
}

fn take_line(line: &str, progress: Option<&ProgressSender>, kept: &mut Vec<String>) {
    if let Some(parsed) = FetchProgress::parse(line) {
        if let Some(sender) = progress {
            // The receiver is gone only when the fetch is given up.
            let _ = sender.send(parsed);
        }
    } else if !line.trim().is_empty() && kept.len() < KEPT_LINES {
        kept.push(line.trim().to_owned());
    }
}

/// Git's own words, and those of zlib, when there is no more memory than they have.
pub(super) fn is_out_of_memory(line: &str) -> bool {
    line.contains("out of memory") || line.contains("Out of memory")
}

/// The one line that tells why git failed: the first error of the other side, else the first of this one (later ones follow
/// from it), else the last line.
fn telling_line(messages: &[String], status: ExitStatus) -> String {
    let error = |line: &str| {
        let text = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: "));
        text.map(str::to_owned)
    };
    let theirs = messages.iter().find_map(|line| error(line.strip_prefix("remote: ")?));
    let ours = || messages.iter().find_map(|line| error(line));
    let line = theirs.or_else(ours).or_else(|| messages.last().cloned());
    line.map_or_else(|| status.to_string(), |line| redact(&line))
}
