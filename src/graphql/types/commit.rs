//! Commits and who made them.

use async_graphql::SimpleObject;

use crate::graphql::scalars::DateTime;

/// A commit of a repository's first-parent history.
#[derive(SimpleObject)]
pub struct Commit {
    /// Hexadecimal commit id.
    pub id: String,
    /// Committer time.
    pub time: DateTime,
    /// First line of the message.
    pub subject: String,
    /// Who wrote it.
    pub actor: Actor,
}

/// The author of a commit.
#[derive(SimpleObject)]
pub struct Actor {
    /// Author name.
    pub name: String,
    /// Whether it is a program: Renovate, Dependabot, Flux, …
    pub is_bot: bool,
}
