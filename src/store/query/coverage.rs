//! What is indexed, and what repositories are about.

use clickhouse::Row;
use serde::Deserialize;

use super::{Question, Statement};

/// What is indexed.
#[derive(Clone, Copy, Debug)]
pub struct Coverage;

#[derive(Clone, Debug, Default, Row, Deserialize)]
pub struct CoverageRecord {
    pub repositories: u64,
    pub scanned_repositories: u64,
    pub repositories_with_resources: u64,
    pub failed_repositories: u64,
    pub commits: u64,
    pub resources: u64,
    pub unparsable_versions: u64,
    /// The last scan of each repository that has one, in milliseconds since 1970.
    pub scanned_at: Vec<i64>,
    pub events: u64,
    /// Seconds since 1970; 0 without events.
    pub first_event: i64,
    pub last_event: i64,
}

impl Question for Coverage {
    type Row = CoverageRecord;
    const NAME: &'static str = "coverage";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/coverage.sql"))
    }
}

/// Topics and languages, those of most repositories first.
#[derive(Clone, Copy, Debug)]
pub struct RepositoryTags;

#[derive(Clone, Debug, Row, Deserialize)]
pub struct TagRecord {
    /// `TOPIC` or `LANGUAGE`.
    #[serde(rename = "type")]
    pub tag_type: String,
    pub name: String,
    pub repositories: u64,
    /// Of a language.
    pub bytes: u64,
}

impl Question for RepositoryTags {
    type Row = TagRecord;
    const NAME: &'static str = "repository_tags";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repository_tags.sql"))
    }
}

/// When repositories began, and what forges count now; ascending in time.
#[derive(Clone, Copy, Debug)]
pub struct RepositoryOrigins;

#[derive(Clone, Debug, Row, Deserialize)]
pub struct OriginRecord {
    /// Seconds since 1970.
    pub began_at: i64,
    /// Of the newest snapshot; without one, nothing.
    pub stars: u64,
    pub forks: u64,
    pub watchers: u64,
    pub open_issues: u64,
}

impl Question for RepositoryOrigins {
    type Row = OriginRecord;
    const NAME: &'static str = "repository_origins";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repository_origins.sql"))
    }
}
