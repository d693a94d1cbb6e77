//! Lifecycle events.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::Fragment;
use super::{Question, Statement};
use crate::model::EventType;

const SQL: &str = include_str!("../../../clickhouse/queries/events.sql");
const PAGE_SQL: &str = include_str!("../../../clickhouse/queries/event_page.sql");
const COLUMNS: &str = "repository_id, sequence, id, resource_id, toInt8(type) AS event_type, moved, path_before, commit, time, \
     actor, actor_is_bot, subject, path, ordinal, blob_before, blob_after, group, api_version, kind, namespace, name, \
     changes, changes_omitted, toInt8(change_class) AS change_class_code, effective_namespaces, is_patch, is_vendored, chart_name, chart, \
     chart_version, toInt8(chart_version_class) AS chart_version_class, run_id, recorded_at";

/// An event.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct EventRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    /// As the column `type` numbers them.
    pub event_type: i8,
    pub moved: bool,
    #[serde(with = "serde_bytes")]
    pub path_before: Vec<u8>,
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    pub actor: String,
    pub actor_is_bot: bool,
    pub subject: String,
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    pub ordinal: u32,
    pub blob_before: String,
    pub blob_after: String,
    pub group: String,
    pub api_version: String,
    pub kind: String,
    /// Empty: none declared.
    pub namespace: String,
    pub name: String,
    /// Pointer, before and after as JSON text.
    pub changes: Vec<(String, Option<String>, Option<String>)>,
    pub changes_omitted: u32,
    /// As the column numbers them; 0: none.
    pub change_class_code: i8,
    pub effective_namespaces: Vec<String>,
    pub is_patch: bool,
    pub is_vendored: bool,
    /// Empty: no chart.
    pub chart_name: String,
    /// Identity.
    pub chart: String,
    pub chart_version: String,
    /// As the column numbers them; 0: none.
    pub chart_version_class: i8,
    #[serde(with = "clickhouse::serde::uuid")]
    pub run_id: Uuid,
    /// Milliseconds since 1970.
    pub recorded_at: i64,
}

/// What events can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventField {
    Id,
    Repository,
    Resource,
    Type,
    Group,
    Kind,
    ApiVersion,
    Namespace,
    Name,
    Path,
    Commit,
    Time,
    Moved,
    ActorIsBot,
    ChangeClass,
    IsPatch,
    IsVendored,
    /// Identity of the resolved chart.
    Chart,
    ChartName,
    /// The run of the scan that stored it.
    Run,
}

impl Field for EventField {
    fn sql(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Repository => "resource_events.repository_id",
            Self::Resource => "resource_id",
            Self::Type => "type",
            Self::Group => "group",
            Self::Kind => "kind",
            Self::ApiVersion => "api_version",
            Self::Namespace => "namespace",
            Self::Name => "name",
            Self::Path => "path",
            Self::Commit => "commit",
            Self::Time => "time",
            Self::Moved => "moved",
            Self::ActorIsBot => "actor_is_bot",
            Self::ChangeClass => "toString(change_class)",
            Self::IsPatch => "is_patch",
            Self::IsVendored => "is_vendored",
            Self::Chart => "chart",
            Self::ChartName => "chart_name",
            Self::Run => "run_id",
        }
    }

    fn server_type(self) -> &'static str {
        match self {
            Self::Id | Self::Repository | Self::Resource | Self::Run => "UUID",
            Self::Type => "Enum8('CREATED' = 1, 'MODIFIED' = 2, 'DELETED' = 3)",
            _ => "String",
        }
    }
}

/// What events can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventOrder {
    Time,
}

const TIME: SortKey = SortKey::seconds("time");
const SEQUENCE: SortKey = SortKey::new("sequence", "UInt64");
const REPOSITORY: SortKey = SortKey::new("repository_id", "UUID");

impl EventOrder {
    /// A total order, that of the projection by_time: time, then the walk, then the repository.
    pub fn keys(direction: Direction) -> Order {
        Order([TIME, SEQUENCE, REPOSITORY].into_iter().map(|key| (key, direction)).collect())
    }
}

impl EventRecord {
    pub fn event_type(&self) -> EventType {
        match self.event_type {
            1 => EventType::Created,
            3 => EventType::Deleted,
            _ => EventType::Modified,
        }
    }

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

/// A page of events; without a page, all that match, in walk order.
#[derive(Clone, Debug)]
pub struct Events {
    pub filter: Filter<EventField>,
    pub page: Option<Page>,
}

impl Question for Events {
    type Row = EventRecord;
    const NAME: &'static str = "events";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        let (sql, filter, tail) = match &self.page {
            Some(page) => (PAGE_SQL, filter.append(page.between()), page.tail()),
            None => (SQL, filter, Fragment::default().text("ORDER BY repository_id, sequence")),
        };
        Statement::new(sql).with_text("columns", COLUMNS).with("filter", &filter).with("tail", &tail)
    }
}

/// How many events a filter matches.
#[derive(Clone, Debug)]
pub struct EventCount {
    pub filter: Filter<EventField>,
}

impl Question for EventCount {
    type Row = u64;
    const NAME: &'static str = "event_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}
