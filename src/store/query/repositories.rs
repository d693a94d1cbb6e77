//! Repositories, with how far they are scanned.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};
use crate::model::{
    ForgeId, LastRun, Profile, Quality, QualityPart, Repository, RepositoryId, RepositoryMetrics, RepositoryStatus,
    RunStatus,
};
use crate::store::repository_rows::repository_status_code;

const SQL: &str = include_str!("../../../clickhouse/queries/repositories.sql");

/// A snapshot as a repository's row holds it: when it was taken (milliseconds since 1970), stars, forks, watchers, open issues, KiB,
/// resources, languages and whether they are known, the last push and the last change (seconds since 1970).
pub type Newest =
    (i64, u64, u64, Option<u64>, u64, u64, Option<u64>, Vec<(String, u64)>, bool, Option<i64>, Option<i64>);

/// A repository and what its newest checkpoint says; without one, `generation` is 0 and the totals are too.
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
    /// As the column numbers them.
    pub status: i8,
    pub is_approved: bool,
    /// Empty: not known.
    pub forge_id: String,
    pub node_id: String,
    pub description: Option<String>,
    pub license: Option<String>,
    pub language: Option<String>,
    pub topics: Vec<String>,
    /// Seconds since 1970.
    pub created_at: Option<i64>,
    pub is_archived: bool,
    pub is_fork: bool,
    pub is_template: bool,
    pub discovery_tags: Vec<String>,
    /// Name, points, the most they can be, and why.
    pub quality: Vec<(String, i32, i32, String)>,
    pub quality_score: u32,
    /// The newest snapshot, if there is one.
    pub metrics: Vec<Newest>,
    /// As the column numbers them; so below.
    pub sync_status: i8,
    /// Milliseconds since 1970; so below.
    pub last_sync_at: Option<i64>,
    pub sync_error: Option<String>,
    pub failed_syncs: u32,
    pub scan_status: i8,
    pub last_scan_at: Option<i64>,
    pub scan_error: Option<String>,
    pub next_sync_at: Option<i64>,
    pub generation: u32,
    pub head_commit: String,
    /// Seconds since 1970.
    pub head_time: i64,
    pub head_actor: String,
    pub head_actor_is_bot: bool,
    pub head_subject: String,
    pub extractor_version: u32,
    pub commits: u64,
    pub created: u64,
    pub modified: u64,
    pub deleted: u64,
    pub resources: u64,
    pub unparsable_versions: u64,
    /// Of the newest snapshot; 0 without one.
    pub stars: u64,
}

/// The commit up to which a repository is scanned.
#[derive(Clone, Debug)]
pub struct Head {
    pub commit: String,
    /// Seconds since 1970.
    pub time: i64,
    pub actor: String,
    pub actor_is_bot: bool,
    pub subject: String,
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
    Status,
    /// A list, as the next one.
    Topics,
    DiscoveryTags,
    IsArchived,
    Language,
    /// Of the newest snapshot; 0 without one.
    Stars,
    ResourceCount,
    Quality,
    CreatedAt,
    NextSync,
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
            Self::Status => "['PENDING', 'ACTIVE', 'PENDING_APPROVAL', 'BLOCKED', 'GONE'][status]",
            Self::Topics => "topics",
            Self::DiscoveryTags => "discovery_tags",
            Self::IsArchived => "is_archived",
            // What is not told is the empty text, as in all filters.
            Self::Language => "ifNull(language, '')",
            Self::Stars => "stars",
            Self::ResourceCount => "resources",
            Self::Quality => "quality_score",
            Self::CreatedAt => "created_at",
            Self::NextSync => "next_sync_at",
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
    /// Of the newest snapshot; 0 without one.
    Stars,
    Quality,
    /// Those never synced are the earliest.
    LastSync,
}

const ID: SortKey = SortKey::new("id", "UUID");
const FULL_NAME: SortKey = SortKey::new("full_name", "String");
const RESOURCES: SortKey = SortKey::new("resources", "UInt64");
const HEAD_TIME: SortKey = SortKey::seconds("head_time");
const STARS: SortKey = SortKey::new("stars", "UInt64");
const QUALITY: SortKey = SortKey::new("quality_score", "UInt64");
const LAST_SYNC: SortKey =
    SortKey::new("toUnixTimestamp64Milli(ifNull(last_sync_at, toDateTime64(0, 3, 'UTC')))", "Int64");

impl RepositoryOrder {
    /// A total order: what was asked for, then the id.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::FullName => FULL_NAME,
            Self::ResourceCount => RESOURCES,
            Self::HeadTime => HEAD_TIME,
            Self::Stars => STARS,
            Self::Quality => QUALITY,
            Self::LastSync => LAST_SYNC,
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
            discovered_at_ms: self.discovered_at,
            status: self.status(),
            is_approved: self.is_approved,
            forge_id: self.forge_id(),
            node_id: Some(self.node_id.clone()).filter(|id| !id.is_empty()),
            profile: Profile {
                description: self.description.clone(),
                license: self.license.clone(),
                language: self.language.clone(),
                topics: self.topics.clone(),
                default_branch: self.default_branch.clone(),
                created_at: self.created_at,
                is_archived: self.is_archived,
                is_fork: self.is_fork,
                is_template: self.is_template,
            },
            discovery_tags: self.discovery_tags.clone(),
            quality: self.quality(),
            metrics: self.metrics(),
            sync: self.last_sync(),
            failed_syncs: self.failed_syncs,
            scan: self.last_scan(),
            next_sync_at_ms: self.next_sync_at,
        }
    }

    pub fn status(&self) -> RepositoryStatus {
        let known = RepositoryStatus::ALL.into_iter();
        known.min_by_key(|status| repository_status_code(*status) != self.status).unwrap_or(RepositoryStatus::Pending)
    }

    pub fn forge_id(&self) -> Option<ForgeId> {
        let is_known = !self.forge_id.is_empty();
        is_known.then(|| ForgeId { forge: self.forge.clone(), id: self.forge_id.clone() })
    }

    pub fn quality(&self) -> Quality {
        let part = |(name, points, most, explanation): &(String, i32, i32, String)| QualityPart {
            name: name.clone(),
            points: *points,
            most: *most,
            explanation: explanation.clone(),
        };
        Quality { parts: self.quality.iter().map(part).collect() }
    }

    /// The newest snapshot.
    pub fn metrics(&self) -> Option<RepositoryMetrics> {
        let (recorded_at_ms, stars, forks, watchers, open_issues, size_kb, ..) = *self.metrics.first()?;
        let (.., resource_count, languages, has_languages, pushed_at, updated_at) = self.metrics.first()?;
        Some(RepositoryMetrics {
            repository: RepositoryId(self.id),
            recorded_at_ms,
            stars,
            forks,
            watchers,
            open_issues,
            size_kb,
            resource_count: *resource_count,
            languages: has_languages.then(|| languages.clone()),
            pushed_at: *pushed_at,
            updated_at: *updated_at,
        })
    }

    pub fn last_sync(&self) -> LastRun {
        LastRun { status: run_status(self.sync_status), at_ms: self.last_sync_at, error: self.sync_error.clone() }
    }

    pub fn last_scan(&self) -> LastRun {
        LastRun { status: run_status(self.scan_status), at_ms: self.last_scan_at, error: self.scan_error.clone() }
    }

    /// The commit up to which events are published; `None` before the first scan.
    pub fn head(&self) -> Option<Head> {
        (self.generation > 0).then(|| Head {
            commit: self.head_commit.clone(),
            time: self.head_time,
            actor: self.head_actor.clone(),
            actor_is_bot: self.head_actor_is_bot,
            subject: self.head_subject.clone(),
        })
    }

    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            FULL_NAME => self.full_name.clone(),
            RESOURCES => self.resources.to_string(),
            HEAD_TIME => self.head_time.to_string(),
            STARS => self.stars.to_string(),
            QUALITY => self.quality_score.to_string(),
            LAST_SYNC => self.last_sync_at.unwrap_or_default().to_string(),
            _ => self.id.to_string(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

fn run_status(code: i8) -> RunStatus {
    match code {
        2 => RunStatus::Succeeded,
        3 => RunStatus::Failed,
        _ => RunStatus::Pending,
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
        let filter = self.filter.fragment();
        let (filter, tail) = match &self.page {
            Some(page) => (filter.append(page.between()), page.tail()),
            None => (filter, Fragment::default().text("ORDER BY full_name, id")),
        };
        let sql = Statement::new(SQL).with_text("columns", "*").with("of", &of(&self.filter));
        sql.with("filter", &filter).with("tail", &tail)
    }
}

/// What of a filter says which checkpoints are needed at all.
fn of(filter: &Filter<RepositoryField>) -> Fragment {
    filter.divided(|field| field == RepositoryField::Id).0
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
        let filter = self.filter.fragment();
        let sql = Statement::new(SQL).with_text("columns", "count()").with("of", &of(&self.filter));
        sql.with("filter", &filter).with_text("tail", "")
    }
}

/// The repository that a normalised URL or a canonical path means.
#[derive(Clone, Debug)]
pub struct RepositoryByAlias {
    pub alias: String,
}

/// The repositories that several aliases mean.
#[derive(Clone, Debug)]
pub struct RepositoriesByAlias {
    pub aliases: Vec<String>,
}

/// An alias and the repository that it means.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct AliasRecord {
    pub alias: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
}

impl Question for RepositoriesByAlias {
    type Row = AliasRecord;
    const NAME: &'static str = "repositories_by_alias";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repositories_by_alias.sql"))
            .bind("aliases", Parameter::Texts(self.aliases.clone()))
    }
}

/// Every alias of a repository.
#[derive(Clone, Debug)]
pub struct AliasesOf {
    pub repository: RepositoryId,
}

impl Question for AliasesOf {
    type Row = String;
    const NAME: &'static str = "aliases_of";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/aliases_of.sql"))
            .bind("repository", Parameter::Text(self.repository.to_string()))
    }
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
