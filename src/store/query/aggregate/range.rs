//! From when to when a dataset reaches.

use std::marker::PhantomData;

use clickhouse::Row;
use serde::Deserialize;

use super::{Dataset, Filter, Question, Statement, Wanted, rows};

/// When the first and the last of some rows happened, or began.
#[derive(Clone, Debug)]
pub struct DatasetRange<D: Dataset> {
    filter: Filter<D::Field>,
    from: Option<i64>,
    to: Option<i64>,
    dataset: PhantomData<D>,
}

impl<D: Dataset> DatasetRange<D> {
    /// Of the rows that a filter picks, at or after `from` and before `to` (seconds since 1970).
    pub const fn new(filter: Filter<D::Field>, from: Option<i64>, to: Option<i64>) -> Self {
        Self { filter, from, to, dataset: PhantomData }
    }
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct RangeRecord {
    pub rows: u64,
    /// Seconds since 1970.
    pub first: i64,
    /// Seconds since 1970.
    pub last: i64,
}

impl<D: Dataset> Question for DatasetRange<D> {
    type Row = RangeRecord;
    const NAME: &'static str = D::RANGE_NAME;

    fn statement(&self) -> Statement {
        let time = if D::SUCCESSION.is_some() { "valid_from" } else { "happened" };
        Statement::new(include_str!("../../../../clickhouse/queries/aggregate_range.sql"))
            .with_text("time", time)
            .with("rows", &rows::<D>(&self.filter, self.from, self.to, Wanted::Begun))
    }
}
