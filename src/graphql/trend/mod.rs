//! Aggregates over time, of every dataset in one language: flat rows, ready for a chart.

mod arguments;
mod bucket;
mod datasets;
mod fields;
mod measured;
mod rows;
mod span;

use std::sync::Arc;

use async_graphql::{Context, Description, Error, Object, SimpleObject};

pub use arguments::time_zone;
pub use bucket::{Bucket, Calendar, FirstDayOfWeek};
pub use fields::TrendQuery;
pub use measured::{Measured, Own, measure, own};
pub use span::ends;

use super::error::from_store;
use super::limits::{Limit, limits};
use super::scalars::{DateTime, Long};
use super::sight::snapshot;
use crate::store::query::aggregate::{Aggregation, Dataset, Span};
use arguments::Arguments;

/// Measures of groups over time, one row a bucket, group and measure.
#[derive(SimpleObject)]
pub struct Aggregate {
    /// Ascending in time, within a bucket in the order of the groups, `other` last.
    rows: Vec<AggregateRow>,
    /// The range that was measured.
    range: ResolvedRange,
    /// The range it is compared to; null without a comparison.
    compared_range: Option<ResolvedRange>,
    /// The width of a bucket; null when the whole range is one.
    bucket: Option<Bucket>,
    /// Whether groups beyond `top` were measured together as `other`.
    truncated: bool,
}

/// A half-open range of time.
#[derive(SimpleObject)]
pub struct ResolvedRange {
    /// The first instant.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
}

/// One measure of one group in one bucket.
#[derive(Description)]
pub struct AggregateRow {
    series: Arc<SeriesName>,
    /// Seconds since 1970.
    time: Option<i64>,
    value: f64,
    previous: Option<f64>,
}

/// What all rows of a group and measure have in common.
pub struct SeriesName {
    series: String,
    key: String,
    dimensions: Vec<DimensionValue>,
    measure: String,
    is_other: bool,
}

#[Object(use_type_description)]
impl AggregateRow {
    /// The first instant of the bucket; null without buckets.
    async fn time(&self) -> Option<DateTime> {
        self.time.map(DateTime::from_seconds)
    }

    /// The same in milliseconds since 1970.
    async fn time_ms(&self) -> Option<Long> {
        self.time.map(|seconds| Long(seconds.saturating_mul(1_000)))
    }

    /// The group in one text: its dimensions joined by ` / `, `all` without dimensions, `other` for the rest.
    async fn series(&self) -> &str {
        &self.series.series
    }

    /// The group and the measure in one text: the same in every bucket, and in no other series of the answer.
    async fn key(&self) -> &str {
        &self.series.key
    }

    /// The group, dimension by dimension; empty for `other`.
    async fn dimensions(&self) -> &[DimensionValue] {
        &self.series.dimensions
    }

    /// What was measured: `count`, `count(REPOSITORIES)`, `avg(STARS)`.
    async fn measure(&self) -> &str {
        &self.series.measure
    }

    /// The measure's value.
    async fn value(&self) -> f64 {
        self.value
    }

    /// Its value in the bucket of the same place in the range that is compared to; null without one, and where nothing was measured there.
    async fn previous(&self) -> Option<f64> {
        self.previous
    }

    /// What it is more than that.
    async fn delta(&self) -> Option<f64> {
        self.previous.map(|previous| self.value - previous)
    }

    /// The same as a share of what it was: 0.5 is half as much again; null where it was 0.
    async fn relative_delta(&self) -> Option<f64> {
        self.previous.filter(|previous| *previous != 0.0).map(|previous| (self.value - previous) / previous)
    }

    /// Whether this is the rest: all groups beyond `top` together.
    async fn is_other(&self) -> bool {
        self.series.is_other
    }
}

/// One dimension of a group.
#[derive(SimpleObject)]
pub struct DimensionValue {
    /// The dimension, as `groupBy` names it; `HISTOGRAM` for the bins of one.
    name: String,
    /// Its value. A kind comes with its group (`Kustomization.kustomize.toolkit.fluxcd.io`), a repository as owner and name,
    /// a bin as its lower bound, and what there is not as the empty text.
    value: String,
}

impl From<&Span> for ResolvedRange {
    fn from(span: &Span) -> Self {
        Self { from: DateTime::from_seconds(span.from), to: DateTime::from_seconds(span.to) }
    }
}

/// What a trend's arguments ask for.
async fn trend<D: Dataset>(context: &Context<'_>, arguments: Arguments<D>) -> Result<Aggregate, Error> {
    let (from, to) = span::resolve(context, &arguments).await?;
    let limits = limits(context)?;
    let now = snapshot(context)?.time();
    let bucket = arguments.bucket.map(|bucket| bucket.resolved(from, to));
    let spans = span::spans(&arguments, limits, bucket, (from, to), now)?;
    let pairs = span::pairs(&arguments, bucket, &spans);
    let shape = rows::Shape {
        dimensions: arguments.dimension_names(),
        measures: arguments.measures.iter().map(|(name, _)| name.clone()).collect(),
        has_buckets: bucket.is_some(),
        fills: arguments.fills,
        moving_average: arguments.moving_average,
    };
    let series = if spans[0].buckets.is_empty() {
        rows::Series::default()
    } else {
        let question = Aggregation::<D> {
            filter: arguments.filter,
            dimensions: arguments.dimensions.iter().map(|(_, dimension)| *dimension).collect(),
            histogram: arguments.histogram,
            measures: arguments.measures.iter().map(|(_, measure)| *measure).collect(),
            spans: spans.iter().filter(|span| !span.buckets.is_empty()).cloned().collect(),
            time_zone: arguments.calendar.zone.name().to_owned(),
            ranking: arguments.ranking,
            having: arguments.having,
            top: arguments.top,
            // One more tells that there are more.
            most: limits.maximum(Limit::TrendRows).saturating_add(1),
            is_cumulative: arguments.is_cumulative,
        };
        let records = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        // Before there is room for them all.
        limits.check(Limit::TrendRows, rows::count(&question, &records), |most| {
            format!("more than {most} rows; take a wider bucket, a shorter range or a smaller `top`")
        })?;
        rows::Series::new(&question, &records)
    };
    let series = series.with_repositories_named(context, &shape.dimensions).await?;
    Ok(Aggregate {
        truncated: series.has_other(),
        rows: series.rows(&shape, &spans, &pairs),
        range: (&spans[0]).into(),
        compared_range: spans.get(1).map(Into::into),
        bucket,
    })
}
