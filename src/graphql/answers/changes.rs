//! What changes most, and who rests.

use async_graphql::{Context, Error, Object, SimpleObject};

use crate::graphql::duration::Duration;
use crate::graphql::error::from_store;
use crate::graphql::filter::{Conditions, ResourceEventFilter};
use crate::graphql::pagination::list_size;
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, present, snapshot};
use crate::graphql::types::{Repository, Resource, resources_by_id};
use crate::store::query::{LastEvents, MostChanged};

const MAX_LIST: i32 = 500;
const HALF_A_YEAR: u64 = 180 * 24 * 3_600;

/// A resource that was modified, and how often.
#[derive(SimpleObject)]
struct ChangedResource {
    /// The resource.
    resource: Resource,
    /// Its modifications.
    modified_count: Long,
    /// Those by programs.
    by_bots_count: Long,
    /// The last of them.
    last_changed_at: DateTime,
}

/// A repository at rest.
#[derive(SimpleObject)]
struct InactiveRepository {
    /// The repository.
    repository: Repository,
    /// When a resource of it was last changed.
    last_event_at: DateTime,
    /// How long ago that is.
    idle: Duration,
}

#[derive(Default)]
pub struct ChangeQuery;

#[Object]
impl ChangeQuery {
    /// Resources that were modified most often.
    async fn most_changed_resources(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which modifications count.")] filter: Option<ResourceEventFilter>,
        #[graphql(desc = "The most resources, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<ChangedResource>, Error> {
        let most = list_size(first, MAX_LIST)?;
        let filter = filter.unwrap_or_default().conditions()?;
        let rows = snapshot(context)?.fetch(&MostChanged { filter, most }).await.map_err(from_store)?;
        let mut resources = resources_by_id(context, rows.iter().map(|row| row.resource_id).collect()).await?;
        let changed = rows.iter().filter_map(|row| {
            Some(ChangedResource {
                resource: resources.remove(&row.resource_id)?,
                modified_count: row.modified.into(),
                by_bots_count: row.by_bots.into(),
                last_changed_at: DateTime::from_seconds(row.last_time),
            })
        });
        Ok(changed.collect())
    }

    /// Repositories in which no resource was changed for some time; those at rest for longest first.
    async fn inactive_repositories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "For how long.", default_with = "Duration::from_seconds(HALF_A_YEAR)")] idle: Duration,
        #[graphql(desc = "The most repositories, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<InactiveRepository>, Error> {
        let most = list_size(first, MAX_LIST)?;
        let now = present(context)?.now_ms() / 1_000;
        let before = now.saturating_sub_unsigned(idle.0.as_secs());
        let rows = snapshot(context)?.fetch(&LastEvents { before, most }).await.map_err(from_store)?;
        let repositories = loaders(context)?.repositories.load_many(rows.iter().map(|row| row.repository_id)).await?;
        let inactive = rows.iter().filter_map(|row| {
            Some(InactiveRepository {
                repository: Repository(repositories.get(&row.repository_id)?.clone()),
                last_event_at: DateTime::from_seconds(row.last_time),
                idle: Duration::from_seconds(u64::try_from(now.saturating_sub(row.last_time)).unwrap_or_default()),
            })
        });
        Ok(inactive.collect())
    }
}
