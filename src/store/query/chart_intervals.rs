//! When releases installed which versions of a chart.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::aggregate::ChartField;
use super::filter::Filter;
use super::{Question, Statement};

/// The exact versions that releases installed, each from when until when; the earliest first.
#[derive(Clone, Debug)]
pub struct ChartIntervals {
    pub filter: Filter<ChartField>,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct ChartIntervalRecord {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub version: String,
    /// Seconds since 1970.
    pub valid_from: i64,
    /// `i64::MAX`: it is so now.
    pub valid_to: i64,
}

impl Question for ChartIntervals {
    type Row = ChartIntervalRecord;
    const NAME: &'static str = "chart_intervals";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/chart_intervals.sql"))
            .with("filter", &self.filter.fragment())
    }
}
