//! What can go wrong with git, each in one line that names the source.

use std::io;
use std::path::PathBuf;

use super::id::CommitId;

/// An error of the git room. `name` is the source as people know it: a path, or a URL without credentials.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The `git` program is not on the PATH.
    #[error("git was not found: install git 2.36 or newer")]
    NotInstalled,
    /// A SOURCE text that means nothing to us.
    #[error(
        "{name}: {problem}; expected a Git repository, a .bundle file, a folder of either, or an https, http, ssh or git URL"
    )]
    Source { name: String, problem: String },
    /// A repository without a commit on its default branch.
    #[error("{name}: the repository is empty (its default branch has no commit)")]
    Empty { name: String },
    /// A server that answers whatever it is asked, with a page for people mostly.
    #[error("{name}: its answer is not Git's; is it the URL of a repository?")]
    NoGit { name: String },
    /// A repository whose history is cut off.
    #[error("{name}: the repository is shallow (its history is cut off); scan a full clone (git fetch --unshallow)")]
    Shallow { name: String },
    /// Branches exist, but none that can be called the default one.
    #[error("{name}: HEAD names no branch that exists, and there is neither main nor master")]
    NoDefaultBranch { name: String },
    /// A bundle that cannot be read to its end, or that needs commits it does not hold.
    #[error("{name}: the bundle cannot be read: {line}")]
    Bundle { name: String, line: String },
    /// The server wants credentials, or refuses those it was given.
    #[error("{name}: the server refuses access (private, gone, or wrong credentials)")]
    Unauthorized { name: String },
    /// A fetch, or a question to a remote, that git gave up; `line` is git's telling line.
    #[error("{name}: cannot be fetched: {line}")]
    Fetch { name: String, line: String },
    /// A fetch that took longer than its limit.
    #[error("{name}: not fetched within {seconds} s")]
    TimedOut { name: String, seconds: u64 },
    /// A fetch that received more than its limit.
    #[error("{name}: larger than the limit of {bytes} bytes")]
    TooLarge { name: String, bytes: u64 },
    /// An object, or a list of branches, that is larger than git may hold.
    #[error("{name}: sends more than git may hold in memory")]
    OutOfMemory { name: String },
    /// The same of an object, or a commit, that is in the mirror.
    #[error("git {command} would need more memory than it may have: something in the history is far too large")]
    NoMemory { command: &'static str },
    /// The disk (or the user's quota) has no room for what a fetch received.
    #[error("{name}: the disk of the mirrors is full; free some space and scan again")]
    DiskFull { name: String },
    /// A fetch that its caller asked to end.
    #[error("{name}: the fetch was stopped")]
    Stopped { name: String },
    /// Another process is fetching into the same mirror.
    #[error("{name}: its mirror {} is being fetched by another process", directory.display())]
    Busy { name: String, directory: PathBuf },
    /// A directory that is not a mirror, or a broken one.
    #[error("{}: not a usable mirror: {line}", directory.display())]
    Mirror { directory: PathBuf, line: String },
    /// The remote's object ids have another length than the mirror's.
    #[error(
        "{name}: now uses another object format than its mirror {}; delete the mirror to fetch it anew",
        directory.display()
    )]
    ObjectFormat { name: String, directory: PathBuf },
    /// One commit changes more files than one that people make.
    #[error("commit {commit} changes more than {limit} files")]
    TooManyFiles { commit: CommitId, limit: usize },
    /// History was asked for since a commit that is not on the head's first-parent chain.
    #[error("commit {commit} is not on the first-parent history of the head: the history was rewritten")]
    NotOnChain { commit: CommitId },
    /// A local git command failed.
    #[error("git {command} failed: {line}")]
    Failed { command: &'static str, line: String },
    /// Git printed something that is not in its documented form.
    #[error("git {command} printed something unexpected: {problem}")]
    Unexpected { command: &'static str, problem: String },
    /// The operating system refused something.
    #[error("{doing}: {cause}")]
    Io {
        doing: String,
        #[source]
        cause: io::Error,
    },
}

impl GitError {
    /// For `map_err`: an operating system error with what was being done.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |cause| Self::Io { doing, cause }
    }
}
