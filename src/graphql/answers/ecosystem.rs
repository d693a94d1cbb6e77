//! All repositories together: now, over time, and what they are about.

use std::sync::Arc;

use async_graphql::{Context, Description, Error, Object, SimpleObject};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::graphql::error::from_store;
use crate::graphql::limits::limits;
use crate::graphql::pagination::{TimeRange, list_size};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::snapshot;
use crate::graphql::trend::{Bucket, Calendar, FirstDayOfWeek, Measured, Own, ends, measure, own, time_zone};
use crate::store::Snapshot;
use crate::store::query::aggregate::{
    ChartColumn, ChartDistinct, Charts, EventDistinct, EventNumber, Events, Measure, MetricsNumber, RepositoryMetrics,
    ResourceColumn, ResourceDistinct, Resources, Span,
};
use crate::store::query::{OriginRecord, RepositoryOrigins, RepositoryTags};

const DAY: i64 = 24 * 3_600;
/// What counts as now: a repository is active when something changed in it within so many days.
const ACTIVE_DAYS: i64 = 30;
const HISTORY_DAYS: i64 = 365;
/// Entries of the longest list.
const MAX_LIST: i32 = 1_000;

/// All repositories together. Patches and vendored files are left out.
#[derive(Description)]
struct Ecosystem;

/// All repositories together at the end of a bucket of time, and what happened in it.
#[derive(SimpleObject, Clone, Debug, Default)]
struct EcosystemTotals {
    /// When the bucket begins.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
    /// Of the repositories that are known now, those that had begun: when their forge says that they were made, or with their first
    /// resource.
    repository_count: Long,
    /// Those in which something changed in the bucket.
    active_repository_count: Long,
    /// Those with resources alive.
    repository_with_resources_count: Long,
    /// Resources alive.
    resource_count: Long,
    /// What these are more than at the end of the bucket before.
    resource_growth: Long,
    /// Kinds of resources alive, with their groups.
    kind_count: Long,
    /// Charts that were installed.
    chart_count: Long,
    /// Resources that were created in the bucket.
    created_count: Long,
    /// Modifications in the bucket.
    modified_count: Long,
    /// Resources that were deleted in the bucket.
    deleted_count: Long,
    /// Stars of all repositories, by their newest snapshots then; of a repository without one, none.
    stars: Long,
    /// Forks of all repositories.
    forks: Long,
    /// Watchers of all repositories; GitHub calls them subscribers.
    watchers: Long,
    /// Open issues of all repositories.
    open_issues: Long,
}

/// Something that many have, and how many.
#[derive(SimpleObject)]
struct Popular {
    /// Its name; a kind comes with its group.
    name: String,
    /// Repositories that have it.
    repository_count: Long,
    /// Resources of the kind, or releases of the chart; bytes of the language; of a topic, the repositories once more.
    size: Long,
}

#[derive(Default)]
pub struct EcosystemQuery;

#[Object]
impl EcosystemQuery {
    /// All repositories together: now, over time, and what they are about.
    async fn ecosystem(&self) -> Ecosystem {
        Ecosystem
    }
}

#[Object(use_type_description)]
impl Ecosystem {
    /// As it is now; what happened is that of the last 30 days.
    async fn now(&self, context: &Context<'_>) -> Result<EcosystemTotals, Error> {
        let snapshot = snapshot(context)?;
        let to = snapshot.time().saturating_add(1);
        let from = to - ACTIVE_DAYS * DAY;
        let wanted = Wanted::of(context);
        // What the lists of kinds and charts count, too, is asked once for both.
        let others = Wanted { resources: false, charts: false, metrics: false, ..wanted };
        let (totals, origins, kinds, charts) = tokio::try_join!(
            totals(&snapshot, Span { from, to, buckets: vec![from] }, others).boxed(),
            if_wanted(wanted.metrics, origins(&snapshot)),
            if_wanted(wanted.resources || wanted.growth, kinds(&snapshot)),
            if_wanted(wanted.charts, charts(&snapshot)),
        )?;
        let sum = |rows: &[Measured], place| Long(rows.iter().map(|row| row.count(place).0).sum());
        let newest = |of: fn(&OriginRecord) -> u64| Long::from(origins.iter().map(of).sum::<u64>());
        let resource_count = sum(&kinds, 1);
        let totals = totals.into_iter().next().unwrap_or_default();
        Ok(EcosystemTotals {
            resource_count,
            // The difference of the two is what there was before.
            resource_growth: Long(resource_count.0 - (totals.resource_count.0 - totals.resource_growth.0)),
            kind_count: (kinds.len() as u64).into(),
            chart_count: sum(&charts, 2),
            stars: newest(|repository| repository.stars),
            forks: newest(|repository| repository.forks),
            watchers: newest(|repository| repository.watchers),
            open_issues: newest(|repository| repository.open_issues),
            ..totals
        })
    }

    /// As it was at the end of each bucket, for any time since the first commit; what forges count since it is recorded.
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The range; by default the last 365 days.")] range: Option<TimeRange>,
        #[graphql(desc = "The width of a bucket.", default_with = "Bucket::Day")] bucket: Bucket,
        #[graphql(desc = "IANA name of the time zone in which buckets begin.", default_with = "\"UTC\".to_owned()")]
        time_zone: String,
    ) -> Result<Vec<EcosystemTotals>, Error> {
        let snapshot = snapshot(context)?;
        let (from, to) = ends(range, "range")?;
        let to = to.unwrap_or_else(|| snapshot.time().saturating_add(1));
        let from = from.unwrap_or(to - HISTORY_DAYS * DAY);
        let calendar = Calendar { zone: self::time_zone(&time_zone)?, first_day: FirstDayOfWeek::Monday };
        let mut buckets = bucket.resolved(from, to).within(calendar, from, to, limits(context)?)?;
        // Nobody knows the future.
        buckets.retain(|start| *start <= snapshot.time());
        totals(&snapshot, Span { from, to, buckets }, Wanted::of(context)).boxed().await
    }

    /// Kinds of the resources alive, those in most repositories first.
    async fn kinds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most kinds, 1 to 1000.", default = 20)] first: i32,
    ) -> Result<Vec<Popular>, Error> {
        popular(kinds(&snapshot(context)?).await?, first)
    }

    /// Charts that are installed, by their names, whatever their source; those of most repositories first.
    async fn charts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most charts, 1 to 1000.", default = 20)] first: i32,
    ) -> Result<Vec<Popular>, Error> {
        popular(charts(&snapshot(context)?).await?, first)
    }

    /// Languages of the repositories by their newest snapshots, those of most repositories first.
    async fn languages(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most languages, 1 to 1000.", default = 20)] first: i32,
    ) -> Result<Vec<Popular>, Error> {
        tags(context, "LANGUAGE", first).await
    }

    /// Topics that owners gave their repositories, those of most repositories first.
    async fn topics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most topics, 1 to 1000.", default = 20)] first: i32,
    ) -> Result<Vec<Popular>, Error> {
        tags(context, "TOPIC", first).await
    }
}

/// The moment of this version of the data.
fn now(snapshot: &Snapshot) -> Span {
    let to = snapshot.time().saturating_add(1);
    Span { from: to - 1, to, buckets: vec![to - 1] }
}

/// Measures. Boxed: several wait beside each other, and each is large.
type Measuring<'s> = BoxFuture<'s, Result<Vec<Measured>, Error>>;

/// Kinds of the resources alive: repositories, resources.
fn kinds(snapshot: &Snapshot) -> Measuring<'_> {
    let measures = vec![Measure::Distinct(ResourceDistinct::Repositories), Measure::Count];
    let column = Some(ResourceColumn::Kind);
    measure::<Resources>(snapshot, own::<Resources>(), column, measures, vec![now(snapshot)]).boxed()
}

/// Names of the charts that are installed: repositories, releases, charts of the name.
fn charts(snapshot: &Snapshot) -> Measuring<'_> {
    let measures =
        vec![Measure::Distinct(ChartDistinct::Repositories), Measure::Count, Measure::Distinct(ChartDistinct::Charts)];
    measure::<Charts>(snapshot, own::<Charts>(), Some(ChartColumn::Name), measures, vec![now(snapshot)]).boxed()
}

async fn origins(snapshot: &Snapshot) -> Result<Arc<Vec<OriginRecord>>, Error> {
    snapshot.fetch(&RepositoryOrigins).await.map_err(from_store)
}

async fn if_wanted<T: Default>(is_wanted: bool, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match is_wanted {
        true => asked.await,
        false => Ok(T::default()),
    }
}

fn popular(rows: Vec<Measured>, first: i32) -> Result<Vec<Popular>, Error> {
    let most = list_size(first, MAX_LIST)? as usize;
    // A resource without a chart, or a chart without a name, is none of them.
    let rows = rows.into_iter().filter(|row| !row.group.is_empty()).take(most);
    let popular = |row: Measured| Popular { repository_count: row.count(0), size: row.count(1), name: row.group };
    Ok(rows.map(popular).collect())
}

async fn tags(context: &Context<'_>, tag_type: &str, first: i32) -> Result<Vec<Popular>, Error> {
    let most = list_size(first, MAX_LIST)? as usize;
    let rows = snapshot(context)?.fetch(&RepositoryTags).await.map_err(from_store)?;
    let tags = rows.iter().filter(|row| row.tag_type == tag_type).take(most);
    let popular = |row: &crate::store::query::TagRecord| Popular {
        name: row.name.clone(),
        repository_count: row.repositories.into(),
        size: if row.bytes > 0 { row.bytes.into() } else { row.repositories.into() },
    };
    Ok(tags.map(popular).collect())
}

/// The parts of totals that somebody asks for; each takes a question of its own.
#[derive(Clone, Copy)]
struct Wanted {
    repositories: bool,
    events: bool,
    with_resources: bool,
    resources: bool,
    growth: bool,
    charts: bool,
    metrics: bool,
}

impl Wanted {
    fn of(context: &Context<'_>) -> Self {
        let selected = context.look_ahead();
        let any = |fields: &[&str]| fields.iter().any(|field| selected.field(field).exists());
        Self {
            repositories: any(&["repositoryCount"]),
            events: any(&["activeRepositoryCount", "createdCount", "modifiedCount", "deletedCount"]),
            with_resources: any(&["repositoryWithResourcesCount"]),
            resources: any(&["resourceCount", "resourceGrowth", "kindCount"]),
            growth: any(&["resourceGrowth"]),
            charts: any(&["chartCount"]),
            metrics: any(&["stars", "forks", "watchers", "openIssues"]),
        }
    }
}

/// Measures a whole dataset.
fn all<'s, D: Own>(snapshot: &'s Snapshot, measures: Vec<Measure<D>>, span: &Span) -> Measuring<'s> {
    measure(snapshot, own::<D>(), None, measures, vec![span.clone()]).boxed()
}

/// The totals of every bucket; what nobody wants is 0.
async fn totals(snapshot: &Snapshot, span: Span, wanted: Wanted) -> Result<Vec<EcosystemTotals>, Error> {
    if span.buckets.is_empty() {
        return Ok(Vec::new());
    }
    let of_events = [EventNumber::Created, EventNumber::Modified, EventNumber::Deleted].map(Measure::<Events>::Sum);
    let of_events = of_events.into_iter().chain([Measure::Distinct(EventDistinct::Repositories)]).collect();
    let of_resources = vec![
        Measure::<Resources>::Count,
        Measure::Distinct(ResourceDistinct::Repositories),
        Measure::Distinct(ResourceDistinct::Kinds),
    ];
    let of_metrics = [MetricsNumber::Stars, MetricsNumber::Forks, MetricsNumber::Watchers, MetricsNumber::OpenIssues];
    let of_metrics = of_metrics.map(Measure::<RepositoryMetrics>::Sum).to_vec();
    let of_charts = vec![Measure::<Charts>::Distinct(ChartDistinct::Charts)];
    // With what was there when the first bucket began: one more bucket, which ends then.
    let mut of_growth = span.clone();
    if wanted.growth {
        of_growth.buckets.insert(0, span.buckets[0] - 1);
    }
    let (origins, events, resources, charts, metrics) = tokio::try_join!(
        if_wanted(wanted.repositories, origins(snapshot)),
        if_wanted(wanted.events, all(snapshot, of_events, &span)),
        if_wanted(wanted.growth || wanted.resources || wanted.with_resources, all(snapshot, of_resources, &of_growth)),
        if_wanted(wanted.charts, all(snapshot, of_charts, &span)),
        if_wanted(wanted.metrics, all(snapshot, of_metrics, &span)),
    )?;
    let mut before = resources.iter().find(|row| row.bucket < span.buckets[0]).map_or(Long(0), |row| row.count(0));
    let ends = span.buckets.iter().skip(1).copied().chain([span.to]);
    let totals = span.buckets.iter().zip(ends).map(|(start, end)| {
        let of = |rows: &[Measured], place: usize| {
            rows.iter().find(|row| row.bucket == *start).map_or(Long(0), |row| row.count(place))
        };
        let resource_count = of(&resources, 0);
        EcosystemTotals {
            from: DateTime::from_seconds((*start).max(span.from)),
            to: DateTime::from_seconds(end),
            repository_count: (origins.partition_point(|repository| repository.began_at < end) as u64).into(),
            active_repository_count: of(&events, 3),
            repository_with_resources_count: of(&resources, 1),
            resource_count,
            resource_growth: Long(resource_count.0 - std::mem::replace(&mut before, resource_count).0),
            kind_count: of(&resources, 2),
            chart_count: of(&charts, 0),
            created_count: of(&events, 0),
            modified_count: of(&events, 1),
            deleted_count: of(&events, 2),
            stars: of(&metrics, 0),
            forks: of(&metrics, 1),
            watchers: of(&metrics, 2),
            open_issues: of(&metrics, 3),
        }
    });
    Ok(totals.collect())
}
