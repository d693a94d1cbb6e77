//! Repositories, with how far they are scanned.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};
use crate::model::{Checkpoint, Repository, RepositoryId, RunId, ScanStatus, Step, Totals};

const SQL: &str = include_str!("../../../clickhouse/queries/repositories.sql");

/// A repository and its newest checkpoint; without one, `generation` is 0 and the totals are too.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct RepositoryRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
    pub forge: String,
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub url: String,
    pub default_branch: String,
    /// Milliseconds since 1970.
    pub discovered_at: i64,
    /// As the column `scan_status` numbers them.
    pub scan_status: i8,
    /// Milliseconds since 1970.
    pub last_scan_at: Option<i64>,
    pub scan_error: Option<String>,
    pub generation: u32,
    pub sequence: u64,
    pub head_commit: String,
    /// Seconds since 1970.
    pub head_time: i64,
    /// Seconds since 1970.
    pub head_state_time: i64,
    pub head_actor: String,
    pub head_actor_is_bot: bool,
    pub head_subject: String,
    pub branch: String,
    pub extractor_version: u32,
    pub commits: u64,
    pub created: u64,
    pub modified: u64,
    pub deleted: u64,
    pub moved: u64,
    pub resources: u64,
    pub files: u64,
    pub unparsable_versions: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub run_id: Uuid,
}

/// What repositories can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryField {
    Id,
    FullName,
    Owner,
    Name,
    Url,
    Forge,
}

impl Field for RepositoryField {
    fn sql(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::FullName => "full_name",
            Self::Owner => "owner",
            Self::Name => "name",
            Self::Url => "url",
            Self::Forge => "forge",
        }
    }

    fn server_type(self) -> &'static str {
        if self == Self::Id { "UUID" } else { "String" }
    }
}

/// What repositories can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryOrder {
    FullName,
    ResourceCount,
    HeadTime,
}

const ID: SortKey = SortKey::new("id", "UUID");
const FULL_NAME: SortKey = SortKey::new("full_name", "String");
const RESOURCES: SortKey = SortKey::new("resources", "UInt64");
const HEAD_TIME: SortKey = SortKey::seconds("head_time");

impl RepositoryOrder {
    /// A total order: what was asked for, then the id.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::FullName => FULL_NAME,
            Self::ResourceCount => RESOURCES,
            Self::HeadTime => HEAD_TIME,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        Order(keys.chain([(ID, Direction::Ascending)]).collect())
    }
}

impl RepositoryRecord {
    pub fn to_model(&self) -> Repository {
        Repository {
            id: RepositoryId(self.id),
            forge: self.forge.clone(),
            owner: self.owner.clone(),
            name: self.name.clone(),
            url: self.url.clone(),
            default_branch: self.default_branch.clone(),
            discovered_at_ms: self.discovered_at,
            scan_status: self.status(),
            last_scan_at_ms: self.last_scan_at,
            scan_error: self.scan_error.clone(),
        }
    }

    pub fn status(&self) -> ScanStatus {
        match self.scan_status {
            2 => ScanStatus::Succeeded,
            3 => ScanStatus::Failed,
            _ => ScanStatus::Pending,
        }
    }

    /// The newest checkpoint; `None` before the first published scan.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        (self.generation > 0).then(|| Checkpoint {
            repository: RepositoryId(self.id),
            generation: self.generation,
            sequence: self.sequence,
            head: Step {
                commit: self.head_commit.clone(),
                time: self.head_time,
                state_time: self.head_state_time,
                actor: self.head_actor.clone(),
                actor_is_bot: self.head_actor_is_bot,
                subject: self.head_subject.clone(),
            },
            branch: self.branch.clone(),
            extractor_version: self.extractor_version,
            totals: Totals {
                commits: self.commits,
                created: self.created,
                modified: self.modified,
                deleted: self.deleted,
                moved: self.moved,
                resources: self.resources,
                files: self.files,
                unparsable_versions: self.unparsable_versions,
            },
            run: RunId(self.run_id),
        })
    }

    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            FULL_NAME => self.full_name.clone(),
            RESOURCES => self.resources.to_string(),
            HEAD_TIME => self.head_time.to_string(),
            _ => self.id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of repositories; without a page, all that match.
#[derive(Clone, Debug)]
pub struct Repositories {
    pub filter: Filter<RepositoryField>,
    pub page: Option<Page>,
}

impl Question for Repositories {
    type Row = RepositoryRecord;
    const NAME: &'static str = "repositories";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment(|_| true);
        let (filter, tail) = match &self.page {
            Some(page) => (filter.append(page.between()), page.tail()),
            None => (filter, Fragment::default().text("ORDER BY full_name, id")),
        };
        Statement::new(SQL).with_text("columns", "*").with("filter", &filter).with("tail", &tail)
    }
}

/// How many repositories a filter matches.
#[derive(Clone, Debug)]
pub struct RepositoryCount {
    pub filter: Filter<RepositoryField>,
}

impl Question for RepositoryCount {
    type Row = u64;
    const NAME: &'static str = "repository_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment(|_| true);
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}

/// The repository that a normalised URL or a canonical path means.
#[derive(Clone, Debug)]
pub struct RepositoryByAlias {
    pub alias: String,
}

/// An id.
#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct IdRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
}

impl Question for RepositoryByAlias {
    type Row = IdRecord;
    const NAME: &'static str = "repository_by_alias";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repository_by_alias.sql"))
            .bind("alias", Parameter::Text(self.alias.clone()))
    }
}
