//! How far a repository is scanned.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};
use crate::model::{Checkpoint, RepositoryId, RunId, Step, Totals};

/// The newest published checkpoint of a repository; no row before its first scan.
#[derive(Clone, Copy, Debug)]
pub struct NewestCheckpoint {
    pub repository: RepositoryId,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct CheckpointRecord {
    generation: u32,
    sequence: u64,
    commit: String,
    /// Seconds since 1970; so the next.
    commit_time: i64,
    state_time: i64,
    actor: String,
    actor_is_bot: bool,
    subject: String,
    branch: String,
    extractor_version: u32,
    commits: u64,
    created: u64,
    modified: u64,
    deleted: u64,
    moved: u64,
    resources: u64,
    files: u64,
    unparsable_versions: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl CheckpointRecord {
    pub fn into_model(self, repository: RepositoryId) -> Checkpoint {
        Checkpoint {
            repository,
            generation: self.generation,
            sequence: self.sequence,
            head: Step {
                commit: self.commit,
                time: self.commit_time,
                state_time: self.state_time,
                actor: self.actor,
                actor_is_bot: self.actor_is_bot,
                subject: self.subject,
            },
            branch: self.branch,
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
        }
    }
}

impl Question for NewestCheckpoint {
    type Row = CheckpointRecord;
    const NAME: &'static str = "newest_checkpoint";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/checkpoint.sql"))
            .bind("repository_id", Parameter::Text(self.repository.to_string()))
    }
}
