//! Charts that repositories install.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// What some repositories install now.
#[derive(Clone, Debug)]
pub struct RepositoryCharts {
    pub repositories: Vec<Uuid>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct RepositoryChartRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub name: String,
    /// Empty: its source is not known.
    pub identity: String,
    /// Resources that install it.
    pub releases: u64,
    /// In no order.
    pub versions: Vec<String>,
}

impl Question for RepositoryCharts {
    type Row = RepositoryChartRecord;
    const NAME: &'static str = "repository_charts";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/repository_charts.sql"))
            .with_text("of", "repository_id IN {repositories:Array(UUID)}")
            .bind("repositories", Parameter::uuids(&self.repositories))
    }
}
