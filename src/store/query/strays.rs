//! Rows of scans that no reader sees.

use super::repositories::IdRecord;
use super::statement::Parameter;
use super::{Question, Statement};

/// Repositories with rows that no reader sees.
#[derive(Clone, Debug)]
pub struct Strays {
    /// Stored before this time, in milliseconds since 1970: a scan may still work on later ones, on whatever machine.
    pub before_ms: i64,
}

impl Question for Strays {
    type Row = IdRecord;
    const NAME: &'static str = "strays";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/strays.sql"))
            .bind("before_ms", Parameter::Integer(self.before_ms))
    }
}
