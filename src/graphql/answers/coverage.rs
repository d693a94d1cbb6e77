//! What is indexed, and how fresh it is.

use async_graphql::{Context, Error, Object, SimpleObject};

use crate::graphql::duration::Duration;
use crate::graphql::error::from_store;
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{present, snapshot};
use crate::store::query;

/// What is indexed, and how fresh it is.
#[derive(SimpleObject)]
struct Coverage {
    /// Repositories that are known.
    repository_count: Long,
    /// Those whose history was read.
    scanned_repository_count: Long,
    /// Those with resources alive.
    repository_with_resources_count: Long,
    /// Those whose last scan failed.
    failed_repository_count: Long,
    /// Commits that were read.
    commit_count: Long,
    /// Resources alive, patches and vendored files among them.
    resource_count: Long,
    /// Events.
    event_count: Long,
    /// Versions of files that could not be read as YAML.
    scan_failure_count: Long,
    /// When the first event happened; null without one.
    first_event_at: Option<DateTime>,
    /// When the last event happened, by its commit; null without one.
    last_event_at: Option<DateTime>,
    /// Time since the last scan of a repository: half of them were scanned more recently. Null where none was.
    median_lag: Option<Duration>,
    /// Time since the last scan of the repository that was not scanned for longest.
    longest_lag: Option<Duration>,
}

#[derive(Default)]
pub struct CoverageQuery;

#[Object]
impl CoverageQuery {
    /// What is indexed, and how fresh it is.
    async fn coverage(&self, context: &Context<'_>) -> Result<Coverage, Error> {
        let found = snapshot(context)?.fetch_optional(&query::Coverage).await.map_err(from_store)?;
        // A count has a row even of nothing.
        let mut found = found.unwrap_or_default();
        let mut scanned_at = std::mem::take(&mut found.scanned_at);
        scanned_at.sort_unstable_by(|one, two| two.cmp(one));
        let now = present(context)?.now_ms();
        let since = |time: &i64| Duration::between(*time, now);
        let time = |seconds: i64| (found.events > 0).then(|| DateTime::from_seconds(seconds));
        Ok(Coverage {
            repository_count: found.repositories.into(),
            scanned_repository_count: found.scanned_repositories.into(),
            repository_with_resources_count: found.repositories_with_resources.into(),
            failed_repository_count: found.failed_repositories.into(),
            commit_count: found.commits.into(),
            resource_count: found.resources.into(),
            event_count: found.events.into(),
            scan_failure_count: found.unparsable_versions.into(),
            first_event_at: time(found.first_event),
            last_event_at: time(found.last_event),
            median_lag: scanned_at.get(scanned_at.len() / 2).and_then(since),
            longest_lag: scanned_at.last().and_then(since),
        })
    }
}
