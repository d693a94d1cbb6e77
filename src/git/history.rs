//! First-parent history: which YAML files each commit changed.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::command::Git;
use super::error::GitError;
use super::id::CommitId;
use super::record::{self, Commit, Record, parse_time};
use super::running::{Output, Running};

/// Options that keep `git log` to one meaning, whatever its defaults are or become.
pub(super) const LOG_OPTIONS: [&str; 16] = [
    "--first-parent",
    "--diff-merges=first-parent",
    "--root",
    "--raw",
    "-r",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=none",
    "--no-show-signature",
    "--no-mailmap",
    "--no-notes",
    "--encoding=UTF-8",
];

/// Bytes read from git at a time.
const BUFFER: usize = 256 * 1024;

/// The commits of a first-parent history that touch files named `*.yaml` or `*.yml`, oldest first, each compared with
/// its first parent (the root with the empty tree). Mode changes count, renames are a deletion and a creation.
///
/// The chain is checked as it is read: each commit's first parent must be the commit before it. After an error, and
/// after the end, there is nothing more; a failing git is an error, never a silent end.
pub struct History {
    directory: PathBuf,
    running: Option<Running>,
    output: BufReader<Output>,
    head: CommitId,
    /// The first parent that the next commit must have.
    previous: Option<CommitId>,
}

impl History {
    pub(super) fn start(directory: &Path, head: CommitId, since: Option<CommitId>) -> Result<Self, GitError> {
        let mut git = Git::in_mirror(directory, "log");
        // No path arguments: choosing the YAML files while reading is faster than git's pattern matching, and keeps git
        // from simplifying the history.
        git.arguments(LOG_OPTIONS).arguments(["--reverse", record::FORMAT, "--end-of-options"]);
        git.argument(head.to_string());
        git.arguments(since.map(|since| format!("^{since}")));
        let mut running = git.start(Stdio::null(), None)?;
        let output = BufReader::with_capacity(BUFFER, running.take_output());
        Ok(Self { directory: directory.to_owned(), running: Some(running), output, head, previous: since })
    }

    fn next_commit(&mut self) -> Result<Option<Commit>, GitError> {
        while let Some(mut record) = record::read(&mut self.output)? {
            if record.first_parent != self.previous {
                return Err(self.broken_chain());
            }
            self.previous = Some(record.commit.id);
            if !record.commit.changes.is_empty() {
                repair_time(&self.directory, &mut record)?;
                return Ok(Some(record.commit));
            }
        }
        if let Some(running) = self.running.take() {
            running.finish()?;
        }
        match self.previous == Some(self.head) {
            true => Ok(None),
            false => Err(self.broken_chain()),
        }
    }

    fn broken_chain(&self) -> GitError {
        let commit = self.previous.unwrap_or(self.head);
        GitError::NotOnChain { commit }
    }
}

impl Iterator for History {
    type Item = Result<Commit, GitError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.running.as_ref()?;
        let next = self.next_commit().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.running = None;
        }
        next
    }
}

/// Reads the committer time from the commit itself where git's log shows none: before 1970, or a malformed line. A
/// commit without any readable time has the time 0, as git itself has it.
pub(super) fn repair_time(directory: &Path, record: &mut Record) -> Result<(), GitError> {
    if record.has_time {
        return Ok(());
    }
    let mut git = Git::in_mirror(directory, "cat-file");
    git.argument("commit").argument(record.commit.id.to_string());
    record.commit.time = committer_time(&git.output()?).unwrap_or(0);
    Ok(())
}

/// The time of `committer <name> <<email>> <seconds> <zone>` in a commit's header.
fn committer_time(commit: &[u8]) -> Option<i64> {
    let header = commit.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    let line = header.into_iter().find(|line| line.starts_with(b"committer "))?;
    let after_email = line.rsplit(|byte| *byte == b'>').next()?;
    let mut words = after_email.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.next().and_then(parse_time)
}
