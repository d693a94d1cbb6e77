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
use std::ops::ControlFlow;

pub use any::AnyForge;
pub use gate::{Clock, system_clock};
pub use github::{GitHub, GitHubOptions, Proxy};
pub use local::{HOST as LOCAL, Local};

use crate::model::{ForgeId, ForgeRepository, RateLimit};

/// A forge.
pub trait Forge: Send + Sync {
    /// Its host: `github.com`, `local`.
    fn host(&self) -> &str;

    /// Searches repositories, all pages of it, however many there are. Each page is taken before the next one is asked for; when the
    /// search ends early, what was taken stands; the same search asked again soon goes on from there, and its outcome counts both.
    fn search<P: Pages>(&self, query: &SearchQuery, pages: &mut P) -> impl Future<Output = Searched> + Send;

    /// What is known of repositories now. One that is gone, or that is not told of, does not lose the others.
    fn repositories(&self, ids: &[KnownAs]) -> impl Future<Output = Answers> + Send;

    /// The most ids that [`Forge::repositories`] takes at once.
    fn batch_size(&self) -> usize;

    /// A repository by its owner and name, whatever it was called before.
    ///
    /// # Errors
    /// As [`ForgeError`] says.
    fn repository(&self, full_name: &str) -> impl Future<Output = Result<Found, ForgeError>> + Send;

    /// What is left of each budget, as the last answers told it.
    fn rate_limits(&self) -> Vec<RateLimit>;

    /// What would make it answer more or sooner, in a sentence for people.
    fn advice(&self) -> Option<&'static str>;
}

/// Takes the pages of a search.
pub trait Pages: Send {
    /// Takes the next page. To break: it could not be taken; the search ends before it.
    fn take(&mut self, page: Vec<ForgeRepository>) -> impl Future<Output = ControlFlow<()>> + Send;
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchQuery {
    /// In the forge's own syntax: `topic:kubesearch`, `user:onedr0p`, `org:fluxcd`, or any other expression.
    pub expression: String,
    /// Forks, too; forges leave them out otherwise.
    pub forks: bool,
    /// Stop after so many, the most starred first; `None`: all.
    pub limit: Option<u64>,
}

/// How a search ended.
#[derive(Debug)]
pub struct Searched {
    /// As far as it came.
    pub outcome: SearchOutcome,
    pub ended: Result<(), ForgeError>,
}

/// What a search brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchOutcome {
    /// Repositories that were taken.
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
    /// It was asked and did not tell, for this reason; another time may do.
    Unknown(String),
}

/// What a forge says of several.
#[derive(Debug)]
pub struct Answers {
    /// One for each id, in their order; `None`: it was not asked about before the end.
    pub found: Vec<Option<Found>>,
    /// Why it was asked no further.
    pub ended: Result<(), ForgeError>,
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
    /// It does not show this one, whatever else the token opens.
    #[error("{forge} does not show it: {reason}")]
    Forbidden { forge: String, reason: String },
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
            Self::Forbidden { .. } => "FORGE_FORBIDDEN",
            Self::BadQuery { .. } => "BAD_QUERY",
            Self::NeedsToken { .. } => "TOKEN_NEEDED",
            Self::Unexpected { .. } => "FORGE_UNEXPECTED",
        }
    }

    /// Whether it says something of what was asked, and nothing of whatever else may be asked.
    pub const fn is_of_one(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::BadQuery { .. } | Self::Unexpected { .. })
    }

    /// Whether another attempt may do without anybody's help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unexpected { .. } | Self::OutOfBudget { .. })
    }
}
