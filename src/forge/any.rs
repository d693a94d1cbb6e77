//! One of the forges there are.

use super::github::{GitHub, GitHubOptions};
use super::local::Local;
use super::{Answers, Forge, ForgeError, Found, KnownAs, Pages, SearchQuery, Searched};
use crate::model::RateLimit;

pub enum AnyForge {
    GitHub(Box<GitHub>),
    Local(Local),
}

/// The same call to whichever it is.
macro_rules! each {
    ($this:expr, $forge:ident => $call:expr) => {
        match $this {
            Self::GitHub($forge) => $call,
            Self::Local($forge) => $call,
        }
    };
}

impl AnyForge {
    /// GitHub or a GitHub Enterprise Server. Has to be called within a Tokio runtime, which then sends the requests.
    ///
    /// # Errors
    /// When token or user agent hold characters that a header cannot, or the system has no usable TLS.
    pub fn github(options: GitHubOptions) -> Result<Self, ForgeError> {
        Ok(Self::GitHub(Box::new(GitHub::new(options)?)))
    }

    /// Folders and lists of this machine.
    pub const fn local() -> Self {
        Self::Local(Local)
    }
}

impl Forge for AnyForge {
    fn host(&self) -> &str {
        each!(self, forge => forge.host())
    }

    async fn search<P: Pages>(&self, query: &SearchQuery, pages: &mut P) -> Searched {
        each!(self, forge => forge.search(query, pages).await)
    }

    async fn repositories(&self, ids: &[KnownAs]) -> Answers {
        each!(self, forge => forge.repositories(ids).await)
    }

    fn batch_size(&self) -> usize {
        each!(self, forge => forge.batch_size())
    }

    async fn repository(&self, full_name: &str) -> Result<Found, ForgeError> {
        each!(self, forge => forge.repository(full_name).await)
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        each!(self, forge => forge.rate_limits())
    }

    fn advice(&self) -> Option<&'static str> {
        each!(self, forge => forge.advice())
    }
}
