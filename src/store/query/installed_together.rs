//! Charts that are installed beside one.

use clickhouse::Row;
use serde::Deserialize;

use super::aggregate::ChartField;
use super::filter::{Field, Filter};
use super::statement::Parameter;
use super::{Question, Statement};

/// The charts that repositories with one chart install, too.
#[derive(Clone, Debug)]
pub struct InstalledTogether {
    /// The chart.
    pub asked: Filter<ChartField>,
    /// Which others.
    pub others: Filter<ChartField>,
    /// What these are told apart by: name or identity.
    pub key: ChartField,
    pub order: TogetherOrder,
    /// Those that fewer repositories install together are left out.
    pub least: i64,
    pub most: u32,
}

/// What they are ordered by, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TogetherOrder {
    /// How much more often than elsewhere: the rest of the lift is the same for all.
    Lift,
    /// Repositories with both.
    Count,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct TogetherRecord {
    /// Its name or identity.
    pub chart: String,
    /// Repositories that install it.
    pub repositories: u64,
    /// Repositories that install both.
    pub together: u64,
    /// Repositories that install the chart that was asked for.
    pub asked_repositories: u64,
    /// Repositories that install any chart.
    pub all_repositories: u64,
}

impl Question for InstalledTogether {
    type Row = TogetherRecord;
    const NAME: &'static str = "installed_together";

    fn statement(&self) -> Statement {
        let order = match self.order {
            TogetherOrder::Lift => "together / repositories DESC, together DESC, chart",
            TogetherOrder::Count => "together DESC, repositories, chart",
        };
        Statement::new(include_str!("../../../clickhouse/queries/installed_together.sql"))
            .with_text("of", "true")
            .with_text("column", self.key.sql())
            .with_text("order", order)
            .with("asked", &self.asked.fragment())
            .with("others", &self.others.fragment())
            .bind("least", Parameter::Integer(self.least))
            .bind("most", Parameter::Integer(i64::from(self.most)))
    }
}
