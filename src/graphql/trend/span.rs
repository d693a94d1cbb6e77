//! Which range of time a trend measures, and which one it is compared to.

use async_graphql::{Context, Error};

use super::arguments::{Arguments, CompareTo, ComparedPeriod};
use super::bucket::Bucket;
use crate::graphql::error::{bad_input, from_store};
use crate::graphql::limits::Limits;
use crate::graphql::pagination::TimeRange;
use crate::graphql::scalars::DateTime;
use crate::graphql::sight::snapshot;
use crate::store::query::aggregate::{Dataset, DatasetRange, Span};

const WEEKS_OF_A_YEAR: u32 = 52;

/// The range in seconds, asked of the data where the arguments leave it open. Where the data hold nothing it reaches until now,
/// or is empty when it has no beginning either.
pub async fn resolve<D: Dataset>(context: &Context<'_>, arguments: &Arguments<D>) -> Result<(i64, i64), Error> {
    let (from, to) = ends(arguments.range, "range")?;
    if let (Some(from), Some(to)) = (from, to) {
        return Ok((from, to));
    }
    let snapshot = snapshot(context)?;
    let question = DatasetRange::<D>::new(arguments.filter.clone(), from, to);
    let found = snapshot.fetch_optional(&question).await.map_err(from_store)?;
    let now = snapshot.time();
    let Some(found) = found.filter(|found| found.rows > 0) else {
        let from = from.or(to).unwrap_or(now);
        return Ok((from, to.unwrap_or(now).max(from)));
    };
    let from = from.unwrap_or_else(|| to.map_or(found.first, |to| found.first.min(to)));
    let last = if D::SUCCESSION.is_some() { found.last.max(now.saturating_sub(1)) } else { found.last };
    Ok((from, to.unwrap_or_else(|| open_end(from, last, now))))
}

/// The end of a range that was left open: after the last event, but not after now, since one commit dated by a wrong clock
/// would add centuries of empty buckets. Now is when the data last changed: an answer depends on nothing but its version.
fn open_end(from: i64, last: i64, now: i64) -> i64 {
    let end = last.saturating_add(1);
    if end > now && now > from { now } else { end }
}

/// The ends of a range in seconds, where they are given.
///
/// # Errors
/// A range that begins after its end.
pub fn ends(range: Option<TimeRange>, name: &str) -> Result<(Option<i64>, Option<i64>), Error> {
    let from = range.and_then(|range| range.from).map(DateTime::ceil_seconds);
    let to = range.and_then(|range| range.to).map(DateTime::ceil_seconds);
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(bad_input(format!("`{name}.from` lies after `{name}.to`"))),
        ends => Ok(ends),
    }
}

/// The range with its buckets, then the one it is compared to with its own. Of what lasts, nobody knows what will be in a bucket that
/// begins after `now`: there is none.
pub fn spans<D: Dataset>(
    arguments: &Arguments<D>,
    limits: &Limits,
    bucket: Option<Bucket>,
    (from, to): (i64, i64),
    now: i64,
) -> Result<Vec<Span>, Error> {
    let calendar = arguments.calendar;
    let span = |from: i64, to: i64| {
        let mut buckets = match bucket {
            _ if from >= to => Vec::new(),
            None => vec![from],
            Some(bucket) => bucket.within(calendar, from, to, limits)?,
        };
        buckets.retain(|start| D::SUCCESSION.is_none() || *start <= now);
        Ok::<_, Error>(Span { from, to, buckets })
    };
    let current = span(from, to)?;
    let count = u32::try_from(current.buckets.len()).unwrap_or(u32::MAX);
    let compared = match &arguments.compare_to {
        None => return Ok(vec![current]),
        Some(CompareTo::Range(range)) => match ends(Some(*range), "compareTo.range")? {
            (Some(from), Some(to)) => Some((from, to)),
            _ => return Err(bad_input("`compareTo.range` needs both `from` and `to`")),
        },
        Some(CompareTo::Period(ComparedPeriod::PreviousYear)) => {
            let year_before = |seconds| match bucket {
                // Whole weeks: the 52nd before begins on the same day.
                Some(Bucket::Week) => Bucket::Week.earlier(calendar, seconds, WEEKS_OF_A_YEAR),
                _ => calendar.year_before(seconds),
            };
            year_before(from).zip(year_before(to))
        }
        Some(CompareTo::Period(ComparedPeriod::Previous)) => match bucket {
            None => from.checked_sub(to.saturating_sub(from)).map(|earlier| (earlier, from)),
            Some(bucket) => bucket.earlier(calendar, from, count).zip(bucket.earlier(calendar, to, count)),
        },
    };
    let (from, to) =
        compared.ok_or_else(|| bad_input("there is no time so early: `range` begins before every calendar"))?;
    Ok(vec![current, span(from, to)?])
}

/// For each bucket of the range, the place of the one it is compared to. Days and hours are compared to the same of the calendar a
/// year before: the 29th of February has none.
pub fn pairs<D: Dataset>(arguments: &Arguments<D>, bucket: Option<Bucket>, spans: &[Span]) -> Vec<Option<usize>> {
    let [current, compared] = spans else { return Vec::new() };
    let is_of_last_year = matches!(arguments.compare_to, Some(CompareTo::Period(ComparedPeriod::PreviousYear)));
    let by_calendar = bucket.filter(|bucket| is_of_last_year && matches!(bucket, Bucket::Day | Bucket::Hour));
    let pair = |(place, start): (usize, &i64)| match by_calendar {
        Some(bucket) => {
            let before = bucket.same_a_year_before(arguments.calendar, *start)?;
            compared.buckets.binary_search(&before).ok()
        }
        None => Some(place),
    };
    current.buckets.iter().enumerate().map(pair).collect()
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
