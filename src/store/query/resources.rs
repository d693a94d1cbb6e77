//! Resources as the newest event that readers see left them.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};
use crate::model::{self, Facts, ResourceId};

const SQL: &str = include_str!("../../../clickhouse/queries/resources.sql");

/// A resource; times are seconds since 1970.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct ResourceRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
    pub sequence: u64,
    pub group: String,
    pub api_version: String,
    pub kind: String,
    /// Empty: none declared.
    pub namespace: String,
    pub name: String,
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    pub ordinal: u32,
    /// As the column `status` numbers them.
    pub status: i8,
    pub blob: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    /// JSON text; empty in rows of older rules.
    pub facts: String,
    /// Keys of inline Helm values.
    pub values_keys: Vec<String>,
}

/// What resources can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceField {
    Id,
    Repository,
    Group,
    Kind,
    Namespace,
    Name,
    ApiVersion,
    Path,
    Status,
    CreatedAt,
    UpdatedAt,
    /// As it is declared.
    ChartName,
    /// A list.
    ValuesKeys,
}

impl ResourceField {
    /// Whether the field is the same in all rows of one resource.
    const fn is_identity(self) -> bool {
        matches!(
            self,
            Self::Id | Self::Repository | Self::Group | Self::Kind | Self::Namespace | Self::Name | Self::CreatedAt
        )
    }
}

impl Field for ResourceField {
    fn sql(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Repository => "resources.repository_id",
            Self::Group => "group",
            Self::Kind => "kind",
            Self::Namespace => "namespace",
            Self::Name => "name",
            Self::ApiVersion => "api_version",
            Self::Path => "path",
            Self::Status => "if(status = 1, 'ACTIVE', 'DELETED')",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::ChartName => "JSONExtractString(facts, 'chart_name')",
            Self::ValuesKeys => "values_keys",
        }
    }

    fn server_type(self) -> &'static str {
        if matches!(self, Self::Id | Self::Repository) { "UUID" } else { "String" }
    }
}

/// What resources can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceOrder {
    Kind,
    Namespace,
    Name,
    Path,
    CreatedAt,
    UpdatedAt,
}

const ID: SortKey = SortKey::new("id", "UUID");
const KIND: SortKey = SortKey::new("kind", "String");
const NAMESPACE: SortKey = SortKey::new("namespace", "String");
const NAME: SortKey = SortKey::new("name", "String");
const PATH: SortKey = SortKey::new("hex(path)", "String");
const CREATED_AT: SortKey = SortKey::seconds("created_at");
const UPDATED_AT: SortKey = SortKey::seconds("updated_at");

impl ResourceOrder {
    /// A total order: what was asked for, then the id.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::Kind => KIND,
            Self::Namespace => NAMESPACE,
            Self::Name => NAME,
            Self::Path => PATH,
            Self::CreatedAt => CREATED_AT,
            Self::UpdatedAt => UPDATED_AT,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        Order(keys.chain([(ID, Direction::Ascending)]).collect())
    }
}

impl ResourceRecord {
    /// What the manifest declares. Rows that older rules wrote have none; they are read from the root again before they are needed.
    pub fn facts(&self) -> Facts {
        serde_json::from_str(&self.facts).unwrap_or_default()
    }

    /// As the scanner knows it; `None` when its facts cannot be read.
    pub fn to_model(&self) -> Option<model::Resource> {
        Some(model::Resource {
            id: ResourceId(self.id),
            sequence: self.sequence,
            api_version: self.api_version.as_str().into(),
            group: self.group.as_str().into(),
            kind: self.kind.as_str().into(),
            namespace: (!self.namespace.is_empty()).then(|| self.namespace.as_str().into()),
            name: self.name.as_str().into(),
            path: self.path.as_slice().into(),
            ordinal: self.ordinal,
            blob: self.blob.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            facts: Arc::new(serde_json::from_str(&self.facts).ok()?),
            // A scan finds them anew where they are needed.
            values_keys: Vec::new(),
        })
    }

    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            KIND => self.kind.clone(),
            NAMESPACE => self.namespace.clone(),
            NAME => self.name.clone(),
            PATH => self.path.iter().map(|byte| format!("{byte:02X}")).collect(),
            CREATED_AT => self.created_at.to_string(),
            UPDATED_AT => self.updated_at.to_string(),
            _ => self.id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of resources; without a page, all that match, in walk order.
#[derive(Clone, Debug)]
pub struct Resources {
    pub filter: Filter<ResourceField>,
    pub page: Option<Page>,
}

impl Question for Resources {
    type Row = ResourceRecord;
    const NAME: &'static str = "resources";

    fn statement(&self) -> Statement {
        let (between, tail) = match &self.page {
            Some(page) => (page.between(), page.tail()),
            None => (Fragment::default(), Fragment::default().text("ORDER BY repository_id, sequence")),
        };
        statement(&self.filter, "*", between, &tail)
    }
}

/// How many resources a filter matches.
#[derive(Clone, Debug)]
pub struct ResourceCount {
    pub filter: Filter<ResourceField>,
}

impl Question for ResourceCount {
    type Row = u64;
    const NAME: &'static str = "resource_count";

    fn statement(&self) -> Statement {
        statement(&self.filter, "count()", Fragment::default(), &Fragment::default())
    }
}

fn statement(filter: &Filter<ResourceField>, columns: &'static str, between: Fragment, tail: &Fragment) -> Statement {
    let (of_identity, others) = filter.divided(ResourceField::is_identity);
    Statement::new(SQL)
        .with_text("columns", columns)
        .with("identity_filter", &of_identity)
        .with("filter", &others.append(between))
        .with("tail", tail)
}

/// How many resources of each kind are alive in a repository.
#[derive(Clone, Debug)]
pub struct ResourcesByKind {
    pub repository: Uuid,
}

/// A kind and how many of it are alive.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct KindCount {
    pub group: String,
    pub kind: String,
    pub resources: u64,
}

impl Question for ResourcesByKind {
    type Row = KindCount;
    const NAME: &'static str = "resources_by_kind";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/resources_by_kind.sql"))
            .bind("repository", Parameter::Text(self.repository.to_string()))
    }
}
