//! The one place that builds a `git` command, hardened: no configuration, hook, prompt, pager or protocol that is not
//! ours, whatever the environment and the user's or the source's configuration say.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::GitError;
use super::running::{ProgressSender, Running, limit_memory_from_the_start};

/// Variables that would change what git reads, runs or prints. `GIT_SSL_CAINFO`, `GIT_SSL_CAPATH` and those
/// of proxies (`HTTPS_PROXY`, `NO_PROXY`) stay: a company's network is reached by them.
const REMOVED_VARIABLES: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_CURL_VERBOSE",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_HTTP_USER_AGENT",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_PROTOCOL",
    "GIT_PROXY_COMMAND",
    "GIT_QUARANTINE_PATH",
    "GIT_REDACT_COOKIES",
    "GIT_REDIRECT_STDERR",
    "GIT_REDIRECT_STDIN",
    "GIT_REDIRECT_STDOUT",
    "GIT_REF_PARANOIA",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_SSH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PACKFILE",
    "GIT_TRACE_SETUP",
    "GIT_WORK_TREE",
    "SSH_ASKPASS_REQUIRE",
];

/// Variables set for every command.
const SET_VARIABLES: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    // No file at all: git gives advice about an empty one.
    ("GIT_GRAFT_FILE", "/dev/null/none"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // A mirror is never a partial clone; a source that is one must not fetch on our behalf.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "false"),
    ("SSH_ASKPASS", "false"),
    ("GIT_PAGER", "cat"),
    ("GIT_FLUSH", "0"),
    ("GIT_PROTOCOL_FROM_USER", "0"),
    // No shared connection: its master process would outlive the fetch and hold our pipes open.
    (
        "GIT_SSH_COMMAND",
        "ssh -oBatchMode=yes -oControlMaster=no -oControlPath=none -oForwardAgent=no -oConnectTimeout=30",
    ),
    ("GIT_SSH_VARIANT", "ssh"),
    ("LC_ALL", "C"),
];

/// Configuration of every command.
const CONFIGURATION: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
    ("advice.detachedHead", "false"),
    // A slow server is given up before the whole time limit is used: below 1 kB/s for a minute.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
];

/// Bytes that each process of git may hold of its own, packs it has mapped apart: an object, or a tree with billions of files,
/// is quickly made, and git keeps them whole. Git needs 200 MB for the longest histories, and as much for a commit of a million
/// files.
const MEMORY: u64 = 1 << 30;

/// The same where packs are made or indexed: all objects are held by name. Ten million, as Linux has, need less than half of it.
const PACKING_MEMORY: u64 = 4 << 30;

/// A hardened `git` command that is being put together.
pub(super) struct Git {
    command: Command,
    subcommand: &'static str,
    configuration: Vec<(String, String)>,
    /// Bytes that it, and each process it starts, may hold of its own.
    memory: u64,
    /// Whether it starts others: whoever talks to a remote does.
    starts_others: bool,
}

impl Git {
    /// A command that works on a bare repository of ours.
    pub fn in_mirror(directory: &Path, subcommand: &'static str) -> Self {
        Self::new(directory, subcommand, "")
    }

    /// A command that reads a repository of the user's; it only ever reads its configuration.
    pub fn in_source(git_directory: &Path, subcommand: &'static str) -> Self {
        Self::new(git_directory, subcommand, "")
    }

    /// A command outside of any repository, for protocols of the list `allowed` (colon-separated).
    pub fn without_repository(subcommand: &'static str, allowed: &str) -> Self {
        // Not even the current folder's: its configuration could name programs to run.
        Self::new(Path::new("/dev/null"), subcommand, allowed)
    }

    /// A command that fetches into a mirror by the protocols of the list `allowed`.
    pub fn fetching(directory: &Path, subcommand: &'static str, allowed: &str) -> Self {
        Self::new(directory, subcommand, allowed).within(PACKING_MEMORY)
    }

    /// The same with a limit of memory of its own, in bytes.
    pub fn within(mut self, memory: u64) -> Self {
        self.memory = memory;
        self
    }

    fn new(git_directory: &Path, subcommand: &'static str, allowed: &str) -> Self {
        let mut command = Command::new("git");
        for name in REMOVED_VARIABLES {
            command.env_remove(name);
        }
        command.envs(SET_VARIABLES.iter().copied());
        command.env("GIT_ALLOW_PROTOCOL", allowed);
        let mut option = std::ffi::OsString::from("--git-dir=");
        option.push(git_directory);
        command.arg("--no-pager").arg(option).arg(subcommand);
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let configuration = CONFIGURATION.iter().map(owned).collect();
        Self { command, subcommand, configuration, memory: MEMORY, starts_others: !allowed.is_empty() }
    }

    pub fn argument(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    pub fn arguments<Argument: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = Argument>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// A variable of git's, for this command alone.
    pub fn environment(&mut self, name: &str, value: &str) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// One configuration value, passed in the environment: other users cannot see it there, unlike arguments.
    pub fn configuration(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.configuration.push((key.into(), value.into()));
        self
    }

    /// Starts the command in a process group of its own. Its standard output is for the caller to take.
    pub fn start(mut self, input: Stdio, progress: Option<ProgressSender>) -> Result<Running, GitError> {
        self.command.env("GIT_CONFIG_COUNT", self.configuration.len().to_string());
        for (index, (key, value)) in self.configuration.iter().enumerate() {
            self.command.env(format!("GIT_CONFIG_KEY_{index}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        if self.starts_others {
            limit_memory_from_the_start(&mut self.command, self.memory);
        }
        let spawned = self.command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
        match spawned {
            Ok(child) => {
                limit_memory(&child, self.memory);
                Ok(Running::new(child, self.subcommand, progress))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(GitError::NotInstalled),
            Err(error) => Err(GitError::io("starting git")(error)),
        }
    }

    /// Runs a short local command and returns what it printed.
    pub fn output(self) -> Result<Vec<u8>, GitError> {
        let mut running = self.start(Stdio::null(), None)?;
        let mut printed = Vec::new();
        running.take_output().read_to_end(&mut printed).map_err(GitError::io("reading from git"))?;
        running.finish()?;
        Ok(printed)
    }
}

/// Limits a process that has just begun, and starts no others.
#[cfg(target_os = "linux")]
fn limit_memory(child: &std::process::Child, bytes: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // Fails where the process has ended, or has a lower limit already.
    let _ = prlimit(Pid::from_child(child).into(), Resource::Data, limit);
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: &std::process::Child, _: u64) {}
