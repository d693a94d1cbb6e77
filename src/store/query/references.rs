//! Edges between resources.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::statement::Parameter;
use super::{Question, Statement};

/// What edges can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceField {
    Repository,
    /// The resource that refers.
    From,
    ToKind,
    ToName,
}

impl Field for ReferenceField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "resource_references.repository_id",
            Self::From => "resource_id",
            Self::ToKind => "to_kind",
            Self::ToName => "to_name",
        }
    }

    fn server_type(self) -> &'static str {
        if matches!(self, Self::Repository | Self::From) { "UUID" } else { "String" }
    }
}

/// The edges that a filter matches.
#[derive(Clone, Debug)]
pub struct References {
    pub filter: Filter<ReferenceField>,
    /// Seconds since 1970; `None` for now.
    pub at: Option<i64>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct ReferenceRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// The resource that refers.
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    pub field: String,
    /// Empty: the field does not say.
    pub to_kind: String,
    /// Empty: none known.
    pub to_namespace: String,
    pub is_declared: bool,
    pub to_name: String,
    pub selector: String,
    pub produces: bool,
    /// The commit that made it.
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Question for References {
    type Row = ReferenceRecord;
    const NAME: &'static str = "references";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/references.sql"))
            .with("filter", &self.filter.fragment())
            .bind("any_time", Parameter::Bool(self.at.is_none()))
            .bind("at", Parameter::Integer(self.at.unwrap_or_default()))
    }
}
