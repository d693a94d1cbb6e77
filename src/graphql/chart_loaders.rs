//! Batches of charts and images, and of what repositories install.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::error::from_store;
use super::loaders::unique;
use crate::model::{ChartMove, chart_groups};
use crate::store::Snapshot;
use crate::store::query::{
    ChartField, ChartMoveRecord, ChartMoves, ChartRecord, Charts, Filter, ImageField, ImageRecord, Images, Operator,
    RepositoryChartRecord, RepositoryCharts,
};

/// The identity that stands for a chart's, where it is another.
pub struct CanonicalChartLoader(pub Snapshot);

impl Loader<String> for CanonicalChartLoader {
    type Value = String;
    type Error = Error;

    async fn load(&self, identities: &[String]) -> Result<HashMap<String, String>, Error> {
        let wanted: BTreeSet<&String> = identities.iter().collect();
        let rows = self.0.fetch(&ChartMoves).await.map_err(from_store)?;
        let moves: Vec<ChartMove> = rows.iter().map(ChartMoveRecord::to_model).collect();
        let groups = chart_groups(&moves).into_iter();
        let named = groups.flat_map(|group| {
            let canonical = group.canonical;
            group.identities.into_iter().map(move |identity| (identity, canonical.clone()))
        });
        Ok(named.filter(|(identity, _)| wanted.contains(identity)).collect())
    }
}

/// Charts by their identities.
pub struct ChartLoader(pub Snapshot);

impl Loader<String> for ChartLoader {
    type Value = Arc<ChartRecord>;
    type Error = Error;

    async fn load(&self, identities: &[String]) -> Result<HashMap<String, Self::Value>, Error> {
        let wanted: BTreeSet<String> = identities.iter().cloned().collect();
        let filter = Filter::default().and(ChartField::Identity, Operator::In(wanted.into_iter().collect()));
        let rows = self.0.fetch(&Charts { filter, page: None }).await.map_err(from_store)?;
        Ok(rows.iter().map(|row| (row.identity.clone(), Arc::new(row.clone()))).collect())
    }
}

/// Images by their repositories.
pub struct ImageLoader(pub Snapshot);

impl Loader<String> for ImageLoader {
    type Value = Arc<ImageRecord>;
    type Error = Error;

    async fn load(&self, repositories: &[String]) -> Result<HashMap<String, Self::Value>, Error> {
        let wanted: BTreeSet<String> = repositories.iter().cloned().collect();
        let filter = Filter::default().and(ImageField::Repository, Operator::In(wanted.into_iter().collect()));
        let rows = self.0.fetch(&Images { filter, page: None }).await.map_err(from_store)?;
        Ok(rows.iter().map(|row| (row.repository.clone(), Arc::new(row.clone()))).collect())
    }
}

/// What repositories install, by repository.
pub struct RepositoryChartLoader(pub Snapshot);

impl Loader<Uuid> for RepositoryChartLoader {
    type Value = Vec<RepositoryChartRecord>;
    type Error = Error;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Self::Value>, Error> {
        let question = RepositoryCharts { repositories: unique(ids) };
        let mut found: HashMap<Uuid, Self::Value> = HashMap::new();
        for row in self.0.fetch(&question).await.map_err(from_store)?.iter() {
            found.entry(row.repository_id).or_default().push(row.clone());
        }
        Ok(found)
    }
}
