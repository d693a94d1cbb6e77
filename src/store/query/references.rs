//! Edges between resources.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/references.sql");
const COLUMNS: &str = "repository_id, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces, commit, time, edge";

/// What edges can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceField {
    Repository,
    /// The resource that refers.
    From,
    Field,
    ToKind,
    ToNamespace,
    ToName,
    /// Whether the namespace is.
    IsDeclared,
    Produces,
}

impl Field for ReferenceField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "resource_references.repository_id",
            Self::From => "resource_id",
            Self::Field => "field",
            Self::ToKind => "to_kind",
            Self::ToNamespace => "to_namespace",
            Self::ToName => "to_name",
            Self::IsDeclared => "is_declared",
            Self::Produces => "produces",
        }
    }

    fn server_type(self) -> &'static str {
        if matches!(self, Self::Repository | Self::From) { "UUID" } else { "String" }
    }
}

/// What edges can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceOrder {
    Kind,
    Name,
    Field,
    Since,
}

const KIND: SortKey = SortKey::new("to_kind", "String");
const NAME: SortKey = SortKey::new("to_name", "String");
const FIELD: SortKey = SortKey::new("field", "String");
const SINCE: SortKey = SortKey::seconds("time");
const EDGE: SortKey = SortKey::new("edge", "String");

impl ReferenceOrder {
    /// A total order: what was asked for, then what tells edges apart.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::Kind => KIND,
            Self::Name => NAME,
            Self::Field => FIELD,
            Self::Since => SINCE,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        Order(keys.chain([(EDGE, Direction::Ascending)]).collect())
    }
}

/// A page of the edges that a filter matches; without a page, all.
#[derive(Clone, Debug)]
pub struct References {
    pub filter: Filter<ReferenceField>,
    /// Seconds since 1970; `None` for now.
    pub at: Option<i64>,
    pub page: Option<Page>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct ReferenceRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    /// The resource that refers.
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    pub field: String,
    /// Empty: the field does not say.
    pub to_kind: String,
    /// Empty: none known.
    pub to_namespace: String,
    pub is_declared: bool,
    pub to_name: String,
    pub selector: String,
    pub produces: bool,
    /// The commit that made it.
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    /// A digest of all that tells edges apart.
    pub edge: String,
}

impl ReferenceRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            KIND => self.to_kind.clone(),
            NAME => self.to_name.clone(),
            FIELD => self.field.clone(),
            SINCE => self.time.to_string(),
            _ => self.edge.clone(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

impl Question for References {
    type Row = ReferenceRecord;
    const NAME: &'static str = "references";

    fn statement(&self) -> Statement {
        let (between, tail) = match &self.page {
            Some(page) => (page.between(), page.tail()),
            None => {
                let order = "ORDER BY repository_id, resource_id, field, to_kind, to_namespace, to_name, selector";
                (Fragment::default(), Fragment::default().text(order))
            }
        };
        statement(COLUMNS, &self.filter, self.at, between, &tail)
    }
}

/// How many edges a filter matches now.
#[derive(Clone, Debug)]
pub struct ReferenceCount {
    pub filter: Filter<ReferenceField>,
}

impl Question for ReferenceCount {
    type Row = u64;
    const NAME: &'static str = "reference_count";

    fn statement(&self) -> Statement {
        statement("count()", &self.filter, None, Fragment::default(), &Fragment::default())
    }
}

fn statement(
    columns: &'static str,
    filter: &Filter<ReferenceField>,
    at: Option<i64>,
    between: Fragment,
    tail: &Fragment,
) -> Statement {
    Statement::new(SQL)
        .with_text("columns", columns)
        .with("filter", &filter.fragment())
        .with("between", &Fragment::default().text("true").append(between))
        .with("tail", tail)
        .bind("any_time", Parameter::Bool(at.is_none()))
        .bind("at", Parameter::Integer(at.unwrap_or_default()))
}
