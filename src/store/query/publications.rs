//! Scans, as readers begin to see them.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// What was published after a version of the data.
#[derive(Clone, Copy, Debug)]
pub struct Publications {
    pub after: u64,
}

/// A published scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct PublicationRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub version: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub run_id: Uuid,
    /// It read again what earlier scans had stored.
    pub is_rebuild: bool,
}

impl Question for Publications {
    type Row = PublicationRecord;
    const NAME: &'static str = "publications";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/publications.sql"))
            .bind("after", Parameter::Integer(i64::try_from(self.after).unwrap_or(i64::MAX)))
    }
}
