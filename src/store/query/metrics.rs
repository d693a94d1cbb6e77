//! Snapshots of what repositories count.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};
use crate::model::{RepositoryId, RepositoryMetrics};

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
    /// Only the last snapshot of each bucket.
    pub bucket: Option<MetricsBucket>,
}

/// The width of a bucket, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricsBucket {
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
    Quarter,
    Year,
}

impl MetricsBucket {
    const fn sql(self) -> &'static str {
        match self {
            Self::Hour => "LIMIT 1 BY repository_id, toStartOfHour(recorded_at)",
            Self::Day => "LIMIT 1 BY repository_id, toStartOfDay(recorded_at)",
            Self::Week => "LIMIT 1 BY repository_id, toMonday(recorded_at)",
            Self::Month => "LIMIT 1 BY repository_id, toStartOfMonth(recorded_at)",
            Self::Quarter => "LIMIT 1 BY repository_id, toStartOfQuarter(recorded_at)",
            Self::Year => "LIMIT 1 BY repository_id, toStartOfYear(recorded_at)",
        }
    }
}

impl MetricsBetween {
    /// Later than every snapshot, and a time that ClickHouse can hold.
    pub const LAST_MS: i64 = 4_102_444_800_000;
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
    pub watchers: Option<u64>,
    pub open_issues: u64,
    pub size_kb: u64,
    pub resource_count: Option<u64>,
    /// Name and bytes, most first.
    pub languages: Vec<(String, u64)>,
    pub has_languages: bool,
    /// Seconds since 1970.
    pub pushed_at: Option<i64>,
    /// Seconds since 1970.
    pub updated_at: Option<i64>,
}

impl MetricsRecord {
    pub fn to_model(&self) -> RepositoryMetrics {
        RepositoryMetrics {
            repository: RepositoryId(self.repository_id),
            recorded_at_ms: self.recorded_at,
            stars: self.stars,
            forks: self.forks,
            watchers: self.watchers,
            open_issues: self.open_issues,
            size_kb: self.size_kb,
            resource_count: self.resource_count,
            languages: self.has_languages.then(|| self.languages.clone()),
            pushed_at: self.pushed_at,
            updated_at: self.updated_at,
        }
    }
}

impl Question for MetricsBetween {
    type Row = MetricsRecord;
    const NAME: &'static str = "metrics";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/metrics.sql"))
            .with_text("buckets", self.bucket.map_or("", MetricsBucket::sql))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("from_ms", Parameter::Integer(self.from_ms))
            .bind("to_ms", Parameter::Integer(self.to_ms))
            .bind("most", Parameter::Integer(self.most.into()))
    }
}
