//! Snapshots of repositories.

use super::{columns, fields};
use crate::store::query::aggregate::{Dataset, Succession};

/// What forges count of repositories, each from one snapshot on until the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepositoryMetrics;

impl Dataset for RepositoryMetrics {
    type Field = MetricsField;
    type Dimension = MetricsColumn;
    type Number = MetricsNumber;
    type Distinct = MetricsDistinct;

    const NAME: &'static str = "repository_metrics_trend";
    const RANGE_NAME: &'static str = "repository_metrics_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_metrics.sql");
    const TIME: &'static str = "recorded_at";
    const REPOSITORY: MetricsColumn = MetricsColumn::Repository;
    const SUCCESSION: Option<Succession> = Some(Succession { of: "repository_id", by: "recorded_at" });

    fn is_constant(field: MetricsField) -> bool {
        field == MetricsField::Repository
    }
}

fields! {
    /// What snapshots are filtered by.
    MetricsField {
        Repository => "repository_metrics.repository_id";
        Language => "toString(languages[1].1)",
        Stars => "stars",
    }
}

columns! {
    /// What snapshots are grouped by.
    MetricsColumn {
        Repository => "toString(repository_metrics.repository_id)",
        /// The main one; empty: not told.
        Language => "toString(languages[1].1)",
    }
}

columns! {
    /// What snapshots are measured by.
    MetricsNumber {
        Stars => "stars",
        Forks => "forks",
        Watchers => "watchers",
        OpenIssues => "open_issues",
        SizeKb => "size_kb",
        Resources => "resource_count",
    }
}

columns! {
    /// What snapshots are counted by.
    MetricsDistinct {
        Repositories => "repository_metrics.repository_id",
    }
}
