//! Batches of nested fields: a page of events asks once for all their resources and once for all their repositories.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Error;
use async_graphql::dataloader::{DataLoader, Loader};
use uuid::Uuid;

use super::batch::Spawner;
pub use super::chart_loaders::{CanonicalChartLoader, ChartLoader, ImageLoader, RepositoryChartLoader};
pub use super::content_loaders::{CommitEndLoader, CommitKey, ContentKey, ContentLoader, EventContentLoader, EventKey};
use super::error::from_store;
pub use super::forge_loaders::{MetricsKey, MetricsLoader, MetricsSpan, RepositoryChangeLoader};
pub use super::job_loaders::{JobLoader, JobLogKey, JobLogLoader};
pub use super::meaning_loaders::{
    FluxVersionLoader, NamedKey, NamedLoader, ReferenceLoader, ReferrerKey, ReferrerLoader, ResolutionLoader,
};
pub use super::sibling_loaders::{SiblingKey, SiblingLoader};
use super::sight::Present;
use crate::store::Snapshot;
use crate::store::query::{
    Filter, Operator, Repositories, RepositoryField, RepositoryRecord, ResourceField, ResourceRecord, Resources,
};

/// The loaders of one request.
pub struct Loaders {
    pub repositories: DataLoader<RepositoryLoader>,
    pub resources: DataLoader<ResourceLoader>,
    pub contents: DataLoader<ContentLoader>,
    pub commit_ends: DataLoader<CommitEndLoader>,
    pub event_contents: DataLoader<EventContentLoader>,
    pub resolutions: DataLoader<ResolutionLoader>,
    pub references: DataLoader<ReferenceLoader>,
    pub referrers: DataLoader<ReferrerLoader>,
    pub named: DataLoader<NamedLoader>,
    pub siblings: DataLoader<SiblingLoader>,
    pub canonical_charts: DataLoader<CanonicalChartLoader>,
    pub charts: DataLoader<ChartLoader>,
    pub images: DataLoader<ImageLoader>,
    pub repository_charts: DataLoader<RepositoryChartLoader>,
    pub flux_versions: DataLoader<FluxVersionLoader>,
    pub metrics: DataLoader<MetricsLoader>,
    pub repository_changes: DataLoader<RepositoryChangeLoader>,
    pub jobs: DataLoader<JobLoader>,
    pub job_logs: DataLoader<JobLogLoader>,
}

impl Loaders {
    pub fn new(snapshot: &Snapshot, present: &Present, spawner: &Spawner) -> Self {
        Self {
            repositories: loader(RepositoryLoader(snapshot.clone()), spawner),
            resources: loader(ResourceLoader(snapshot.clone()), spawner),
            contents: loader(ContentLoader(snapshot.clone()), spawner),
            commit_ends: loader(CommitEndLoader(snapshot.clone()), spawner),
            event_contents: loader(EventContentLoader(snapshot.clone()), spawner),
            resolutions: loader(ResolutionLoader(snapshot.clone()), spawner),
            references: loader(ReferenceLoader(snapshot.clone()), spawner),
            referrers: loader(ReferrerLoader(snapshot.clone()), spawner),
            named: loader(NamedLoader(snapshot.clone()), spawner),
            siblings: loader(SiblingLoader(snapshot.clone()), spawner),
            canonical_charts: loader(CanonicalChartLoader(snapshot.clone()), spawner),
            charts: loader(ChartLoader(snapshot.clone()), spawner),
            images: loader(ImageLoader(snapshot.clone()), spawner),
            repository_charts: loader(RepositoryChartLoader(snapshot.clone()), spawner),
            flux_versions: loader(FluxVersionLoader(snapshot.clone()), spawner),
            metrics: loader(MetricsLoader(snapshot.clone()), spawner),
            repository_changes: loader(RepositoryChangeLoader(snapshot.clone()), spawner),
            jobs: loader(JobLoader(present.clone()), spawner),
            job_logs: loader(JobLogLoader(present.clone()), spawner),
        }
    }
}

fn loader<T>(loader: T, spawner: &Spawner) -> DataLoader<T> {
    let spawner = spawner.clone();
    DataLoader::new(loader, move |task| spawner.spawn(task)).delay(Duration::ZERO)
}

/// Repositories by id.
pub struct RepositoryLoader(Snapshot);

impl Loader<Uuid> for RepositoryLoader {
    type Value = Arc<RepositoryRecord>;
    type Error = Error;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Self::Value>, Error> {
        let filter = Filter::default().and(RepositoryField::Id, Operator::In(sorted(ids)));
        let rows = self.0.fetch(&Repositories { filter, page: None }).await.map_err(from_store)?;
        Ok(rows.iter().map(|row| (row.id, Arc::new(row.clone()))).collect())
    }
}

/// A resource and the repository it is in, which makes the search short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceKey {
    pub repository: Uuid,
    pub resource: Uuid,
}

/// Resources by id.
pub struct ResourceLoader(Snapshot);

impl Loader<ResourceKey> for ResourceLoader {
    type Value = Arc<ResourceRecord>;
    type Error = Error;

    async fn load(&self, keys: &[ResourceKey]) -> Result<HashMap<ResourceKey, Self::Value>, Error> {
        let repositories: Vec<Uuid> = keys.iter().map(|key| key.repository).collect();
        let resources: Vec<Uuid> = keys.iter().map(|key| key.resource).collect();
        let filter = Filter::default()
            .and(ResourceField::Repository, Operator::In(sorted(&repositories)))
            .and(ResourceField::Id, Operator::In(sorted(&resources)));
        let rows = self.0.fetch(&Resources { filter, page: None }).await.map_err(from_store)?;
        let key = |row: &ResourceRecord| ResourceKey { repository: row.repository_id, resource: row.id };
        Ok(rows.iter().map(|row| (key(row), Arc::new(row.clone()))).collect())
    }
}

/// The state of a resource, now or at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateKey {
    pub resource: ResourceKey,
    /// Seconds since 1970.
    pub at: Option<i64>,
}

/// One document rarely asks for more than one time; each is a question of its own.
pub(super) fn by_time(keys: &[StateKey]) -> BTreeMap<Option<i64>, Vec<ResourceKey>> {
    let mut times: BTreeMap<Option<i64>, Vec<ResourceKey>> = BTreeMap::new();
    for key in keys {
        times.entry(key.at).or_default().push(key.resource);
    }
    times
}

/// In one order, so that the same set is the same question to the cache.
pub(super) fn sorted(ids: &[Uuid]) -> Vec<String> {
    unique(ids).iter().map(Uuid::to_string).collect()
}

/// Each once, in one order.
pub(super) fn unique(ids: &[Uuid]) -> Vec<Uuid> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}
