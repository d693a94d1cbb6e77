//! Batches of resources of other repositories that are like those of a page.

use std::collections::{BTreeSet, HashMap};

use async_graphql::Error;
use async_graphql::dataloader::Loader;

use super::error::from_store;
use super::loaders::ResourceKey;
use crate::store::Snapshot;
use crate::store::query::{Likeness, Page, SiblingCounts, Siblings};

/// A page of the siblings of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SiblingKey {
    pub of: Likeness,
    pub page: Page,
}

/// Siblings, in the order of their page.
pub struct SiblingLoader(pub Snapshot);

impl Loader<SiblingKey> for SiblingLoader {
    type Value = Vec<ResourceKey>;
    type Error = Error;

    async fn load(&self, keys: &[SiblingKey]) -> Result<HashMap<SiblingKey, Self::Value>, Error> {
        // Fields of one document ask for few pages; each is a question of its own.
        let mut pages: HashMap<&Page, BTreeSet<&Likeness>> = HashMap::new();
        for key in keys {
            pages.entry(&key.page).or_default().insert(&key.of);
        }
        let mut found: HashMap<SiblingKey, Self::Value> = HashMap::new();
        for (page, of) in pages {
            let of: Vec<Likeness> = of.into_iter().cloned().collect();
            let question = Siblings { of: of.clone(), page: page.clone() };
            for row in self.0.fetch(&question).await.map_err(from_store)?.iter() {
                let Some(of) = of.get((row.number as usize).wrapping_sub(1)) else { continue };
                let key = SiblingKey { of: of.clone(), page: page.clone() };
                found.entry(key).or_default().push(ResourceKey { repository: row.repository_id, resource: row.id });
            }
        }
        Ok(found)
    }
}

/// How many siblings there are.
impl Loader<Likeness> for SiblingLoader {
    type Value = u64;
    type Error = Error;

    async fn load(&self, keys: &[Likeness]) -> Result<HashMap<Likeness, u64>, Error> {
        let of: BTreeSet<&Likeness> = keys.iter().collect();
        let of: Vec<Likeness> = of.into_iter().cloned().collect();
        let rows = self.0.fetch(&SiblingCounts { of: of.clone() }).await.map_err(from_store)?;
        let counts: HashMap<usize, u64> = rows.iter().map(|row| (row.number as usize, row.siblings)).collect();
        Ok((1..).zip(of).map(|(number, of)| (of, counts.get(&number).copied().unwrap_or_default())).collect())
    }
}
