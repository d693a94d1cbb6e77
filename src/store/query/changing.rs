//! What changes most, and what not at all.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::events::EventField;
use super::filter::Filter;
use super::statement::Parameter;
use super::{Question, Statement};

/// The resources that were modified most often.
#[derive(Clone, Debug)]
pub struct MostChanged {
    pub filter: Filter<EventField>,
    pub most: u32,
}

#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct ChangedRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    pub modified: u64,
    pub by_bots: u64,
    /// Seconds since 1970.
    pub last_time: i64,
}

impl Question for MostChanged {
    type Row = ChangedRecord;
    const NAME: &'static str = "most_changed";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/most_changed.sql"))
            .with("filter", &self.filter.fragment())
            .bind("most", Parameter::Integer(i64::from(self.most)))
    }
}

/// Repositories without an event since a time, in seconds since 1970; those at rest for longest first.
#[derive(Clone, Copy, Debug)]
pub struct LastEvents {
    pub before: i64,
    pub most: u32,
}

#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct LastEventRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// Seconds since 1970.
    pub last_time: i64,
}

impl Question for LastEvents {
    type Row = LastEventRecord;
    const NAME: &'static str = "last_events";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/last_events.sql"))
            .bind("before", Parameter::Integer(self.before))
            .bind("most", Parameter::Integer(i64::from(self.most)))
    }
}
