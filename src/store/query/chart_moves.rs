//! Charts that moved from one place to another.

use clickhouse::Row;
use serde::Deserialize;

use super::{Question, Statement};
use crate::model::ChartMove;

/// All moves that releases made, by the places before and after.
#[derive(Clone, Debug)]
pub struct ChartMoves;

/// Two identities, and how releases went from one to the other.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct ChartMoveRecord {
    pub chart_before: String,
    pub chart_after: String,
    pub name: String,
    /// In which it happened.
    pub repositories: u64,
    /// Seconds since 1970.
    pub first_time: i64,
}

impl ChartMoveRecord {
    pub fn to_model(&self) -> ChartMove {
        ChartMove {
            before: self.chart_before.clone(),
            after: self.chart_after.clone(),
            name: self.name.clone(),
            repositories: self.repositories,
            first_time: self.first_time,
        }
    }
}

impl Question for ChartMoves {
    type Row = ChartMoveRecord;
    const NAME: &'static str = "chart_moves";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/chart_moves.sql"))
    }
}
