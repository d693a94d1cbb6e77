//! Helm values that releases set.

use clickhouse::Row;
use serde::Deserialize;

use super::aggregate::ChartField;
use super::filter::Filter;
use super::statement::Parameter;
use super::{Question, Statement};

/// Keys of values that the releases of a chart set now.
#[derive(Clone, Debug)]
pub struct ValuesKeys {
    /// The chart.
    pub filter: Filter<ChartField>,
    /// How keys begin.
    pub prefix: String,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct ValuesKeyRecord {
    /// As it is declared.
    pub version: String,
    /// Empty: all releases, whatever they set.
    pub key: String,
    pub releases: u64,
    /// Their ids, in no order.
    pub repositories: Vec<String>,
}

impl Question for ValuesKeys {
    type Row = ValuesKeyRecord;
    const NAME: &'static str = "values_keys";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/values_keys.sql"))
            .with_text("of", "true")
            .with("filter", &self.filter.fragment())
            .bind("prefix", Parameter::Text(self.prefix.clone()))
    }
}
