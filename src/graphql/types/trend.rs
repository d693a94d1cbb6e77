//! Aggregates over time: flat rows, ready for a chart.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, Error, SimpleObject};
use chrono_tz::Tz;
use uuid::Uuid;

pub use crate::graphql::bucket::Bucket;
use crate::graphql::error::{bad_input, from_store};
use crate::graphql::filter::{Conditions, ResourceEventFilter};
use crate::graphql::limits::{Limit, as_size, exceeded, limits};
use crate::graphql::pagination::TimeRange;
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::store::query::{Dimension, EventField, EventRange, EventTrend, Filter, Operator, TrendRecord};

const MAX_TOP: i32 = 1_000;

/// Groups over time, one row a bucket and group.
#[derive(SimpleObject)]
pub struct Aggregate {
    /// Ascending in time, within a bucket by the size of the group over the whole range, `other` last.
    rows: Vec<AggregateRow>,
    /// The range that was counted.
    range: ResolvedRange,
    /// The width of a bucket; null when the whole range is one.
    bucket: Option<Bucket>,
    /// Whether groups beyond `top` were added up as `other`.
    truncated: bool,
}

/// A half-open range of time.
#[derive(SimpleObject)]
pub struct ResolvedRange {
    /// The first instant.
    from: DateTime,
    /// The first instant after it.
    to: DateTime,
}

/// One measure of one group in one bucket.
#[derive(SimpleObject)]
pub struct AggregateRow {
    /// The first instant of the bucket; null without buckets.
    time: Option<DateTime>,
    /// The same in milliseconds since 1970.
    time_ms: Option<Long>,
    /// The group in one text: its dimensions joined by ` / `, `all` without dimensions, `other` for the rest.
    series: String,
    /// The group, dimension by dimension; empty for `other`.
    dimensions: Vec<DimensionValue>,
    /// What was measured: `count`.
    measure: &'static str,
    /// The measure's value.
    value: f64,
    /// Whether this is the sum of all groups beyond `top`.
    is_other: bool,
}

/// One dimension of a group.
#[derive(SimpleObject)]
pub struct DimensionValue {
    /// The dimension, as `groupBy` names it.
    name: String,
    /// Its value. A kind comes with its group (`Kustomization.kustomize.toolkit.fluxcd.io`), a repository as owner and name,
    /// no namespace as the empty text.
    value: String,
}

/// What events can be grouped by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventDimension {
    /// CREATED, MODIFIED, DELETED.
    Type,
    /// Kind with its group.
    Kind,
    /// Repository.
    Repository,
    /// Declared namespace.
    Namespace,
    /// Class of the change; `NONE` for CREATED and DELETED.
    ChangeClass,
    /// Identity of the chart that the resource installs; empty for all others.
    Chart,
    /// BOT or HUMAN.
    Actor,
}

impl EventDimension {
    const fn name(self) -> &'static str {
        match self {
            Self::Type => "TYPE",
            Self::Kind => "KIND",
            Self::Repository => "REPOSITORY",
            Self::Namespace => "NAMESPACE",
            Self::ChangeClass => "CHANGE_CLASS",
            Self::Chart => "CHART",
            Self::Actor => "ACTOR",
        }
    }

    const fn dimension(self) -> Dimension {
        match self {
            Self::Type => Dimension::Type,
            Self::Kind => Dimension::Kind,
            Self::Repository => Dimension::Repository,
            Self::Namespace => Dimension::Namespace,
            Self::ChangeClass => Dimension::ChangeClass,
            Self::Chart => Dimension::Chart,
            Self::Actor => Dimension::Actor,
        }
    }
}

/// The arguments of `eventTrend`.
pub struct TrendArguments {
    pub bucket: Option<Bucket>,
    pub time_zone: String,
    pub range: Option<TimeRange>,
    pub group_by: Vec<EventDimension>,
    pub filter: ResourceEventFilter,
    pub top: i32,
    /// Whether Kustomize patches and vendored files count.
    pub with_patches: bool,
    pub with_vendored: bool,
}

pub async fn event_trend(context: &Context<'_>, arguments: TrendArguments) -> Result<Aggregate, Error> {
    let TrendArguments { bucket, time_zone, range, group_by, filter, top, with_patches, with_vendored } = arguments;
    let zone: Tz = time_zone
        .parse()
        .map_err(|_| bad_input(format!("{time_zone:?} is no time zone; give an IANA name as Europe/Berlin")))?;
    let top = u32::try_from(top).ok().filter(|top| (1..=MAX_TOP as u32).contains(top));
    let top = top.ok_or_else(|| bad_input(format!("`top` has to be between 1 and {MAX_TOP}")))?;
    let mut filter = filter.conditions()?;
    for (field, is_wanted) in [(EventField::IsPatch, with_patches), (EventField::IsVendored, with_vendored)] {
        if !is_wanted && !filter.mentions(|mentioned| mentioned == field) {
            filter.add(field, Operator::Is(false));
        }
    }
    let Some((from, to)) = resolve(context, range, &mut filter).await? else {
        let now = DateTime::from_seconds(snapshot(context)?.time());
        return Ok(Aggregate {
            rows: Vec::new(),
            range: ResolvedRange { from: now, to: now },
            bucket,
            truncated: false,
        });
    };
    let buckets = match bucket {
        None => vec![from],
        Some(bucket) => {
            let most = limits(context)?.maximum(Limit::Buckets);
            bucket.starts(zone, from, to, as_size(most)).ok_or_else(|| {
                let message = format!("more than {most} buckets; take a wider bucket or a shorter range");
                exceeded(Limit::Buckets, None, most, message)
            })?
        }
    };
    let rows = if buckets.is_empty() {
        Vec::new()
    } else {
        let dimensions = group_by.iter().map(|dimension| dimension.dimension()).collect();
        let question = EventTrend { filter, dimensions, buckets, top };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        // Without dimensions there is one group even where nothing happened.
        if rows.is_empty() && group_by.is_empty() { nothing(&question.buckets) } else { rows.to_vec() }
    };
    limits(context)?.check(Limit::TrendRows, rows.len() as u64, |most| {
        format!("more than {most} rows; take a wider bucket, a shorter range or a smaller `top`")
    })?;
    let truncated = rows.iter().any(|row| row.is_other);
    let rows = name_repositories(context, rows, &group_by).await?;
    Ok(Aggregate {
        rows: rows.into_iter().map(|row| aggregate_row(row, bucket, &group_by)).collect(),
        range: ResolvedRange { from: DateTime::from_seconds(from), to: DateTime::from_seconds(to) },
        bucket,
        truncated,
    })
}

fn nothing(buckets: &[i64]) -> Vec<TrendRecord> {
    let row = |bucket: &i64| TrendRecord { bucket: *bucket, dimensions: Vec::new(), is_other: false, events: 0 };
    buckets.iter().map(row).collect()
}

/// The range in seconds, asked of the data where the arguments leave it open, and added to the filter; `None` when the data
/// hold nothing.
async fn resolve(
    context: &Context<'_>,
    range: Option<TimeRange>,
    filter: &mut Filter<EventField>,
) -> Result<Option<(i64, i64)>, Error> {
    let from = range.and_then(|range| range.from).map(DateTime::ceil_seconds);
    let to = range.and_then(|range| range.to).map(DateTime::ceil_seconds);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(bad_input("`range.from` lies after `range.to`"));
    }
    if let Some(from) = from {
        filter.add(EventField::Time, Operator::Since(from));
    }
    if let Some(to) = to {
        filter.add(EventField::Time, Operator::Before(to));
    }
    if let (Some(from), Some(to)) = (from, to) {
        return Ok(Some((from, to)));
    }
    let question = EventRange { filter: filter.clone() };
    let snapshot = snapshot(context)?;
    let found = snapshot.fetch_optional(&question).await.map_err(from_store)?;
    let Some(found) = found.filter(|found| found.events > 0) else { return Ok(None) };
    let from = from.unwrap_or(found.first);
    let to = to.unwrap_or_else(|| open_end(from, found.last, snapshot.time()));
    if to <= found.last {
        filter.add(EventField::Time, Operator::Before(to));
    }
    Ok(Some((from, to)))
}

/// The end of a range that was left open: after the last event, but not after now, since one commit dated by a wrong clock
/// would add centuries of empty buckets. Now is when the data last changed: an answer depends on nothing but its version.
fn open_end(from: i64, last: i64, now: i64) -> i64 {
    let end = last.saturating_add(1);
    if end > now && now > from { now } else { end }
}

/// Repositories come as ids and go out by name.
async fn name_repositories(
    context: &Context<'_>,
    mut rows: Vec<TrendRecord>,
    group_by: &[EventDimension],
) -> Result<Vec<TrendRecord>, Error> {
    for (index, dimension) in group_by.iter().enumerate() {
        if *dimension != EventDimension::Repository {
            continue;
        }
        let ids: BTreeSet<Uuid> =
            rows.iter().filter_map(|row| Uuid::parse_str(row.dimensions.get(index)?).ok()).collect();
        let found = loaders(context)?.repositories.load_many(ids).await?;
        for value in rows.iter_mut().filter_map(|row| row.dimensions.get_mut(index)) {
            if let Some(repository) = Uuid::parse_str(value).ok().and_then(|id| found.get(&id)) {
                value.clone_from(&repository.full_name);
            }
        }
    }
    Ok(rows)
}

fn aggregate_row(row: TrendRecord, bucket: Option<Bucket>, group_by: &[EventDimension]) -> AggregateRow {
    let series = match (row.is_other, group_by.is_empty()) {
        (true, _) => "other".to_owned(),
        (false, true) => "all".to_owned(),
        (false, false) => row.dimensions.join(" / "),
    };
    let dimensions = group_by.iter().zip(row.dimensions);
    AggregateRow {
        time: bucket.map(|_| DateTime::from_seconds(row.bucket)),
        time_ms: bucket.map(|_| Long(row.bucket.saturating_mul(1_000))),
        series,
        dimensions: dimensions.map(|(name, value)| DimensionValue { name: name.name().to_owned(), value }).collect(),
        measure: "count",
        value: row.events as f64,
        is_other: row.is_other,
    }
}

#[cfg(test)]
mod tests {
    use super::open_end;

    #[test]
    fn an_open_range_ends_after_the_last_event_or_now() {
        assert_eq!(open_end(0, 100, 200), 101);
        assert_eq!(open_end(0, 100, 50), 50, "one commit is dated in the future");
        assert_eq!(open_end(60, 100, 50), 101, "only the future was asked for");
    }
}
