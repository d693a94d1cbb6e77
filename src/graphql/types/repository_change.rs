//! Changes of repositories themselves, not of their content.

use async_graphql::{Enum, SimpleObject};

use crate::graphql::scalars::DateTime;
use crate::store::query::RepositoryChangeRecord;

/// A change of a repository itself, not of its content.
#[derive(SimpleObject)]
pub struct RepositoryChange {
    /// When kubestats noticed it: at a sync, so up to a sync's interval after it happened.
    recorded_at: DateTime,
    /// What changed.
    field: ChangedField,
    /// The value before.
    before: String,
    /// The value after.
    after: String,
}

/// What of a repository can change under it.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedField {
    /// Owner and name: it was renamed, or given to another owner.
    FullName,
    /// The branch whose history is read.
    DefaultBranch,
    /// `true` or `false`: whether its owner closed it for changes.
    Archived,
    /// `true` or `false`: whether it is a fork.
    Fork,
    /// What kubestats does with it, as `Repository.status` has it.
    Status,
}

impl From<&RepositoryChangeRecord> for RepositoryChange {
    fn from(row: &RepositoryChangeRecord) -> Self {
        let field = match row.field {
            1 => ChangedField::FullName,
            2 => ChangedField::DefaultBranch,
            3 => ChangedField::Archived,
            4 => ChangedField::Fork,
            _ => ChangedField::Status,
        };
        Self {
            recorded_at: DateTime::from_milliseconds(row.recorded_at),
            field,
            before: row.before.clone(),
            after: row.after.clone(),
        }
    }
}
