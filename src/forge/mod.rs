//! Forges: where repositories are found, and what is known of them there.
//!
//! [`Forge`] is what discovery and sync ask; [`AnyForge`] holds one of those there are. A new forge is one file, one arm of that enum and
//! one section of the configuration. None of them sleeps: a forge that has no budget left says until when
//! ([`ForgeError::OutOfBudget`]), and whoever asked comes back then.

mod any;
mod gate;
mod github;
mod local;

use std::future::Future;

pub use any::AnyForge;
pub use gate::{Clock, system_clock};
pub use github::{GitHub, GitHubOptions};
pub use local::Local;

use crate::model::{ForgeId, ForgeRepository, RateLimit};

/// A forge.
pub trait Forge: Send + Sync {
    /// Its host: `github.com`, `local`.
    fn host(&self) -> &str;

    /// Searches repositories, all pages of it, however many there are. Each page is handed to `visit` as it comes; when the search ends
    /// early, what was visited stands; the same search asked again soon goes on from there, and its outcome counts both.
    ///
    /// # Errors
    /// As [`ForgeError`] says.
    fn search(
        &self,
        query: &SearchQuery,
        visit: &mut (dyn FnMut(Vec<ForgeRepository>) + Send),
    ) -> impl Future<Output = Result<SearchOutcome, ForgeError>> + Send;

    /// What is known of repositories now, one answer for each id, in their order. One that is gone does not lose the others.
    ///
    /// # Errors
    /// When nothing of the batch was answered.
    fn repositories(&self, ids: &[KnownAs]) -> impl Future<Output = Result<Vec<Found>, ForgeError>> + Send;

    /// The most ids that [`Forge::repositories`] takes at once.
    fn batch_size(&self) -> usize;

    /// A repository by its owner and name, whatever it was called before.
    ///
    /// # Errors
    /// As [`ForgeError`] says.
    fn repository(&self, full_name: &str) -> impl Future<Output = Result<Found, ForgeError>> + Send;

    /// What is left of each budget, as the last answers told it.
    fn rate_limits(&self) -> Vec<RateLimit>;
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchQuery {
    /// In the forge's own syntax: `topic:kubesearch`, `user:onedr0p`, `org:fluxcd`, or any other expression.
    pub expression: String,
    /// Only what was pushed to since this time, in seconds since 1970: a search that continues.
    pub pushed_since: Option<i64>,
    /// Forks, too; forges leave them out otherwise.
    pub forks: bool,
    /// Stop after so many, the most starred first; `None`: all.
    pub limit: Option<u64>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchOutcome {
    /// Repositories that were visited.
    pub found: u64,
    /// Requests it took.
    pub requests: u32,
    /// The forge says that it did not look at everything, also when it was asked again.
    pub is_incomplete: bool,
}

/// A repository that is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAs {
    pub id: ForgeId,
    /// GitHub's `node_id`.
    pub node_id: Option<String>,
    /// The name it had, for forges that find it by no id.
    pub full_name: String,
}

/// What a forge says of one repository.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Here(Box<ForgeRepository>),
    /// Deleted, or visible to others only: forges do not tell the two apart.
    Gone,
    /// Not answered this time; another time may do.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// Nothing more may be asked before this time, in seconds since 1970.
    #[error("{forge} answers no more requests of the kind `{resource}` for now")]
    OutOfBudget { forge: String, resource: String, until: i64 },
    /// The host does not answer.
    #[error("{forge} cannot be reached: {reason}")]
    Unreachable { forge: String, reason: String },
    /// The token is wrong, or lacks a right.
    #[error("{forge} refuses the token: {reason}")]
    Unauthorized { forge: String, reason: String },
    /// The forge cannot understand what was asked: a search expression of somebody's own.
    #[error("{forge} does not understand `{expression}`: {reason}")]
    BadQuery { forge: String, expression: String, reason: String },
    /// It takes a token: without one, this is not answered at all.
    #[error("{forge} answers this with a token alone")]
    NeedsToken { forge: String },
    #[error("{forge} answered unexpectedly: {reason}")]
    Unexpected { forge: String, reason: String },
}

impl ForgeError {
    /// For programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfBudget { .. } => "OUT_OF_BUDGET",
            Self::Unreachable { .. } => "FORGE_UNREACHABLE",
            Self::Unauthorized { .. } => "FORGE_UNAUTHORIZED",
            Self::BadQuery { .. } => "BAD_QUERY",
            Self::NeedsToken { .. } => "TOKEN_NEEDED",
            Self::Unexpected { .. } => "FORGE_UNEXPECTED",
        }
    }

    /// Whether another attempt may do without anybody's help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unexpected { .. } | Self::OutOfBudget { .. })
    }
}
