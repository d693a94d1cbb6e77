//! How discovery goes: its queries, what they found and what came of it.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// All queries that ever ran, with what they found.
#[derive(Clone, Debug)]
pub struct DiscoveryStats;

#[derive(Clone, Debug, Row, Deserialize)]
pub struct DiscoveryStatRecord {
    pub forge: String,
    pub query: String,
    pub runs: u64,
    /// Milliseconds since 1970.
    pub last_run_at: i64,
    /// Repositories that matched in the last run.
    pub found: u64,
    /// Of these not known before it.
    pub new: u64,
    pub is_incomplete: bool,
    /// Why the last run failed.
    pub error: Option<String>,
    /// Requests of all runs.
    pub requests: u64,
    /// Repositories that it ever found.
    pub known: u64,
    /// Of these not rejected.
    pub taken: u64,
    /// Of these not known before.
    pub first_here: u64,
    /// Of those taken, the ones that turned out to hold resources.
    pub accepted: u64,
    /// Why others were rejected, and how many.
    pub rejected: Vec<(String, u64)>,
}

impl Question for DiscoveryStats {
    type Row = DiscoveryStatRecord;
    const NAME: &'static str = "discovery_stats";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/discovery_stats.sql"))
    }
}

/// The newest runs of discovery's queries.
#[derive(Clone, Debug)]
pub struct DiscoveryRuns {
    /// Milliseconds since 1970, inclusive.
    pub from_ms: i64,
    /// The most of each query.
    pub of_each: u32,
    /// The most in all.
    pub limit: u32,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct DiscoveryRunRecord {
    pub forge: String,
    pub query: String,
    /// Milliseconds since 1970.
    pub ran_at: i64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub job_id: Uuid,
    pub found: u64,
    pub new: u64,
    pub requests: u32,
    pub is_incomplete: bool,
    pub is_limited: bool,
    pub error: Option<String>,
}

impl Question for DiscoveryRuns {
    type Row = DiscoveryRunRecord;
    const NAME: &'static str = "discovery_runs";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/discovery_runs.sql"))
            .bind("from_ms", Parameter::Integer(self.from_ms))
            .bind("of_each", Parameter::Integer(self.of_each.into()))
            .bind("limit", Parameter::Integer(self.limit.into()))
    }
}

/// What a query has found so far.
#[derive(Clone, Debug)]
pub struct Discovered {
    pub forge: String,
    pub query: String,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct DiscoveredRecord {
    pub full_name: String,
    /// Why it was not taken; empty: it was.
    pub rejected: String,
    pub is_new: bool,
    /// Milliseconds since 1970.
    pub found_at: i64,
}

impl Question for Discovered {
    type Row = DiscoveredRecord;
    const NAME: &'static str = "discovered";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/discovered.sql"))
            .bind("forge", Parameter::Text(self.forge.clone()))
            .bind("query", Parameter::Text(self.query.clone()))
    }
}
