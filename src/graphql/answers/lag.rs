//! How long repositories take to follow a chart's versions.

use async_graphql::{Context, Error, Object, SimpleObject};

use super::chart_by::ChartBy;
use super::courses::{Courses, Outcome};
use crate::graphql::error::from_store;
use crate::graphql::pagination::{TimeRange, list_size};
use crate::graphql::scalars::{DateTime, Long, share};
use crate::graphql::sight::{loaders, snapshot};
use crate::graphql::trend::ends;
use crate::graphql::types::Repository;
use crate::store::query::ChartIntervals;

const MAX_LIST: i32 = 500;
const DAY: i64 = 24 * 3_600;

/// How long repositories take to follow a chart's versions.
///
/// Only exact versions count (`1.2.3`, no constraint), as semver orders them; `v1.2.3` is the same as `1.2.3`. A version is first seen at the
/// first commit of any repository whose release installs it. A repository's version is the newest one that its releases install. Counted are
/// the repositories whose version was an older one when a version was first seen: so neither the one that it was seen in, nor those that begin
/// with the chart later. Patches and vendored files are left out.
#[derive(SimpleObject)]
struct UpgradeLag {
    /// Versions that were first seen in the range.
    version_count: Long,
    /// All these versions together: a repository counts once for each version that it was behind.
    all: Lag,
    /// The versions, the one that was first seen last first.
    versions: Vec<VersionLag>,
}

/// How long repositories took to follow one version of a chart.
#[derive(SimpleObject)]
struct VersionLag {
    /// The version, as it was written where it was seen first.
    version: String,
    /// When it was seen first.
    first_seen_at: DateTime,
    /// Where it was seen first.
    first_seen_in: Option<Repository>,
    /// How long the others took.
    lag: Lag,
}

/// How long repositories took from the first sight of a version until they were at it or at a newer one.
#[derive(SimpleObject)]
struct Lag {
    /// Repositories that installed an older version when it was seen first.
    repository_count: Long,
    /// Those that arrived at it, or at a newer one.
    arrived_count: Long,
    /// Those that still install an older one; the rest gave the chart up, or install no exact version now.
    behind_count: Long,
    /// Days within which at least half of those that arrived did so; null where none arrived.
    median_days: Option<f64>,
    /// Days within which at least nine of ten of those that arrived did so.
    p90_days: Option<f64>,
    /// The part of all these repositories that arrived within 7 days, from 0 to 1; null where there are none.
    #[graphql(name = "shareWithin7Days")]
    share_within_7_days: Option<f64>,
    /// The part that arrived within 30 days.
    #[graphql(name = "shareWithin30Days")]
    share_within_30_days: Option<f64>,
    /// The part that arrived within 90 days.
    #[graphql(name = "shareWithin90Days")]
    share_within_90_days: Option<f64>,
}

#[derive(Default)]
pub struct LagQuery;

#[Object]
impl LagQuery {
    /// How long repositories take to follow a chart's versions: from a version's first sight anywhere until each repository that was at an older
    /// one arrives at it or at a newer one.
    async fn upgrade_lag(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The chart.")] by: ChartBy,
        #[graphql(desc = "When versions were first seen; by default ever.")] range: Option<TimeRange>,
        #[graphql(desc = "The most versions, 1 to 500; `all` counts the others, too.", default = 20)] first: i32,
    ) -> Result<UpgradeLag, Error> {
        let most = list_size(first, MAX_LIST)? as usize;
        let (from, to) = ends(range, "range")?;
        let question = ChartIntervals { filter: by.history()? };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        let courses = Courses::new(&rows);
        let is_within = |time: i64| from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to);
        let mut seen: Vec<_> = courses.sights.iter().filter(|(_, sight)| is_within(sight.time)).collect();
        // The newer of two that were seen at one time comes first.
        seen.sort_by(|(one, first), (two, second)| (second.time, two).cmp(&(first.time, one)));
        let outcomes: Vec<Vec<Outcome>> = seen
            .iter()
            .map(|(version, sight)| {
                courses.repositories.values().filter_map(|course| course.after(sight.time, version)).collect()
            })
            .collect();
        let all = Lag::of(outcomes.iter().flatten());
        let version_count = (seen.len() as u64).into();
        seen.truncate(most);
        let repositories = seen.iter().map(|(_, sight)| sight.repository);
        let repositories = loaders(context)?.repositories.load_many(repositories).await?;
        let versions = seen.iter().zip(&outcomes).map(|((_, sight), outcomes)| VersionLag {
            version: sight.text.clone(),
            first_seen_at: DateTime::from_seconds(sight.time),
            first_seen_in: repositories.get(&sight.repository).cloned().map(Repository),
            lag: Lag::of(outcomes),
        });
        Ok(UpgradeLag { version_count, all, versions: versions.collect() })
    }
}

impl Lag {
    fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let (mut lags, mut behind, mut count) = (Vec::new(), 0, 0);
        for outcome in outcomes {
            count += 1;
            match outcome {
                Outcome::Arrived(seconds) => lags.push(*seconds),
                Outcome::Behind => behind += 1,
                Outcome::Left => {}
            }
        }
        lags.sort_unstable();
        let days = |tenths: usize| {
            let place = (lags.len() * tenths).div_ceil(10).checked_sub(1)?;
            lags.get(place).map(|seconds| *seconds as f64 / DAY as f64)
        };
        let within = |days: i64| {
            (count > 0).then(|| share(lags.partition_point(|seconds| *seconds <= days * DAY) as u64, count))
        };
        Self {
            repository_count: count.into(),
            arrived_count: (lags.len() as u64).into(),
            behind_count: Long(behind),
            median_days: days(5),
            p90_days: days(9),
            share_within_7_days: within(7),
            share_within_30_days: within(30),
            share_within_90_days: within(90),
        }
    }
}
