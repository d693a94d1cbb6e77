//! Events over time.

use clickhouse::Row;
use serde::Deserialize;

use super::events::EventField;
use super::filter::Filter;
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};

/// What events can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    Type,
    Kind,
    Repository,
    Namespace,
    ChangeClass,
    /// Identity of the resolved chart; empty for resources without one.
    Chart,
    /// `BOT` or `HUMAN`.
    Actor,
}

impl Dimension {
    /// The text that names a group. A kind comes with its group (`HelmRelease.helm.toolkit.fluxcd.io`), a repository as its
    /// id.
    const fn sql(self) -> &'static str {
        match self {
            Self::Type => "toString(type)",
            Self::Kind => "if(group = '', toString(kind), concat(kind, '.', group))",
            Self::Repository => "toString(resource_events.repository_id)",
            Self::Namespace => "toString(namespace)",
            Self::ChangeClass => "toString(change_class)",
            Self::Chart => "toString(chart)",
            Self::Actor => "if(actor_is_bot, 'BOT', 'HUMAN')",
        }
    }
}

/// Events a bucket and group.
#[derive(Clone, Debug)]
pub struct EventTrend {
    pub filter: Filter<EventField>,
    pub dimensions: Vec<Dimension>,
    /// The first second of each bucket, ascending, not empty.
    pub buckets: Vec<i64>,
    /// Groups that are named; all others together are one more.
    pub top: u32,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct TrendRecord {
    /// The bucket's first second.
    pub bucket: i64,
    /// One value a dimension; empty for "other".
    pub dimensions: Vec<String>,
    pub is_other: bool,
    pub events: u64,
}

impl Question for EventTrend {
    type Row = TrendRecord;
    const NAME: &'static str = "event_trend";

    fn statement(&self) -> Statement {
        let dimensions: Vec<&str> = self.dimensions.iter().map(|dimension| dimension.sql()).collect();
        let dimensions = format!("CAST([{}], 'Array(String)')", dimensions.join(", "));
        Statement::new(include_str!("../../../clickhouse/queries/event_trend.sql"))
            .with("dimensions", &Fragment::default().text(&dimensions))
            .with("filter", &self.filter.fragment())
            .bind("buckets", Parameter::Integers(self.buckets.clone()))
            .bind("top", Parameter::Integer(i64::from(self.top)))
    }
}

/// When the first and the last of some events happened.
#[derive(Clone, Debug)]
pub struct EventRange {
    pub filter: Filter<EventField>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct RangeRecord {
    pub events: u64,
    /// Seconds since 1970.
    pub first: i64,
    /// Seconds since 1970.
    pub last: i64,
}

impl Question for EventRange {
    type Row = RangeRecord;
    const NAME: &'static str = "event_range";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/event_range.sql"))
            .with("filter", &self.filter.fragment())
    }
}
