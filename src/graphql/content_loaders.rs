//! Batches of what resources contain: now, at a time, after a commit, and around an event.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::error::from_store;
use super::loaders::{ResourceKey, unique};
use crate::store::Snapshot;
use crate::store::query::{CommitEnds, Content, ContentAt, EventContents, Moment};

/// The content of a resource, now or at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentKey {
    pub resource: ResourceKey,
    pub moment: Option<Moment>,
}

/// Contents by resource and moment.
pub struct ContentLoader(pub Snapshot);

impl Loader<ContentKey> for ContentLoader {
    type Value = Arc<Content>;
    type Error = Error;

    async fn load(&self, keys: &[ContentKey]) -> Result<HashMap<ContentKey, Self::Value>, Error> {
        // One document rarely asks for more than one moment; each is a question of its own.
        let mut moments: BTreeMap<Option<Moment>, Vec<ResourceKey>> = BTreeMap::new();
        for key in keys {
            moments.entry(key.moment).or_default().push(key.resource);
        }
        let mut found = HashMap::new();
        for (moment, keys) in moments {
            let repositories = unique(&keys.iter().map(|key| key.repository).collect::<Vec<Uuid>>());
            let resources = unique(&keys.iter().map(|key| key.resource).collect::<Vec<Uuid>>());
            let rows = self.0.fetch(&ContentAt { repositories, resources, moment }).await.map_err(from_store)?;
            let rows: HashMap<Uuid, Arc<Content>> =
                rows.iter().map(|row| (row.resource_id, Arc::new(row.clone()))).collect();
            let with_row =
                |resource: ResourceKey| Some((ContentKey { resource, moment }, rows.get(&resource.resource)?.clone()));
            found.extend(keys.into_iter().filter_map(with_row));
        }
        Ok(found)
    }
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitKey {
    pub repository: Uuid,
    /// Its hexadecimal id.
    pub commit: String,
}

/// The last places in the walk that commits have.
pub struct CommitEndLoader(pub Snapshot);

impl Loader<CommitKey> for CommitEndLoader {
    type Value = u64;
    type Error = Error;

    async fn load(&self, keys: &[CommitKey]) -> Result<HashMap<CommitKey, u64>, Error> {
        let repositories = unique(&keys.iter().map(|key| key.repository).collect::<Vec<Uuid>>());
        let commits: BTreeSet<String> = keys.iter().map(|key| key.commit.clone()).collect();
        let question = CommitEnds { repositories, commits: commits.into_iter().collect() };
        let rows = self.0.fetch(&question).await.map_err(from_store)?;
        let key = |repository, commit: &String| CommitKey { repository, commit: commit.clone() };
        Ok(rows.iter().map(|row| (key(row.repository_id, &row.commit), row.last_sequence)).collect())
    }
}

/// An event and where it happened, which makes the search short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKey {
    pub resource: ResourceKey,
    pub event: Uuid,
    /// Its place in the walk.
    pub sequence: u64,
}

/// The content that an event left behind, and the one that it found; JSON text. Of a deletion both are the last one.
#[derive(Clone, Debug)]
pub struct AroundEvent {
    pub before: Option<String>,
    pub after: String,
}

/// Contents around events.
pub struct EventContentLoader(pub Snapshot);

impl Loader<EventKey> for EventContentLoader {
    type Value = Arc<AroundEvent>;
    type Error = Error;

    async fn load(&self, keys: &[EventKey]) -> Result<HashMap<EventKey, Self::Value>, Error> {
        let of = |id: fn(&EventKey) -> Uuid| unique(&keys.iter().map(id).collect::<Vec<Uuid>>());
        let question = EventContents {
            repositories: of(|key| key.resource.repository),
            resources: of(|key| key.resource.resource),
            events: of(|key| key.event),
        };
        let rows = self.0.fetch(&question).await.map_err(from_store)?;
        let contents: BTreeMap<(Uuid, u64), &String> =
            rows.iter().map(|row| ((row.resource_id, row.sequence), &row.content)).collect();
        let around = |key: &EventKey| {
            let of_resource = |sequence| (key.resource.resource, sequence);
            let after = (*contents.get(&of_resource(key.sequence))?).clone();
            // The event before it was asked for, too, so nothing lies between.
            let before = contents.range(of_resource(0)..of_resource(key.sequence)).next_back();
            let before = before.map(|(_, content)| (*content).clone());
            Some((*key, Arc::new(AroundEvent { before, after })))
        };
        Ok(keys.iter().filter_map(around).collect())
    }
}
