//! Rows of repositories, their snapshots and how they were found, field by field as the migrations name them.

use clickhouse::Row;
use serde::Serialize;
use uuid::Uuid;

use crate::model::{ChangedField, Repository, RepositoryChange, RepositoryMetrics, RepositoryStatus, RunStatus};

/// The values of the `sync_status` and `scan_status` columns.
const fn run_status_code(status: RunStatus) -> i8 {
    match status {
        RunStatus::Pending => 1,
        RunStatus::Succeeded => 2,
        RunStatus::Failed => 3,
    }
}

/// The values of the `status` column.
pub const fn repository_status_code(status: RepositoryStatus) -> i8 {
    match status {
        RepositoryStatus::Pending => 1,
        RepositoryStatus::Active => 2,
        RepositoryStatus::PendingApproval => 3,
        RepositoryStatus::Blocked => 4,
        RepositoryStatus::Gone => 5,
    }
}

/// The newest snapshot in the row of its repository: the columns of [`MetricsRow`], without the repository and the version.
type Newest<'a> =
    (i64, u64, u64, Option<u64>, u64, u64, Option<u64>, Vec<(&'a str, u64)>, bool, Option<i64>, Option<i64>);

#[derive(Clone, Row, Serialize)]
pub struct RepositoryRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    forge: &'a str,
    owner: &'a str,
    name: &'a str,
    url: &'a str,
    default_branch: &'a str,
    discovered_at: i64,
    forge_id: &'a str,
    node_id: &'a str,
    status: i8,
    is_approved: bool,
    description: Option<&'a str>,
    license: Option<&'a str>,
    language: Option<&'a str>,
    topics: Vec<&'a str>,
    created_at: Option<i64>,
    is_archived: bool,
    is_fork: bool,
    is_template: bool,
    discovery_tags: Vec<&'a str>,
    quality: Vec<(&'a str, i32, i32, &'a str)>,
    quality_score: u32,
    metrics: Vec<Newest<'a>>,
    sync_status: i8,
    last_sync_at: Option<i64>,
    sync_error: Option<&'a str>,
    failed_syncs: u32,
    scan_status: i8,
    last_scan_at: Option<i64>,
    scan_error: Option<&'a str>,
    next_sync_at: Option<i64>,
    updated_at: i64,
}

impl<'a> RepositoryRow<'a> {
    /// `version` orders the rows of a repository, and tells caches that something changed.
    pub fn new(version: u64, repository: &'a Repository) -> Self {
        let Repository { profile, sync, scan, quality, .. } = repository;
        let texts = |list: &'a [String]| list.iter().map(String::as_str).collect();
        let parts = quality.parts.iter();
        Self {
            id: repository.id.0,
            forge: &repository.forge,
            owner: &repository.owner,
            name: &repository.name,
            url: &repository.url,
            default_branch: &profile.default_branch,
            discovered_at: repository.discovered_at_ms,
            forge_id: repository.forge_id.as_ref().map_or("", |id| &id.id),
            node_id: repository.node_id.as_deref().unwrap_or_default(),
            status: repository_status_code(repository.status),
            is_approved: repository.is_approved,
            description: profile.description.as_deref(),
            license: profile.license.as_deref(),
            language: profile.language.as_deref(),
            topics: texts(&profile.topics),
            created_at: profile.created_at,
            is_archived: profile.is_archived,
            is_fork: profile.is_fork,
            is_template: profile.is_template,
            discovery_tags: texts(&repository.discovery_tags),
            quality: parts.map(|part| (&*part.name, part.points, part.most, &*part.explanation)).collect(),
            quality_score: quality.score(),
            metrics: repository.metrics.iter().map(newest).collect(),
            sync_status: run_status_code(sync.status),
            last_sync_at: sync.at_ms,
            sync_error: sync.error.as_deref(),
            failed_syncs: repository.failed_syncs,
            scan_status: run_status_code(scan.status),
            last_scan_at: scan.at_ms,
            scan_error: scan.error.as_deref(),
            next_sync_at: repository.next_sync_at_ms,
            updated_at: i64::try_from(version).unwrap_or(i64::MAX),
        }
    }
}

fn newest(metrics: &RepositoryMetrics) -> Newest<'_> {
    let row = MetricsRow::new(0, metrics);
    (
        row.recorded_at,
        row.stars,
        row.forks,
        row.watchers,
        row.open_issues,
        row.size_kb,
        row.resource_count,
        row.languages,
        row.has_languages,
        row.pushed_at,
        row.updated_at,
    )
}

#[derive(Clone, Row, Serialize)]
pub struct MetricsRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    recorded_at: i64,
    version: u64,
    stars: u64,
    forks: u64,
    watchers: Option<u64>,
    open_issues: u64,
    size_kb: u64,
    resource_count: Option<u64>,
    languages: Vec<(&'a str, u64)>,
    has_languages: bool,
    pushed_at: Option<i64>,
    updated_at: Option<i64>,
}

impl<'a> MetricsRow<'a> {
    pub fn new(version: u64, metrics: &'a RepositoryMetrics) -> Self {
        let languages = metrics.languages.iter().flatten();
        Self {
            repository_id: metrics.repository.0,
            recorded_at: metrics.recorded_at_ms,
            version,
            stars: metrics.stars,
            forks: metrics.forks,
            watchers: metrics.watchers,
            open_issues: metrics.open_issues,
            size_kb: metrics.size_kb,
            resource_count: metrics.resource_count,
            languages: languages.map(|(name, bytes)| (name.as_str(), *bytes)).collect(),
            has_languages: metrics.languages.is_some(),
            pushed_at: metrics.pushed_at,
            updated_at: metrics.updated_at,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct RepositoryChangeRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    recorded_at: i64,
    version: u64,
    field: i8,
    before: &'a str,
    after: &'a str,
}

impl<'a> RepositoryChangeRow<'a> {
    pub fn new(version: u64, change: &'a RepositoryChange) -> Self {
        let field = match change.field {
            ChangedField::FullName => 1,
            ChangedField::DefaultBranch => 2,
            ChangedField::Archived => 3,
            ChangedField::Fork => 4,
            ChangedField::Status => 5,
        };
        Self {
            repository_id: change.repository.0,
            recorded_at: change.recorded_at_ms,
            version,
            field,
            before: &change.before,
            after: &change.after,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct TombstoneRow<'a> {
    pub alias: &'a str,
    pub is_buried: bool,
    /// Microseconds since 1970.
    pub updated_at: i64,
}
