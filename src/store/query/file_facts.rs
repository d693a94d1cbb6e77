//! What files say that are no resources.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};
use crate::model::FileFacts;

/// What the files of a repository say, at its checkpoint.
#[derive(Clone, Debug)]
pub struct FileFactsNow {
    pub repository: Uuid,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct FileRecord {
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// JSON text.
    pub facts: String,
}

impl FileRecord {
    /// As the scanner knows it; `None` when its facts cannot be read.
    pub fn to_model(&self) -> Option<(Arc<[u8]>, Arc<FileFacts>)> {
        Some((self.path.as_slice().into(), Arc::new(serde_json::from_str(&self.facts).ok()?)))
    }
}

/// The versions of Flux in the `gotk-components.yaml` files of some repositories.
#[derive(Clone, Debug)]
pub struct FluxVersions {
    pub repositories: Vec<Uuid>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct FluxVersionRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// `v2.3.0`.
    pub version: String,
    /// Of the commit that brought it, in seconds since 1970.
    pub time: i64,
    pub commit: String,
}

impl Question for FluxVersions {
    type Row = FluxVersionRecord;
    const NAME: &'static str = "flux_versions";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/flux_versions.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
    }
}

impl Question for FileFactsNow {
    type Row = FileRecord;
    const NAME: &'static str = "file_facts";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/file_facts.sql"))
            .bind("repository", Parameter::Text(self.repository.to_string()))
    }
}
