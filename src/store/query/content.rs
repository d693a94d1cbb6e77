//! What resources contain, now or at a time.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// The content of some resources.
#[derive(Clone, Debug)]
pub struct ContentAt {
    /// Repositories that hold the resources; they make the search short.
    pub repositories: Vec<Uuid>,
    pub resources: Vec<Uuid>,
    /// Seconds since 1970; `None` for now (of a deleted resource: what it was before).
    pub at: Option<i64>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct Content {
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    /// JSON text.
    pub content: String,
    /// The last event up to the time is a deletion; the content is the one before it.
    pub deleted: bool,
}

impl Question for ContentAt {
    type Row = Content;
    const NAME: &'static str = "resource_content";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/resource_content.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("resources", Parameter::uuids(&self.resources))
            .bind("any_time", Parameter::Bool(self.at.is_none()))
            .bind("at", Parameter::Integer(self.at.unwrap_or_default()))
    }
}
