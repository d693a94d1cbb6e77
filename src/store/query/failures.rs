//! Files that could not be read as YAML.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/scan_failures.sql");
const COLUMNS: &str = "repository_id, sequence, commit, time, path, blob, line, column, message";

/// One version of a file that could not be read.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct FailureRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub sequence: u64,
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    pub blob: String,
    /// 1-based; 0: unknown.
    pub line: u32,
    /// 1-based; 0: unknown.
    pub column: u32,
    pub message: String,
}

/// What failures can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureField {
    Repository,
    Path,
    Time,
}

impl Field for FailureField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "scan_failures.repository_id",
            Self::Path => "path",
            Self::Time => "time",
        }
    }

    fn server_type(self) -> &'static str {
        if self == Self::Repository { "UUID" } else { "String" }
    }
}

const TIME: SortKey = SortKey::seconds("time");
const SEQUENCE: SortKey = SortKey::new("sequence", "UInt64");
const REPOSITORY: SortKey = SortKey::new("repository_id", "UUID");

/// Failures are ordered by time, then by the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailureOrder;

impl FailureOrder {
    pub fn keys(direction: Direction) -> Order {
        Order([TIME, SEQUENCE, REPOSITORY].into_iter().map(|key| (key, direction)).collect())
    }
}

impl FailureRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            TIME => self.time.to_string(),
            SEQUENCE => self.sequence.to_string(),
            _ => self.repository_id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of failures.
#[derive(Clone, Debug)]
pub struct Failures {
    pub filter: Filter<FailureField>,
    pub page: Page,
}

impl Question for Failures {
    type Row = FailureRecord;
    const NAME: &'static str = "scan_failures";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment().append(self.page.between());
        Statement::new(SQL).with_text("columns", COLUMNS).with("filter", &filter).with("tail", &self.page.tail())
    }
}

/// How many failures a filter matches.
#[derive(Clone, Debug)]
pub struct FailureCount {
    pub filter: Filter<FailureField>,
}

impl Question for FailureCount {
    type Row = u64;
    const NAME: &'static str = "scan_failure_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}
