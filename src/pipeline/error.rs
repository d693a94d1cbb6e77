//! What can go wrong in a use case.

use std::path::PathBuf;

use crate::forge::ForgeError;
use crate::git::GitError;
use crate::model::RepositoryId;
use crate::scan::ScanError;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Scan(ScanError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(
        "{forge} cannot be reached, so that no repositories are found there and none are visited ({reason}); everything else works. Without internet, set discovery.enabled = false, or name folders and lists in discovery.local"
    )]
    NoNetwork { forge: String, reason: String },
    #[error("another scan of this repository is running ({holder})")]
    Busy { holder: String },
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the scan ended unexpectedly")]
    Aborted,
    #[error("there is no repository {0}")]
    UnknownRepository(RepositoryId),
    /// A job that needs a repository was given none.
    #[error("a job of the kind {0} needs a repository")]
    NoRepository(&'static str),
    #[error("{0} is blocked; approve it to have it visited again")]
    Blocked(String),
    #[error("{0} waits for approval: it is larger than discovery.approval_size_mb")]
    NotApproved(String),
    /// Two repositories turned out to be one.
    #[error("{name} is {other} on its forge, which is known as a repository of its own; remove one of the two")]
    Twice { name: String, other: String },
    /// What a forge says of a repository cannot be.
    #[error("{0}")]
    NotVisited(String),
    /// A URL of a forge that is none of a repository's.
    #[error("{url} is no repository: those of {forge} have the form https://{forge}/OWNER/NAME")]
    NoName { url: String, forge: String },
    #[error("{0} holds several repositories; add them one by one")]
    Several(String),
}

impl From<ScanError> for PipelineError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Git(error) => Self::Git(error),
            other => Self::Scan(other),
        }
    }
}

impl PipelineError {
    /// For programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Git(error) => match error {
                GitError::Source { .. } => "BAD_SOURCE",
                GitError::Unauthorized { .. } => "GIT_UNAUTHORIZED",
                GitError::TimedOut { .. } => "TIMEOUT",
                GitError::TooLarge { .. } => "TOO_LARGE",
                GitError::DiskFull { .. } => "DISK_FULL",
                _ => "GIT",
            },
            Self::Scan(_) => "SCAN",
            Self::Store(StoreError::Timeout(_)) => "TIMEOUT",
            Self::Store(StoreError::DiskFull) => "DISK_FULL",
            Self::Store(_) => "DATABASE",
            Self::Forge(error) => error.code(),
            Self::NoNetwork { .. } => "FORGE_UNREACHABLE",
            Self::Busy { .. } => "BUSY",
            Self::File { .. } => "FILE",
            Self::Aborted => "INTERNAL",
            Self::UnknownRepository(_) | Self::NoRepository(_) => "NOT_FOUND",
            Self::Blocked(_) => "BLOCKED",
            Self::NotApproved(_) => "PENDING_APPROVAL",
            Self::Twice { .. } => "DUPLICATE",
            Self::NotVisited(_) => "SYNC",
            Self::Several(_) | Self::NoName { .. } => "BAD_SOURCE",
        }
    }

    /// Whether another attempt may do without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Git(error) => matches!(
                error,
                GitError::Fetch { .. } | GitError::TimedOut { .. } | GitError::Busy { .. } | GitError::DiskFull { .. }
            ),
            Self::Store(error) => {
                error.is_transient() || matches!(error, StoreError::Timeout(_) | StoreError::DiskFull)
            }
            Self::Forge(error) => error.is_transient(),
            Self::NoNetwork { .. } | Self::Busy { .. } | Self::File { .. } | Self::Aborted => true,
            Self::Scan(_)
            | Self::UnknownRepository(_)
            | Self::NoRepository(_)
            | Self::Blocked(_)
            | Self::NotApproved(_)
            | Self::Twice { .. }
            | Self::NotVisited(_)
            | Self::NoName { .. }
            | Self::Several(_) => false,
        }
    }

    /// Whether it is no failure: somebody asked the work to end.
    pub const fn is_stop(&self) -> bool {
        matches!(self, Self::Git(GitError::Stopped { .. }) | Self::Scan(ScanError::Stopped))
    }
}
