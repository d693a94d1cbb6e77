//! Talking to a remote within limits: which protocols, which credentials, how long, and what a failure means.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::command::Git;
use super::credentials::Credentials;
use super::error::GitError;
use super::fetch::{FetchOptions, FetchProgress};
use super::remote::Remote;
use super::running::{Outcome, Waited, is_out_of_memory};
use super::url::RemoteUrl;

/// Bytes of an answer (the list of branches) that are read: half a million of them.
const ANSWER_LIMIT: u64 = 64 << 20;

/// Bytes that git may hold while it reads such an answer.
pub(super) const ANSWER_MEMORY: u64 = 512 << 20;

/// A year.
const LONGEST_TIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Faults of received objects that are let through. Checked objects protect our own reading of trees and commits; but
/// old histories hold sloppy commits that no one can mend any more, and faults of `.gitmodules` and the like matter
/// only to those who check out.
const TOLERATED_FAULTS: &[&str] = &[
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badFilemode",
    "badName",
    "badTimezone",
    "emptyName",
    "extraHeaderEntry",
    "gitattributesBlob",
    "gitattributesLarge",
    "gitattributesLineLength",
    "gitattributesMissing",
    "gitattributesSymlink",
    "gitignoreSymlink",
    "gitmodulesBlob",
    "gitmodulesLarge",
    "gitmodulesMissing",
    "gitmodulesName",
    "gitmodulesParse",
    "gitmodulesPath",
    "gitmodulesSymlink",
    "gitmodulesUpdate",
    "gitmodulesUrl",
    "hasDot",
    "hasDotdot",
    "hasDotgit",
    "largePathname",
    "mailmapSymlink",
    "missingAuthor",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "nulInCommit",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
];

/// A remote with everything that is needed to talk to it.
pub(super) struct Connection<'a> {
    pub remote: &'a Remote,
    /// The source as errors name it.
    pub name: String,
    pub operand: OsString,
    pub options: &'a FetchOptions,
    /// Protocols that may be used, separated by colons.
    pub protocols: &'static str,
    deadline: Instant,
    is_stopped: &'a dyn Fn() -> bool,
    credentials: Option<Credentials>,
    configuration: Vec<(String, String)>,
}

impl<'a> Connection<'a> {
    pub fn new(
        remote: &'a Remote,
        credentials: Option<&Credentials>,
        options: &'a FetchOptions,
        is_stopped: &'a dyn Fn() -> bool,
    ) -> Result<Self, GitError> {
        let (protocols, credentials, configuration) = match remote {
            Remote::Path(_) | Remote::Bundle(_) => ("file", None, Vec::new()),
            Remote::Url(_) => {
                let url = remote.parsed_url()?;
                let credentials = credentials.cloned().or_else(|| url.credentials()).filter(|_| url.is_http());
                let configuration = url_configuration(&url, credentials.as_ref(), options.ca_file.as_deref());
                ("https:http:ssh:git", credentials, configuration)
            }
        };
        Ok(Self {
            remote,
            name: remote.url_without_credentials(),
            operand: remote.operand()?,
            options,
            protocols,
            // A limit of centuries is no limit, but must not overflow.
            deadline: Instant::now() + options.time.min(LONGEST_TIME),
            is_stopped,
            credentials,
            configuration,
        })
    }

    /// Whether the time limit has passed.
    pub fn is_out_of_time(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// # Errors
    /// When whoever asked for this wants it to end.
    pub fn go_on(&self) -> Result<(), GitError> {
        if (self.is_stopped)() { Err(GitError::Stopped { name: self.name.clone() }) } else { Ok(()) }
    }

    /// Gives a command what it needs to reach the remote.
    pub fn configure(&self, git: &mut Git) {
        for (key, value) in &self.configuration {
            git.configuration(key, value);
        }
        if let Remote::Path(_) = self.remote {
            // The user named this repository; who owns it (in a container: often someone else) is no reason to refuse.
            // Configuration does not reach the serving side by any other way. What the commits say counts, not the grafts
            // that somebody put over them.
            git.argument("--upload-pack=GIT_GRAFT_FILE=/dev/null/none git -c safe.directory='*' upload-pack");
        }
    }

    /// Runs a command within the time limit, as long as `received` bytes stay within theirs. Returns what it printed.
    pub fn run(
        &self,
        git: Git,
        progress: &mut dyn FnMut(FetchProgress),
        received: impl FnMut() -> u64,
    ) -> Result<Vec<u8>, GitError> {
        self.run_with_messages(git, progress, received).map(|(printed, _)| printed)
    }

    /// The same, with the first lines that it said beside.
    pub fn run_with_messages(
        &self,
        git: Git,
        progress: &mut dyn FnMut(FetchProgress),
        mut received: impl FnMut() -> u64,
    ) -> Result<(Vec<u8>, Vec<String>), GitError> {
        let (sender, steps) = channel();
        let mut running = git.start(Stdio::null(), Some(sender))?;
        // A longer answer finds its pipe closed, and git ends.
        let output = running.take_output().take(ANSWER_LIMIT);
        let answer = std::thread::spawn(move || read_all(output));
        let waited = running.wait_until(self.deadline, || {
            drain(&steps, progress);
            self.go_on().is_ok() && received() <= self.options.bytes
        })?;
        match waited {
            Waited::Ended => {}
            Waited::OutOfTime => return Err(self.timed_out()),
            Waited::Stopped => return Err(self.go_on().err().unwrap_or_else(|| self.too_large())),
        }
        let outcome = running.outcome()?;
        drain(&steps, progress);
        let printed = answer.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
        let printed = printed.map_err(GitError::io("reading from git"))?;
        match self.failure(&outcome) {
            _ if printed.len() as u64 == ANSWER_LIMIT => Err(GitError::OutOfMemory { name: self.name.clone() }),
            Some(error) => Err(error),
            None => Ok((printed, outcome.messages)),
        }
    }

    pub fn timed_out(&self) -> GitError {
        GitError::TimedOut { name: self.name.clone(), seconds: self.options.time.as_secs() }
    }

    fn too_large(&self) -> GitError {
        GitError::TooLarge { name: self.name.clone(), bytes: self.options.bytes }
    }

    /// What a failure means, by the words git has used for it for many years.
    fn failure(&self, outcome: &Outcome) -> Option<GitError> {
        let name = self.name.clone();
        let said = |words: &[&str]| {
            let line_says = |line: &String| words.iter().any(|word| line.contains(word));
            outcome.messages.iter().any(line_says)
        };
        // Git calls it a success when it refuses what a shallow server offers.
        if said(&["shallow roots are not allowed", "shallow update not allowed"]) {
            return Some(GitError::Shallow { name });
        }
        if outcome.success {
            return None;
        }
        if said(&NO_ROOM) {
            return Some(GitError::DiskFull { name });
        }
        if outcome.messages.iter().any(|line| is_out_of_memory(line)) {
            return Some(GitError::OutOfMemory { name });
        }
        let line = match &self.credentials {
            Some(credentials) => credentials.hide_in(&outcome.line),
            None => outcome.line.clone(),
        };
        Some(match self.remote {
            Remote::Bundle(_) => GitError::Bundle { name, line },
            Remote::Url(_) if said(&REFUSALS) => GitError::Unauthorized { name },
            _ => GitError::Fetch { name, line },
        })
    }
}

/// How servers refuse: without credentials, with wrong ones, or by pretending that there is nothing.
const REFUSALS: [&str; 7] = [
    "could not read Username",
    "could not read Password",
    "Authentication failed",
    "requested URL returned error: 401",
    "requested URL returned error: 403",
    "Permission denied (publickey",
    "Repository not found",
];

/// The system's words for ENOSPC and EDQUOT; git is run in the C locale.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

fn url_configuration(
    url: &RemoteUrl,
    credentials: Option<&Credentials>,
    ca_file: Option<&Path>,
) -> Vec<(String, String)> {
    let mut pairs = vec![("fetch.fsckObjects".to_owned(), "true".to_owned())];
    for fault in TOLERATED_FAULTS {
        pairs.push((format!("fetch.fsck.{fault}"), "ignore".to_owned()));
    }
    if let Some(file) = ca_file {
        // `GIT_SSL_CAINFO`, which means git alone, counts for more.
        pairs.push(("http.sslCAInfo".to_owned(), file.display().to_string()));
    }
    if let Some(credentials) = credentials {
        pairs.push((format!("http.{}/.extraHeader", url.origin()), credentials.header()));
        // Git would send the header on to wherever the server points.
        pairs.push(("http.followRedirects".to_owned(), "false".to_owned()));
    }
    pairs
}

fn drain(steps: &Receiver<FetchProgress>, progress: &mut dyn FnMut(FetchProgress)) {
    steps.try_iter().for_each(progress);
}

fn read_all(mut output: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes)?;
    Ok(bytes)
}
