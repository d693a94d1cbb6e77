//! What resources mean in their repositories, now or at a time.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// The resolutions of some resources.
#[derive(Clone, Debug)]
pub struct ResolutionsAt {
    /// Repositories that hold the resources; they make the search short.
    pub repositories: Vec<Uuid>,
    pub resources: Vec<Uuid>,
    /// Seconds since 1970; `None` for now.
    pub at: Option<i64>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct ResolutionRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    pub namespaces: Vec<String>,
    pub is_patch: bool,
    pub is_vendored: bool,
    /// Empty: no chart.
    pub chart_name: String,
    /// Identity; empty: its source is not known.
    pub chart: String,
    pub chart_url: String,
    /// Empty: not known.
    pub chart_version: String,
    /// As the column numbers them.
    pub version_class: i8,
    pub source_kind: String,
    /// Zero: the resource itself.
    #[serde(with = "clickhouse::serde::uuid")]
    pub source_id: Uuid,
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Question for ResolutionsAt {
    type Row = ResolutionRecord;
    const NAME: &'static str = "resolutions";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/resolutions.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("resources", Parameter::uuids(&self.resources))
            .bind("any_time", Parameter::Bool(self.at.is_none()))
            .bind("at", Parameter::Integer(self.at.unwrap_or_default()))
    }
}
