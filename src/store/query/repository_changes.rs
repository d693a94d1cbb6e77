//! What of repositories themselves changed.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// The newest hundred changes of some repositories.
#[derive(Clone, Debug)]
pub struct RepositoryChanges {
    pub repositories: Vec<Uuid>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct RepositoryChangeRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// Milliseconds since 1970.
    pub recorded_at: i64,
    /// As the column numbers them.
    pub field: i8,
    pub before: String,
    pub after: String,
}

impl Question for RepositoryChanges {
    type Row = RepositoryChangeRecord;
    const NAME: &'static str = "repository_changes";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repository_changes.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
    }
}
