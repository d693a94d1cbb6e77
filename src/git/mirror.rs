//! A mirror: our bare clone of one repository's default branch.

use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::blobs::BlobReader;
use super::command::Git;
use super::connection::Connection;
use super::credentials::Credentials;
use super::error::GitError;
use super::fetch::{FetchOptions, FetchProgress};
use super::history::{History, LOG_OPTIONS, repair_time};
use super::id::CommitId;
use super::record;
use super::remote::{Remote, is_shallow};
use super::sync;

/// The newest commit of the default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Without `refs/heads/`.
    pub branch: String,
    pub commit: CommitId,
    /// Committer time in seconds since 1970, as it stands.
    pub time: i64,
    pub author: String,
    pub author_email: String,
    pub subject: String,
}

/// A bare repository of ours, seen at the head it had when it was opened: a later fetch does not change what this
/// value answers, and takes nothing away that it needs. Open it again to see newer commits.
#[derive(Debug, Clone)]
pub struct Mirror {
    directory: PathBuf,
    head: Head,
}

impl Mirror {
    /// Opens a mirror that was synced before.
    ///
    /// # Errors
    /// Not a mirror, shallow, or without a commit.
    pub fn open(directory: &Path) -> Result<Self, GitError> {
        Self::open_as(directory, &directory.display().to_string())
    }

    /// Creates the bare mirror when it is absent, fetches the remote's default branch (only that), follows a changed
    /// default branch or a rewritten history, and opens the mirror. Nothing is pruned. A sync that was killed is simply
    /// repeated; two at once wait for each other. Without news it costs one question to the remote.
    ///
    /// `progress` gets git's own progress while it fetches.
    pub fn sync(
        directory: &Path,
        remote: &Remote,
        credentials: Option<&Credentials>,
        options: &FetchOptions,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<Self, GitError> {
        Self::sync_unless(&|| false, directory, remote, credentials, options, progress)
    }

    /// The same until `is_stopped`, which is asked about 20 times a second while git runs.
    ///
    /// # Errors
    /// [`GitError::Stopped`] when it said so; else as [`Mirror::sync`].
    pub fn sync_unless(
        is_stopped: &dyn Fn() -> bool,
        directory: &Path,
        remote: &Remote,
        credentials: Option<&Credentials>,
        options: &FetchOptions,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<Self, GitError> {
        let connection = Connection::new(remote, credentials, options, is_stopped)?;
        sync::sync(directory, &connection, progress)
    }

    /// Removes a mirror, whatever state it is in. Answers whether it is gone: not while somebody fetches into it. Whoever reads from
    /// it fails.
    pub fn remove(directory: &Path) -> Result<bool, GitError> {
        sync::remove(directory)
    }

    /// Opens a mirror; errors about the repository name its source.
    pub(super) fn open_as(directory: &Path, name: &str) -> Result<Self, GitError> {
        let unusable = |line: String| GitError::Mirror { directory: directory.to_owned(), line };
        if !directory.join("HEAD").exists() {
            return Err(unusable("there is no Git repository".to_owned()));
        }
        if is_shallow(directory) {
            return Err(GitError::Shallow { name: name.to_owned() });
        }
        let mut git = Git::in_mirror(directory, "symbolic-ref");
        git.argument("HEAD");
        let branch = git.output().map_err(|error| unusable(error.to_string()))?;
        let branch = String::from_utf8_lossy(&branch).trim().trim_start_matches("refs/heads/").to_owned();
        let head = read_head(directory, branch)?.ok_or_else(|| GitError::Empty { name: name.to_owned() })?;
        let directory = directory.to_owned();
        Ok(Self { directory, head })
    }

    /// The bare repository's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The newest commit, as of opening.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Commits on the first-parent chain up to the head, those up to `since` left out, whatever files they touch. For
    /// progress.
    pub fn commit_count(&self, since: Option<CommitId>) -> Result<u64, GitError> {
        let mut git = Git::in_mirror(&self.directory, "rev-list");
        git.arguments(["--first-parent", "--count", "--end-of-options"]);
        git.argument(self.head.commit.to_string());
        git.arguments(since.map(|since| format!("^{since}")));
        let printed = String::from_utf8_lossy(&git.output()?).into_owned();
        printed.trim().parse().map_err(|_| GitError::Unexpected {
            command: "rev-list",
            problem: format!("{printed:?} instead of a count"),
        })
    }

    /// Whether the commit is the head or one of its first-parent ancestors; also false for a commit the mirror does
    /// not know. The head costs nothing, a recent commit as much as the commits that came after it.
    pub fn is_on_first_parent_chain(&self, commit: CommitId) -> Result<bool, GitError> {
        if commit == self.head.commit {
            return Ok(true);
        }
        let mut git = Git::in_mirror(&self.directory, "rev-list");
        git.arguments(["--first-parent", "--end-of-options"]).argument(self.head.commit.to_string());
        let mut running = git.start(Stdio::null(), None)?;
        for line in BufReader::new(running.take_output()).split(b'\n') {
            let line = line.map_err(GitError::io("reading git rev-list"))?;
            if CommitId::from_hex(&line) == Ok(commit) {
                // Dropping the process ends it: the rest of the chain does not matter.
                return Ok(true);
            }
        }
        running.finish().map(|()| false)
    }

    /// First-parent history up to the head, oldest commit first, after `since` (which must be on the chain: see
    /// [`Mirror::is_on_first_parent_chain`]). Streams while git still runs.
    pub fn history(&self, since: Option<CommitId>) -> Result<History, GitError> {
        History::start(&self.directory, self.head.commit, since)
    }

    /// A reader of file contents. Several may be open at once, and used from different threads.
    pub fn blobs(&self) -> Result<BlobReader, GitError> {
        BlobReader::start(&self.directory)
    }
}

/// The head's commit; `None` when its branch has none.
fn read_head(directory: &Path, branch: String) -> Result<Option<Head>, GitError> {
    let mut git = Git::in_mirror(directory, "for-each-ref");
    git.argument("--format=%(objectname)").argument(format!("refs/heads/{branch}"));
    let answer = git.output()?;
    let Some(Ok(tip)) = answer.split(|byte| *byte == b'\n').next().map(CommitId::from_hex) else {
        return Ok(None);
    };
    let mut git = Git::in_mirror(directory, "log");
    git.arguments(LOG_OPTIONS).arguments(["--max-count=1", "--no-patch", record::FORMAT]);
    git.argument("--end-of-options").argument(tip.to_string());
    let Some(mut head) = record::read(&mut Cursor::new(git.output()?))? else {
        return Ok(None);
    };
    repair_time(directory, &mut head)?;
    let commit = head.commit;
    Ok(Some(Head {
        branch,
        commit: commit.id,
        time: commit.time,
        author: commit.author,
        author_email: commit.author_email,
        subject: commit.subject,
    }))
}
