//! Releases that went from one version of their chart to another.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/version_changes.sql");
const COLUMNS: &str = "repository_id, sequence, resource_id, commit, time, actor, actor_is_bot, chart_name, chart_before, chart, \
     version_before, version, toInt8(version_class_before) AS version_class_before, toInt8(version_class) AS version_class, \
     toInt8(step) AS step_code, toInt8(part) AS part_code, cause_id";

/// One change.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct VersionChangeRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    pub actor: String,
    pub actor_is_bot: bool,
    pub chart_name: String,
    /// Identities.
    pub chart_before: String,
    pub chart: String,
    pub version_before: String,
    pub version: String,
    /// As the columns number them.
    pub version_class_before: i8,
    pub version_class: i8,
    pub step_code: i8,
    pub part_code: i8,
    /// The resource whose change it is; zero: its own.
    #[serde(with = "clickhouse::serde::uuid")]
    pub cause_id: Uuid,
}

/// What changes can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionChangeField {
    Repository,
    Resource,
    ChartName,
    ChartBefore,
    Chart,
    Version,
    Time,
    Step,
    Part,
    ActorIsBot,
    /// By another resource's change.
    IsIndirect,
}

impl Field for VersionChangeField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "chart_version_changes.repository_id",
            Self::Resource => "resource_id",
            Self::ChartName => "chart_name",
            Self::ChartBefore => "chart_before",
            Self::Chart => "chart",
            Self::Version => "version",
            Self::Time => "time",
            Self::Step => "toString(step)",
            Self::Part => "toString(part)",
            Self::ActorIsBot => "actor_is_bot",
            Self::IsIndirect => "(cause_id != toUUID('00000000-0000-0000-0000-000000000000'))",
        }
    }

    fn server_type(self) -> &'static str {
        if matches!(self, Self::Repository | Self::Resource) { "UUID" } else { "String" }
    }
}

const TIME: SortKey = SortKey::seconds("time");
const SEQUENCE: SortKey = SortKey::new("sequence", "UInt64");
const REPOSITORY: SortKey = SortKey::new("repository_id", "UUID");
const RESOURCE: SortKey = SortKey::new("resource_id", "UUID");

/// Changes are ordered by time, then by the walk; those of one commit by resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionChangeOrder;

impl VersionChangeOrder {
    pub fn keys(direction: Direction) -> Order {
        Order([TIME, SEQUENCE, REPOSITORY, RESOURCE].into_iter().map(|key| (key, direction)).collect())
    }
}

impl VersionChangeRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            TIME => self.time.to_string(),
            SEQUENCE => self.sequence.to_string(),
            REPOSITORY => self.repository_id.to_string(),
            _ => self.resource_id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of changes.
#[derive(Clone, Debug)]
pub struct VersionChanges {
    pub filter: Filter<VersionChangeField>,
    pub page: Page,
}

impl Question for VersionChanges {
    type Row = VersionChangeRecord;
    const NAME: &'static str = "version_changes";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment().append(self.page.between());
        Statement::new(SQL).with_text("columns", COLUMNS).with("filter", &filter).with("tail", &self.page.tail())
    }
}

/// How many changes a filter matches.
#[derive(Clone, Debug)]
pub struct VersionChangeCount {
    pub filter: Filter<VersionChangeField>,
}

impl Question for VersionChangeCount {
    type Row = u64;
    const NAME: &'static str = "version_change_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}
