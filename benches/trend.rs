//! `eventTrend`, against the same SQL sent by hand.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use kubestats::graphql::{Limits, schema};
use kubestats::store::query::aggregate::{Aggregation, EventColumn, Events, Measure, Ranking, Span};
use kubestats::store::query::{Direction, EventField, Filter, Operator};

use super::Result;
use super::engine::Engine;
use super::pages::Asked;
use super::report::{Goal, Report};

const TOP: u32 = 10;

pub async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    let asked = Asked { engine, schema: schema(None, Limits::default()), version: engine.version().await? };
    let first =
        "SELECT toUInt64(min(toUnixTimestamp64Second(time))) FROM resource_events WHERE time > '2000-01-01 00:00:00'";
    let from = day(engine.number(first).await?)?;
    let to = day(asked.version / 1_000_000)?;
    for (bucket, step) in [("DAY", Step::Days(1)), ("WEEK", Step::Days(7)), ("MONTH", Step::Months(1))] {
        for (group_by, dimensions) in
            [("", vec![]), ("KIND", vec![EventColumn::Kind]), ("REPOSITORY", vec![EventColumn::Repository])]
        {
            // Ten years of days for ten repositories are more rows than an answer may have in common use.
            if bucket == "DAY" && group_by == "REPOSITORY" {
                continue;
            }
            compare(&asked, report, (bucket, step), (group_by, dimensions), false, (from, to)).await?;
        }
    }
    compare(&asked, report, ("MONTH", Step::Months(1)), ("KIND", vec![EventColumn::Kind]), true, (from, to)).await
}

#[derive(Clone, Copy)]
enum Step {
    Days(u64),
    Months(u32),
}

async fn compare(
    asked: &Asked<'_>,
    report: &mut Report,
    (bucket, step): (&str, Step),
    (group_by, dimensions): (&str, Vec<EventColumn>),
    filtered: bool,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<()> {
    let mut filter = Filter::default();
    // What a trend leaves out unless it is asked for.
    filter.add(EventField::IsPatch, Operator::Is(false));
    filter.add(EventField::IsVendored, Operator::Is(false));
    if filtered {
        filter.add(EventField::Type, Operator::Equal("CREATED".to_owned()));
    }
    let span = Span { from: seconds(from), to: seconds(to), buckets: starts(from, to, step) };
    let question = Aggregation::<Events> {
        filter,
        dimensions,
        histogram: None,
        measures: vec![Measure::Count],
        spans: vec![span],
        time_zone: "UTC".to_owned(),
        ranking: Ranking::Measure(0, Direction::Descending),
        having: Vec::new(),
        top: TOP,
        most: u64::MAX,
        is_cumulative: false,
    };
    let condition = if filtered { ", filter: {type: {eq: CREATED}}" } else { "" };
    let arguments = format!("bucket: {bucket}, groupBy: [{group_by}]{condition}");
    let field = format!(
        "eventTrend({arguments}, range: {{from: \"{from}\", to: \"{to}\"}}) {{ rows {{ time series value }} }}"
    );
    asked.compare_as(report, &format!("eventTrend({arguments})"), &field, &question, Goal::AtMost(1.2, "")).await
}

/// As the API's own buckets begin, in UTC.
fn starts(from: NaiveDate, to: NaiveDate, step: Step) -> Vec<i64> {
    let first = match step {
        Step::Days(7) => from - Days::new(u64::from(from.weekday().num_days_from_monday())),
        Step::Days(_) => from,
        Step::Months(_) => from.with_day(1).unwrap_or(from),
    };
    let next = |date: &NaiveDate| match step {
        Step::Days(days) => date.checked_add_days(Days::new(days)),
        Step::Months(months) => date.checked_add_months(Months::new(months)),
    };
    std::iter::successors(Some(first), next).take_while(|date| *date < to).map(seconds).collect()
}

fn day(seconds: u64) -> Result<NaiveDate> {
    let time: DateTime<Utc> = DateTime::from_timestamp(i64::try_from(seconds)?, 0).ok_or("no time")?;
    Ok(time.date_naive())
}

fn seconds(date: NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}
