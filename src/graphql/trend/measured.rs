//! What a dataset measures, for the answers that are put together from it.

use async_graphql::Error;

use crate::graphql::error::from_store;
use crate::graphql::scalars::Long;
use crate::store::Snapshot;
use crate::store::query::aggregate::{
    Aggregation, ChartField, Charts, Dataset, Events, Measure, Ranking, RepositoryMetrics, ResourceStateField,
    Resources, Span,
};
use crate::store::query::{Direction, EventField, Field, Filter, Operator};

/// More groups than there are.
const ALL: u32 = u32::MAX;

/// Measures of one group in one bucket.
pub struct Measured {
    /// The place of the span.
    pub period: u8,
    /// The bucket's first second.
    pub bucket: i64,
    /// Empty without a dimension.
    pub group: String,
    values: Vec<Option<f64>>,
}

impl Measured {
    /// A measure that is a whole number; 0 where there is nothing to measure.
    pub fn count(&self, place: usize) -> Long {
        Long(self.values.get(place).copied().flatten().unwrap_or_default() as i64)
    }
}

/// Datasets of which patches and vendored files are left out.
pub trait Own: Dataset {
    /// The columns that tell them.
    fn hidden() -> Vec<Self::Field>;
}

impl Own for Events {
    fn hidden() -> Vec<EventField> {
        vec![EventField::IsPatch, EventField::IsVendored]
    }
}

impl Own for Resources {
    fn hidden() -> Vec<ResourceStateField> {
        vec![ResourceStateField::IsPatch, ResourceStateField::IsVendored]
    }
}

impl Own for Charts {
    fn hidden() -> Vec<ChartField> {
        vec![ChartField::IsPatch, ChartField::IsVendored]
    }
}

impl Own for RepositoryMetrics {
    fn hidden() -> Vec<Self::Field> {
        Vec::new()
    }
}

/// What is somebody's own: no patches, nothing vendored.
pub fn own<D: Own>() -> Filter<D::Field>
where
    D::Field: Field,
{
    D::hidden().into_iter().fold(Filter::default(), |filter, field| filter.and(field, Operator::Is(false)))
}

/// Measures all groups of a dimension, or everything; the largest by the first measure first.
///
/// # Errors
/// When the question cannot be answered.
pub async fn measure<D: Dataset>(
    snapshot: &Snapshot,
    filter: Filter<D::Field>,
    dimension: Option<D::Dimension>,
    measures: Vec<Measure<D>>,
    spans: Vec<Span>,
) -> Result<Vec<Measured>, Error> {
    let question = Aggregation::<D> {
        filter,
        dimensions: dimension.into_iter().collect(),
        histogram: None,
        measures,
        spans,
        time_zone: "UTC".to_owned(),
        ranking: Ranking::Measure(0, Direction::Descending),
        having: Vec::new(),
        top: ALL,
        most: u64::MAX,
        is_cumulative: false,
    };
    let rows = snapshot.fetch(&question).await.map_err(from_store)?;
    let measured = rows.iter().map(|row| Measured {
        period: row.period,
        bucket: row.bucket,
        group: row.names.first().cloned().unwrap_or_default(),
        values: row.measured.clone(),
    });
    Ok(measured.collect())
}
