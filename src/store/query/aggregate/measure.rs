//! What is measured of a group, in steps that can be merged: of the rows of a bucket, of the groups in "other", of all buckets up to one.

use super::{Column, Dataset};

/// What is measured of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure<D: Dataset> {
    /// Its rows.
    Count,
    /// How many different ones there are.
    Distinct(D::Distinct),
    Sum(D::Number),
    Average(D::Number),
    Minimum(D::Number),
    Maximum(D::Number),
    /// At this level between 0 and 1; between two rows it is interpolated.
    Quantile(D::Number, f64),
}

impl<D: Dataset> Measure<D> {
    /// Whether a group without rows has it, and it is 0.
    pub const fn is_zero_of_nothing(&self) -> bool {
        matches!(self, Self::Count | Self::Distinct(_) | Self::Sum(_))
    }

    /// Of rows.
    pub(super) fn partial(&self, index: usize) -> String {
        let state = if self.is_plain() { "" } else { "State" };
        let argument = match self {
            Self::Count => "",
            Self::Distinct(distinct) => distinct.sql(),
            Self::Sum(number)
            | Self::Average(number)
            | Self::Minimum(number)
            | Self::Maximum(number)
            | Self::Quantile(number, _) => number.sql(),
        };
        let (name, level) = match self {
            Self::Count => ("count", String::new()),
            _ => self.function(),
        };
        format!("{name}{state}{level}({argument}) AS m{index}")
    }

    /// Of a group over the first period. What lasts is met in each of its buckets: what adds up is the mean of `buckets`.
    pub(super) fn total(&self, index: usize, buckets: usize) -> String {
        let (name, level) = self.merging();
        let total = format!("{name}If{level}(m{index}, period = 0) OVER (PARTITION BY dimensions)");
        let total = match self {
            Self::Count | Self::Sum(_) if D::SUCCESSION.is_some() && buckets > 1 => format!("{total} / {buckets}"),
            _ => total,
        };
        // The engine says 0 of nothing, whatever the measure.
        match self.is_zero_of_nothing() {
            true => format!("{total} AS total{index}"),
            false => format!("if(min(period) OVER (PARTITION BY dimensions) = 0, {total}, NULL) AS total{index}"),
        }
    }

    /// Of all groups that are told as one.
    pub(super) fn gathered(&self, index: usize, is_cumulative: bool) -> String {
        let (name, level) = self.merging();
        let state = if is_cumulative && !self.is_plain() { "State" } else { "" };
        format!("{name}{state}{level}(m{index}) AS g{index}")
    }

    /// The number itself.
    pub(super) fn value(&self, index: usize, is_cumulative: bool) -> String {
        if !is_cumulative {
            return format!("toFloat64(g{index})");
        }
        let (name, level) = self.merging();
        format!("toFloat64({name}{level}(g{index}) OVER (PARTITION BY period, names, is_other ORDER BY bucket))")
    }

    /// Whether what it is merged from is a number, and no state.
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Count | Self::Sum(_) | Self::Minimum(_) | Self::Maximum(_))
    }

    /// The function that merges, and its parameter.
    fn merging(&self) -> (String, String) {
        let (name, level) = self.function();
        (if self.is_plain() { name.to_owned() } else { format!("{name}Merge") }, level)
    }

    fn function(&self) -> (&'static str, String) {
        let name = match self {
            Self::Count | Self::Sum(_) => "sum",
            Self::Distinct(_) => "uniqExact",
            Self::Average(_) => "avg",
            Self::Minimum(_) => "min",
            Self::Maximum(_) => "max",
            Self::Quantile(_, level) => return ("quantileExactInclusive", format!("({level})")),
        };
        (name, String::new())
    }
}
