//! Charts, whoever installs them.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Object, SimpleObject};

use super::facts::some;
use crate::graphql::error::from_store;
use crate::graphql::id::{self, NodeType};
use crate::graphql::pagination::{Arguments, OrderDirection, connection, list_size};
use crate::graphql::scalars::{Long, share};
use crate::graphql::sight::{loaders, snapshot};
use crate::model::{is_version, newest_first};
use crate::store::query::{
    ChartCount, ChartField, ChartOrder as StoreOrder, ChartRecord, Charts, Direction, Filter, RepositoryChartRecord,
};

/// Entries of the longest list of versions.
const MAX_VERSIONS: i32 = 1_000;

/// A Helm chart at one place, as repositories install it now. Patches, vendored files and charts whose source no repository declares are left
/// out.
#[derive(Description, Clone)]
pub struct Chart(pub Arc<ChartRecord>);

/// How many install a chart, and its place among all charts.
#[derive(SimpleObject)]
pub struct ChartPopularity {
    /// Its place: 1 for the chart that most repositories install; of equals, for that with most releases. Equals in both share a place.
    rank: Long,
    /// All charts, among which it has this place.
    chart_count: Long,
    /// Repositories that install it.
    repository_count: Long,
    /// Resources that install it.
    release_count: Long,
    /// Repositories that install any chart.
    chart_repository_count: Long,
    /// The part of these that install it, from 0 to 1.
    share: f64,
}

/// A version of a chart, and who installs it.
#[derive(SimpleObject)]
pub struct ChartVersion {
    /// The version, or the constraint, as it is declared; null where a Git source gives it.
    version: Option<String>,
    /// Resources that install it.
    release_count: Long,
    /// Repositories that install it.
    repository_count: Long,
}

/// A chart that a repository installs now.
#[derive(Description)]
pub struct RepositoryChart(pub RepositoryChartRecord);

#[Object(use_type_description)]
impl RepositoryChart {
    /// Name of the chart: `app-template`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it comes from, in one spelling. Null when its source is not declared in the repository.
    async fn identity(&self) -> Option<String> {
        some(&self.0.identity)
    }

    /// The chart, whoever installs it; null when its source is not declared in the repository.
    async fn chart(&self, context: &Context<'_>) -> Result<Option<Chart>, Error> {
        if self.0.identity.is_empty() {
            return Ok(None);
        }
        Ok(loaders(context)?.charts.load_one(self.0.identity.clone()).await?.map(Chart))
    }

    /// Resources of the repository that install it.
    async fn release_count(&self) -> Long {
        self.0.releases.into()
    }

    /// The versions that they install, the newest first.
    async fn versions(&self) -> Vec<String> {
        let mut versions = self.0.versions.clone();
        versions.sort_by(|one, two| newest_first(one, two));
        versions
    }
}

#[Object(use_type_description)]
impl Chart {
    /// The global id: opaque, and the same for ever.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::Chart, &self.0.identity)
    }

    /// Name of the chart: `app-template`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it comes from, in one spelling: `ghcr.io/bjw-s-labs/helm/app-template`.
    async fn identity(&self) -> &str {
        &self.0.identity
    }

    /// The identity that stands for this one and others: repositories moved between them (see `chartGroups`). The identity itself when nothing
    /// joins it to another.
    async fn canonical_identity(&self, context: &Context<'_>) -> Result<String, Error> {
        let canonical = loaders(context)?.canonical_charts.load_one(self.0.identity.clone()).await?;
        Ok(canonical.unwrap_or_else(|| self.0.identity.clone()))
    }

    /// The URLs of its sources as they are declared, sorted.
    async fn urls(&self) -> &[String] {
        &self.0.urls
    }

    /// Repositories that install it.
    async fn repository_count(&self) -> Long {
        self.0.repositories.into()
    }

    /// Resources that install it.
    async fn release_count(&self) -> Long {
        self.0.releases.into()
    }

    /// Versions in use.
    async fn version_count(&self) -> Long {
        (self.0.versions.iter().filter(|(version, ..)| !version.is_empty()).count() as u64).into()
    }

    /// The newest version in use, as semver orders them; null where no declared version is one.
    async fn newest_version(&self) -> Option<String> {
        let newest = self.newest_first().into_iter().next()?;
        is_version(&newest.0).then_some(newest.0)
    }

    /// Versions in use, the newest first, as semver orders them; constraints and other texts after all versions.
    async fn versions(
        &self,
        #[graphql(desc = "The most versions, 1 to 1000.", default = 20)] first: i32,
    ) -> Result<Vec<ChartVersion>, Error> {
        let most = list_size(first, MAX_VERSIONS)?;
        let version = |(version, releases, repositories): (String, u64, u64)| ChartVersion {
            version: some(&version),
            release_count: releases.into(),
            repository_count: repositories.into(),
        };
        Ok(self.newest_first().into_iter().take(most as usize).map(version).collect())
    }

    /// How many install it, and its place among all charts.
    async fn popularity(&self) -> ChartPopularity {
        let ChartRecord { rank, all_charts, repositories, releases, chart_repositories, .. } = *self.0;
        ChartPopularity {
            rank: rank.into(),
            chart_count: all_charts.into(),
            repository_count: repositories.into(),
            release_count: releases.into(),
            chart_repository_count: chart_repositories.into(),
            share: share(repositories, chart_repositories),
        }
    }
}

impl Chart {
    fn newest_first(&self) -> Vec<(String, u64, u64)> {
        let mut versions = self.0.versions.clone();
        versions.sort_by(|(one, ..), (two, ..)| newest_first(one, two));
        versions
    }
}

/// What charts can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartOrderField {
    /// Repositories that install it.
    RepositoryCount,
    /// Resources that install it.
    ReleaseCount,
    /// Name of the chart.
    Name,
    /// Where it comes from.
    Identity,
}

/// One key of an order of charts.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ChartOrder {
    /// The key.
    field: ChartOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

impl ChartOrder {
    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            ChartOrderField::RepositoryCount => StoreOrder::Repositories,
            ChartOrderField::ReleaseCount => StoreOrder::Releases,
            ChartOrderField::Name => StoreOrder::Name,
            ChartOrderField::Identity => StoreOrder::Identity,
        };
        (field, self.direction.into())
    }
}

/// A page of charts.
pub type ChartConnection = Connection<String, Chart, ChartTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct ChartTotals(Filter<ChartField>);

#[Object]
impl ChartTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = ChartCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn chart_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<ChartField>,
    order_by: Option<Vec<ChartOrder>>,
) -> Result<ChartConnection, Error> {
    let orders: Vec<(StoreOrder, Direction)> = order_by.unwrap_or_default().iter().map(ChartOrder::key).collect();
    let default = [(StoreOrder::Repositories, Direction::Descending), (StoreOrder::Releases, Direction::Descending)];
    let orders = if orders.is_empty() { default.as_slice() } else { orders.as_slice() };
    let page = arguments.page(StoreOrder::keys(orders))?;
    let question = Charts { filter: filter.clone(), page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, ChartTotals(filter), ChartRecord::sort_values, |row| Chart(Arc::new(row.clone()))))
}
