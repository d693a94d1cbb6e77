//! Snapshots of what repositories count, of all repositories together.

use super::filter::{Field, Filter};
use super::metrics::MetricsRecord;
use super::page::{Direction, Order, Page, SortKey};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/metrics_page.sql");
const COLUMNS: &str = "repository_id, recorded_at, stars, forks, watchers, open_issues, size_kb, resource_count, languages, \
     has_languages, pushed_at, updated_at";

/// What snapshots can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricsField {
    Repository,
    RecordedAt,
    Stars,
}

impl Field for MetricsField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "repository_id",
            Self::RecordedAt => "toUnixTimestamp64Milli(recorded_at)",
            Self::Stars => "stars",
        }
    }

    fn server_type(self) -> &'static str {
        if self == Self::Repository { "UUID" } else { "String" }
    }

    fn is_in_milliseconds(self) -> bool {
        self == Self::RecordedAt
    }
}

/// What snapshots can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricsOrder {
    RecordedAt,
    Stars,
}

const RECORDED_AT: SortKey = SortKey::new("toUnixTimestamp64Milli(recorded_at)", "Int64");
const STARS: SortKey = SortKey::new("stars", "UInt64");
const REPOSITORY: SortKey = SortKey::new("repository_id", "UUID");

impl MetricsOrder {
    /// A total order: what was asked for, then time, newest first, then the repository.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::RecordedAt => RECORDED_AT,
            Self::Stars => STARS,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        let rest = [(RECORDED_AT, Direction::Descending), (REPOSITORY, Direction::Ascending)];
        Order(keys.chain(rest).collect())
    }
}

impl MetricsRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            RECORDED_AT => self.recorded_at.to_string(),
            STARS => self.stars.to_string(),
            _ => self.repository_id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of snapshots.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub filter: Filter<MetricsField>,
    pub page: Page,
}

impl Question for Metrics {
    type Row = MetricsRecord;
    const NAME: &'static str = "metrics_page";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment().append(self.page.between());
        Statement::new(SQL).with_text("columns", COLUMNS).with("filter", &filter).with("tail", &self.page.tail())
    }
}

/// How many snapshots a filter matches.
#[derive(Clone, Debug)]
pub struct MetricsCount {
    pub filter: Filter<MetricsField>,
}

impl Question for MetricsCount {
    type Row = u64;
    const NAME: &'static str = "metrics_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}
