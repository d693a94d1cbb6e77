//! What counts for the quality of repositories in their content.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// What some repositories hold that speaks for them; those without an event are left out.
#[derive(Clone, Debug)]
pub struct QualityInputs {
    pub repositories: Vec<Uuid>,
    /// Commits count as recent from this time on, in seconds since 1970.
    pub from: i64,
}

#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct QualityInputRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// Commits that changed a resource.
    pub recent_commits: u64,
    /// Alive at the checkpoint.
    pub flux_resources: u64,
    /// Alive at the checkpoint.
    pub argo_resources: u64,
}

impl Question for QualityInputs {
    type Row = QualityInputRecord;
    const NAME: &'static str = "quality_inputs";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/quality_inputs.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("from", Parameter::Integer(self.from))
    }
}
