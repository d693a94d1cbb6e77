//! Repositories that were removed and are not to come back by themselves.

use super::repositories::IdRecord;
use super::statement::Parameter;
use super::{Question, Statement};

/// Which of some aliases are buried.
#[derive(Clone, Debug)]
pub struct Buried {
    pub aliases: Vec<String>,
}

impl Question for Buried {
    type Row = String;
    const NAME: &'static str = "buried";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/buried.sql"))
            .bind("aliases", Parameter::Texts(self.aliases.clone()))
    }
}

/// Repositories whose removal was cut short.
#[derive(Clone, Copy, Debug)]
pub struct HalfRemoved;

impl Question for HalfRemoved {
    type Row = IdRecord;
    const NAME: &'static str = "half_removed";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/half_removed.sql"))
    }
}
