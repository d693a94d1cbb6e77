//! What repositories count over time, and how good they are to learn from.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{ComplexObject, Context, Enum, Error, InputObject, Object, SimpleObject};

use super::Repository;
use super::resource::load_repository;
use crate::graphql::error::from_store;
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long, share};
use crate::graphql::sight::snapshot;
use crate::model::{
    Quality as ModelQuality, QualityPart as ModelPart, RepositoryId, RepositoryMetrics as ModelMetrics,
};
use crate::store::query::{
    Direction, Filter, Metrics, MetricsCount, MetricsField, MetricsOrder as StoreOrder, MetricsRecord,
};

/// What a repository counted when its forge was asked.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct RepositoryMetrics {
    #[graphql(skip)]
    repository_id: RepositoryId,
    /// When the forge was asked.
    recorded_at: DateTime,
    /// Accounts that starred it.
    stars: Long,
    /// Forks of it on its forge.
    forks: Long,
    /// Accounts that are told of what happens in it; null until an answer of the forge tells them: searches do not.
    watchers: Option<Long>,
    /// Open issues, as the forge counts them: GitHub counts open pull requests among them.
    open_issues: Long,
    /// Its size on the forge, in KiB.
    size_kb: Long,
    /// Kubernetes resources that were alive at its head; null before its first scan.
    resource_count: Option<Long>,
    /// Its languages, the one with most bytes first; null until an answer of the forge tells them, as the watchers.
    languages: Option<Vec<LanguageShare>>,
    /// When somebody last pushed to it, as the forge says.
    pushed_at: Option<DateTime>,
    /// When the forge last changed anything of it.
    updated_at: Option<DateTime>,
}

/// How much of a repository's code is in one language.
#[derive(SimpleObject)]
pub struct LanguageShare {
    /// The language, as the forge names it.
    name: String,
    /// Bytes of code.
    bytes: Long,
    /// Its part of all bytes, from 0 to 1.
    share: f64,
}

/// How useful a repository is to learn from.
#[derive(SimpleObject)]
pub struct Quality {
    /// The sum of the parts' points, from 0 to 100.
    score: u32,
    /// What the score consists of.
    parts: Vec<QualityPart>,
}

/// One part of a quality score.
#[derive(SimpleObject)]
pub struct QualityPart {
    /// What is judged: `activity`, `size`, `content`, `freshness`, `stars`, `fork`, `template`.
    name: String,
    /// Points for it; negative for what speaks against the repository.
    points: i32,
    /// The most points it can give; 0 for a part that only takes some.
    most: i32,
    /// One sentence with the numbers that led to the points.
    explanation: String,
}

#[ComplexObject]
impl RepositoryMetrics {
    /// The repository that counted.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.repository_id.0).await
    }
}

impl From<&ModelMetrics> for RepositoryMetrics {
    fn from(row: &ModelMetrics) -> Self {
        Self {
            repository_id: row.repository,
            recorded_at: DateTime::from_milliseconds(row.recorded_at_ms),
            stars: row.stars.into(),
            forks: row.forks.into(),
            watchers: row.watchers.map(Long::from),
            open_issues: row.open_issues.into(),
            size_kb: row.size_kb.into(),
            resource_count: row.resource_count.map(Long::from),
            languages: row.languages.as_deref().map(LanguageShare::of),
            pushed_at: row.pushed_at.map(DateTime::from_seconds),
            updated_at: row.updated_at.map(DateTime::from_seconds),
        }
    }
}

impl LanguageShare {
    pub fn of(languages: &[(String, u64)]) -> Vec<Self> {
        let all: u64 = languages.iter().map(|(_, bytes)| bytes).sum();
        let languages = languages.iter();
        languages
            .map(|(name, bytes)| Self { name: name.clone(), bytes: (*bytes).into(), share: share(*bytes, all) })
            .collect()
    }
}

impl From<ModelQuality> for Quality {
    fn from(quality: ModelQuality) -> Self {
        let part = |ModelPart { name, points, most, explanation }| QualityPart { name, points, most, explanation };
        Self { score: quality.score(), parts: quality.parts.into_iter().map(part).collect() }
    }
}

/// What snapshots can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryMetricsOrderField {
    /// When the forge was asked.
    RecordedAt,
    /// Accounts that starred the repository.
    Stars,
}

/// One key of an order of snapshots.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct RepositoryMetricsOrder {
    /// The key.
    field: RepositoryMetricsOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl RepositoryMetricsOrder {
    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            RepositoryMetricsOrderField::RecordedAt => StoreOrder::RecordedAt,
            RepositoryMetricsOrderField::Stars => StoreOrder::Stars,
        };
        (field, self.direction.into())
    }
}

/// A page of snapshots.
pub type MetricsConnection = Connection<String, RepositoryMetrics, MetricsTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct MetricsTotals(Filter<MetricsField>);

#[Object]
impl MetricsTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = MetricsCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn metrics_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<MetricsField>,
    order_by: Option<Vec<RepositoryMetricsOrder>>,
) -> Result<MetricsConnection, Error> {
    let orders = order_by.unwrap_or_default();
    let orders: Vec<(StoreOrder, Direction)> = orders.iter().map(RepositoryMetricsOrder::key).collect();
    let page = arguments.page(StoreOrder::keys(&orders))?;
    let question = Metrics { filter: filter.clone(), page: page.clone() };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    let node = |row: &MetricsRecord| RepositoryMetrics::from(&row.to_model());
    Ok(connection(&page, &rows, MetricsTotals(filter), MetricsRecord::sort_values, node))
}

#[cfg(test)]
mod tests {
    use super::LanguageShare;

    fn shares(languages: &[(&str, u64)]) -> Vec<f64> {
        let languages: Vec<(String, u64)> =
            languages.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
        LanguageShare::of(&languages).iter().map(|language| language.share).collect()
    }

    #[test]
    fn shares_add_up_to_one_where_there_is_code() {
        assert_eq!(shares(&[("Shell", 3), ("Go", 1)]), [0.75, 0.25]);
        assert_eq!(shares(&[("Shell", 0)]), [0.0]);
        assert!(shares(&[]).is_empty());
    }
}
