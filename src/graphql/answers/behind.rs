//! Who is behind a chart's newest version.

use async_graphql::{Context, Error, Object, SimpleObject};

use super::chart_by::ChartBy;
use super::courses::{Courses, Sight};
use crate::graphql::error::from_store;
use crate::graphql::pagination::{least, list_size};
use crate::graphql::scalars::Long;
use crate::graphql::sight::{loaders, snapshot};
use crate::graphql::types::Repository;
use crate::model::{Version, VersionChange, VersionPart};
use crate::store::query::ChartIntervals;

const MAX_LIST: i32 = 500;

/// A repository that installs a chart now, and how far behind it is.
///
/// Only exact versions count (`1.2.3`, no constraint), as semver orders them. A repository's version is the newest one that its releases
/// install. What it is behind are the newer versions that were ever seen in any repository, each once, pre-releases included. Patches and
/// vendored files are left out.
#[derive(SimpleObject)]
struct ChartBehind {
    /// The repository.
    repository: Repository,
    /// Its version, as it was written where it was seen first.
    version: String,
    /// The newest version that was seen anywhere.
    newest_version: String,
    /// Versions that were seen and are newer than its own: 0 at the newest.
    versions_behind: Long,
    /// Those of them that change its major version.
    major_upgrades: Long,
    /// Those that change the minor version within the major one.
    minor_upgrades: Long,
    /// Those within its minor version.
    patch_upgrades: Long,
}

#[derive(Default)]
pub struct BehindQuery;

#[Object]
impl BehindQuery {
    /// Repositories that install a chart now, and how many versions they are behind the newest one seen anywhere: those that are furthest behind
    /// first.
    async fn charts_behind(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The chart.")] by: ChartBy,
        #[graphql(desc = "Repositories that are behind fewer versions are left out.", default = 0)] min_behind: i32,
        #[graphql(desc = "The most repositories, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<ChartBehind>, Error> {
        let most = list_size(first, MAX_LIST)? as usize;
        let question = ChartIntervals { filter: by.history()? };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        let courses = Courses::new(&rows);
        let Some((_, newest)) = courses.sights.last_key_value() else { return Ok(Vec::new()) };
        let newer = |version: &Version| courses.sights.range(version..).count().saturating_sub(1);
        let least = least(min_behind, "minBehind")? as usize;
        let now = courses.repositories.iter().filter_map(|(repository, course)| Some((*repository, course.now()?)));
        let mut behind: Vec<_> = now.map(|(repository, version)| (newer(version), repository, version)).collect();
        behind.retain(|(versions, ..)| *versions >= least);
        behind.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
        behind.truncate(most);
        let repositories = loaders(context)?.repositories.load_many(behind.iter().map(|row| row.1)).await?;
        let rows = behind.iter().filter_map(|(_, repository, version)| {
            let repository = Repository(repositories.get(repository)?.clone());
            Some(ChartBehind::of(repository, courses.sights.range(*version..).map(|(_, sight)| sight), newest))
        });
        Ok(rows.collect())
    }
}

impl ChartBehind {
    /// `seen` begins with the repository's own version.
    fn of<'a>(repository: Repository, mut seen: impl Iterator<Item = &'a Sight>, newest: &Sight) -> Self {
        let version = seen.next().map(|sight| sight.text.clone()).unwrap_or_default();
        let [mut majors, mut minors, mut patches] = [0; 3];
        for newer in seen {
            match VersionChange::between(&version, &newer.text).part {
                VersionPart::Major => majors += 1,
                VersionPart::Minor => minors += 1,
                VersionPart::Patch | VersionPart::Suffix | VersionPart::None => patches += 1,
            }
        }
        Self {
            repository,
            version,
            newest_version: newest.text.clone(),
            versions_behind: Long(majors + minors + patches),
            major_upgrades: Long(majors),
            minor_upgrades: Long(minors),
            patch_upgrades: Long(patches),
        }
    }
}
