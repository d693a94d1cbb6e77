//! Snapshots of what repositories count.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// The last so many snapshots of some repositories within a range of time, newest first.
#[derive(Clone, Debug)]
pub struct MetricsBetween {
    pub repositories: Vec<Uuid>,
    /// Milliseconds since 1970, inclusive.
    pub from_ms: i64,
    /// Milliseconds since 1970, exclusive.
    pub to_ms: i64,
    /// The most snapshots of each repository.
    pub most: u32,
}

impl MetricsBetween {
    /// The newest snapshot of each.
    pub fn newest(repositories: Vec<Uuid>) -> Self {
        // What ClickHouse's times can hold.
        Self { repositories, from_ms: 0, to_ms: 4_102_444_800_000, most: 1 }
    }
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct MetricsRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// Milliseconds since 1970.
    pub recorded_at: i64,
    pub stars: u64,
    pub forks: u64,
    /// Subscribers.
    pub watchers: u64,
    pub open_issues: u64,
    pub size_kb: u64,
    pub resource_count: u64,
    /// Name and bytes, most first.
    pub languages: Vec<(String, u64)>,
    /// Seconds since 1970.
    pub pushed_at: Option<i64>,
    /// Seconds since 1970.
    pub updated_at: Option<i64>,
}

impl Question for MetricsBetween {
    type Row = MetricsRecord;
    const NAME: &'static str = "metrics";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/metrics.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("from_ms", Parameter::Integer(self.from_ms))
            .bind("to_ms", Parameter::Integer(self.to_ms))
            .bind("most", Parameter::Integer(self.most.into()))
    }
}
