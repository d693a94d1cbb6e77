//! Batches of what resources mean in their repositories, and of what refers to what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::error::from_store;
use super::loaders::{StateKey, by_time, sorted};
use crate::graphql::types::ResourceStatus;
use crate::store::Snapshot;
use crate::store::query::{
    Filter, FluxVersionRecord, FluxVersions, Operator, ReferenceField, ReferenceRecord, References, ResolutionRecord,
    ResolutionsAt, ResourceField, ResourceRecord, Resources,
};

/// Resolutions by resource and time.
pub struct ResolutionLoader(pub Snapshot);

impl Loader<StateKey> for ResolutionLoader {
    type Value = Arc<ResolutionRecord>;
    type Error = Error;

    async fn load(&self, keys: &[StateKey]) -> Result<HashMap<StateKey, Self::Value>, Error> {
        let mut found = HashMap::new();
        for (at, keys) in by_time(keys) {
            let repositories: BTreeSet<Uuid> = keys.iter().map(|key| key.repository).collect();
            let resources: BTreeSet<Uuid> = keys.iter().map(|key| key.resource).collect();
            let (repositories, resources) = (Vec::from_iter(repositories), Vec::from_iter(resources));
            let rows = self.0.fetch(&ResolutionsAt { repositories, resources, at }).await.map_err(from_store)?;
            let rows: HashMap<Uuid, Self::Value> =
                rows.iter().map(|row| (row.resource_id, Arc::new(row.clone()))).collect();
            let with_row = |resource| StateKey { resource, at };
            found.extend(keys.into_iter().filter_map(|key| Some((with_row(key), rows.get(&key.resource)?.clone()))));
        }
        Ok(found)
    }
}

/// What resources refer to, by resource and time.
pub struct ReferenceLoader(pub Snapshot);

impl Loader<StateKey> for ReferenceLoader {
    type Value = Vec<ReferenceRecord>;
    type Error = Error;

    async fn load(&self, keys: &[StateKey]) -> Result<HashMap<StateKey, Self::Value>, Error> {
        let mut found = HashMap::new();
        for (at, keys) in by_time(keys) {
            let repositories: Vec<Uuid> = keys.iter().map(|key| key.repository).collect();
            let resources: Vec<Uuid> = keys.iter().map(|key| key.resource).collect();
            let filter = Filter::default()
                .and(ReferenceField::Repository, Operator::In(sorted(&repositories)))
                .and(ReferenceField::From, Operator::In(sorted(&resources)));
            let rows = self.0.fetch(&References { filter, at, page: None }).await.map_err(from_store)?;
            let mut of_resource: HashMap<Uuid, Self::Value> = HashMap::new();
            for row in rows.iter() {
                of_resource.entry(row.resource_id).or_default().push(row.clone());
            }
            found.extend(keys.into_iter().filter_map(|resource| {
                let rows = of_resource.get(&resource.resource)?.clone();
                Some((StateKey { resource, at }, rows))
            }));
        }
        Ok(found)
    }
}

/// What may refer to a resource by its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReferrerKey {
    pub repository: Uuid,
    pub kind: String,
    pub name: String,
    /// Seconds since 1970.
    pub at: Option<i64>,
}

/// Edges by what they name.
pub struct ReferrerLoader(pub Snapshot);

impl Loader<ReferrerKey> for ReferrerLoader {
    type Value = Vec<ReferenceRecord>;
    type Error = Error;

    async fn load(&self, keys: &[ReferrerKey]) -> Result<HashMap<ReferrerKey, Self::Value>, Error> {
        let mut times: BTreeMap<Option<i64>, Vec<&ReferrerKey>> = BTreeMap::new();
        for key in keys {
            times.entry(key.at).or_default().push(key);
        }
        let mut found: HashMap<ReferrerKey, Self::Value> = HashMap::new();
        for (at, keys) in times {
            let repositories: Vec<Uuid> = keys.iter().map(|key| key.repository).collect();
            let kinds: BTreeSet<String> = keys.iter().map(|key| key.kind.clone()).collect();
            let names: BTreeSet<String> = keys.iter().map(|key| key.name.clone()).collect();
            let filter = Filter::default()
                .and(ReferenceField::Repository, Operator::In(sorted(&repositories)))
                .and(ReferenceField::ToKind, Operator::In(kinds.into_iter().collect()))
                .and(ReferenceField::ToName, Operator::In(names.into_iter().collect()));
            let rows = self.0.fetch(&References { filter, at, page: None }).await.map_err(from_store)?;
            for row in rows.iter() {
                let (kind, name) = (row.to_kind.clone(), row.to_name.clone());
                let key = ReferrerKey { repository: row.repository_id, kind, name, at };
                found.entry(key).or_default().push(row.clone());
            }
        }
        Ok(found)
    }
}

/// What a reference names in its repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedKey {
    pub repository: Uuid,
    pub kind: String,
    pub name: String,
}

/// Resources that are alive, by kind and name.
pub struct NamedLoader(pub Snapshot);

impl Loader<NamedKey> for NamedLoader {
    type Value = Vec<Arc<ResourceRecord>>;
    type Error = Error;

    async fn load(&self, keys: &[NamedKey]) -> Result<HashMap<NamedKey, Self::Value>, Error> {
        let repositories: Vec<Uuid> = keys.iter().map(|key| key.repository).collect();
        let kinds: BTreeSet<String> = keys.iter().map(|key| key.kind.clone()).collect();
        let names: BTreeSet<String> = keys.iter().map(|key| key.name.clone()).collect();
        let filter = Filter::default()
            .and(ResourceField::Repository, Operator::In(sorted(&repositories)))
            .and(ResourceField::Kind, Operator::In(kinds.into_iter().collect()))
            .and(ResourceField::Name, Operator::In(names.into_iter().collect()))
            .and(ResourceField::Status, Operator::Equal(ResourceStatus::Active.as_str().to_owned()));
        let rows = self.0.fetch(&Resources { filter, page: None }).await.map_err(from_store)?;
        let mut found: HashMap<NamedKey, Self::Value> = HashMap::new();
        for row in rows.iter() {
            let key = NamedKey { repository: row.repository_id, kind: row.kind.clone(), name: row.name.clone() };
            found.entry(key).or_default().push(Arc::new(row.clone()));
        }
        Ok(found)
    }
}

/// The versions of Flux that repositories declare in files.
pub struct FluxVersionLoader(pub Snapshot);

impl Loader<Uuid> for FluxVersionLoader {
    type Value = Vec<FluxVersionRecord>;
    type Error = Error;

    async fn load(&self, repositories: &[Uuid]) -> Result<HashMap<Uuid, Self::Value>, Error> {
        let repositories: BTreeSet<Uuid> = repositories.iter().copied().collect();
        let question = FluxVersions { repositories: repositories.into_iter().collect() };
        let rows = self.0.fetch(&question).await.map_err(from_store)?;
        let mut found: HashMap<Uuid, Self::Value> = HashMap::new();
        for row in rows.iter() {
            found.entry(row.repository_id).or_default().push(row.clone());
        }
        Ok(found)
    }
}
