//! Helm values that a chart's releases set.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{Context, Error, Object, SimpleObject};

use super::chart_by::ChartBy;
use crate::graphql::error::from_store;
use crate::graphql::pagination::list_size;
use crate::graphql::scalars::{Long, share};
use crate::graphql::sight::snapshot;
use crate::model::Version;
use crate::store::query::{ValuesKeyRecord, ValuesKeys};

const MAX_LIST: i32 = 500;

/// What the releases of one major version of a chart set in their own values, not in files that they name. Patches and vendored files are left
/// out.
#[derive(SimpleObject)]
struct MajorValues {
    /// The major version; null for what is declared as no single version.
    major_version: Option<Long>,
    /// Releases that install it, whatever they set.
    release_count: Long,
    /// Their repositories.
    repository_count: Long,
    /// The keys that most of the releases set.
    keys: Vec<ValuesKey>,
}

/// A key of Helm values, and who sets it.
#[derive(SimpleObject)]
struct ValuesKey {
    /// Keys from the root on, joined by dots, items of lists as `[]`: `ingress.hosts[].host`.
    key: String,
    /// Releases that set it.
    release_count: Long,
    /// Their repositories.
    repository_count: Long,
    /// The part of the major version's releases that set it, from 0 to 1.
    share: f64,
}

/// Releases and their repositories.
#[derive(Default)]
struct Users<'a> {
    releases: u64,
    repositories: BTreeSet<&'a str>,
}

#[derive(Default)]
pub struct ValueQuery;

#[Object]
impl ValueQuery {
    /// Helm values that the releases of a chart set now, by its major version, the newest first; keys that most releases set first.
    async fn values_keys(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The chart.")] by: ChartBy,
        #[graphql(desc = "How keys have to begin: `ingress.`.", default)] prefix: String,
        #[graphql(desc = "The most keys of each major version, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<MajorValues>, Error> {
        let most = list_size(first, MAX_LIST)? as usize;
        let question = ValuesKeys { filter: by.installed()?, prefix };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(by_major(&rows).into_iter().rev().map(|(major, keys)| MajorValues::of(major, keys, most)).collect())
    }
}

/// Who sets which key; the empty key stands for all releases.
fn by_major(rows: &[ValuesKeyRecord]) -> BTreeMap<Option<u64>, BTreeMap<&str, Users<'_>>> {
    let mut majors: BTreeMap<Option<u64>, BTreeMap<&str, Users>> = BTreeMap::new();
    for row in rows {
        let major = Version::of(&row.version).map(|version| version.major());
        let users = majors.entry(major).or_default().entry(&row.key).or_default();
        users.releases += row.releases;
        users.repositories.extend(row.repositories.iter().map(String::as_str));
    }
    majors
}

impl MajorValues {
    fn of(major: Option<u64>, mut keys: BTreeMap<&str, Users<'_>>, most: usize) -> Self {
        let all = keys.remove("").unwrap_or_default();
        let mut keys: Vec<(&str, Users)> = keys.into_iter().collect();
        keys.sort_by_key(|(key, users)| (Reverse(users.releases), Reverse(users.repositories.len()), *key));
        keys.truncate(most);
        let key = |(key, users): (&str, Users)| ValuesKey {
            key: key.to_owned(),
            release_count: users.releases.into(),
            repository_count: (users.repositories.len() as u64).into(),
            share: share(users.releases, all.releases),
        };
        Self {
            major_version: major.map(Into::into),
            release_count: all.releases.into(),
            repository_count: (all.repositories.len() as u64).into(),
            keys: keys.into_iter().map(key).collect(),
        }
    }
}
