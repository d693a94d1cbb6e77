//! The trend a second time, another way round: each event is given the label of its bucket, and each bucket of the answer
//! has to begin exactly where its label does.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Offset, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graphql::support::{Event, all_events, ask_with};

#[derive(Debug, Deserialize)]
pub struct Trend {
    pub rows: Vec<Row>,
    pub range: Range,
    pub bucket: Option<String>,
    pub truncated: bool,
}

#[derive(Debug, Deserialize)]
pub struct Range {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub time: Option<DateTime<Utc>>,
    pub time_ms: Option<i64>,
    pub series: String,
    pub dimensions: Vec<Dimension>,
    pub measure: String,
    pub value: f64,
    pub is_other: bool,
}

#[derive(Debug, Deserialize)]
pub struct Dimension {
    pub name: String,
    pub value: String,
}

#[track_caller]
pub fn trend(arguments: Value) -> Trend {
    let mut variables = json!({ "timeZone": "UTC", "groupBy": [], "top": 10 });
    variables.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    let document = "query Trend($bucket: Bucket, $timeZone: String!, $range: TimeRange, $groupBy: [EventDimension!]!, \
            $filter: ResourceEventFilter, $top: Int!) { \
        eventTrend(bucket: $bucket, timeZone: $timeZone, range: $range, groupBy: $groupBy, filter: $filter, top: $top) { \
            bucket truncated range { from to } \
            rows { time timeMs series dimensions { name value } measure value isOther } } }";
    serde_json::from_value(ask_with(document, variables)["eventTrend"].take()).unwrap()
}

/// Asks with these arguments and holds every row against the list of events.
#[track_caller]
pub fn check(arguments: Value) {
    let answer = trend(arguments.clone());
    let case = arguments.to_string();
    let zone: Tz = arguments["timeZone"].as_str().unwrap_or("UTC").parse().unwrap();
    let groups: Vec<&str> =
        arguments["groupBy"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let top = arguments["top"].as_u64().unwrap_or(10) as usize;
    assert_eq!(answer.bucket.as_deref(), arguments["bucket"].as_str(), "{case}");
    let events = events_of(&arguments, &answer.range);
    assert!(!events.is_empty(), "{case} counts nothing");

    let named = largest(&events, &groups, top);
    let label = |time| answer.bucket.as_deref().map_or(String::new(), |bucket| bucket_label(bucket, zone, time));
    let mut expected: BTreeMap<(String, Vec<String>), usize> = BTreeMap::new();
    for event in &events {
        let group = group_of(event, &groups);
        let group = if named.contains(&group) { group } else { vec!["other".to_owned()] };
        *expected.entry((label(event.time), group)).or_default() += 1;
    }

    for row in &answer.rows {
        let group = if row.is_other {
            vec!["other".to_owned()]
        } else {
            row.dimensions.iter().map(|d| d.value.clone()).collect()
        };
        assert!(!row.is_other || row.dimensions.is_empty(), "{case}: other has dimensions");
        let key = (row.time.map_or(String::new(), label), group);
        let counted = expected.remove(&key).unwrap_or(0);
        assert_eq!(row.value, counted as f64, "{case}: {key:?}");
    }
    assert!(expected.is_empty(), "{case}: missing {expected:?}");
    check_buckets(&answer, zone, &case);
    check_order(&answer, &named, &case);
}

/// What the filter and the range pick. Filters as such are tested elsewhere: they are asked of the list.
fn events_of(arguments: &Value, range: &Range) -> Vec<&'static Event> {
    let document = "query Ids($filter: ResourceEventFilter) { events(first: 500, filter: $filter) { nodes { id } } }";
    let data = ask_with(document, json!({ "filter": arguments["filter"] }));
    let ids: Vec<&str> =
        data["events"]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    let inside = |event: &&Event| ids.contains(&event.id.as_str()) && event.time >= range.from && event.time < range.to;
    all_events().iter().filter(inside).collect()
}

fn group_of(event: &Event, groups: &[&str]) -> Vec<String> {
    let value = |name: &&str| match *name {
        "TYPE" => event.event_type.clone(),
        "KIND" if event.group.is_empty() => event.kind.clone(),
        "KIND" => format!("{}.{}", event.kind, event.group),
        "REPOSITORY" => event.repository.full_name.clone(),
        _ => event.namespace.clone().unwrap_or_default(),
    };
    groups.iter().map(value).collect()
}

/// The groups with the most events, in that order; of equal ones the first by name.
fn largest(events: &[&Event], groups: &[&str], top: usize) -> Vec<Vec<String>> {
    let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for event in events {
        *counts.entry(group_of(event, groups)).or_default() += 1;
    }
    let mut sorted: Vec<(Vec<String>, usize)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(top);
    sorted.into_iter().map(|(group, _)| group).collect()
}

/// The name of the bucket that an instant is in. Two instants are in one bucket when their labels are equal.
fn bucket_label(bucket: &str, zone: Tz, time: DateTime<Utc>) -> String {
    let local = time.with_timezone(&zone);
    match bucket {
        "HOUR" => format!("{} {} {}", local.date_naive(), local.hour(), local.offset().fix()),
        "DAY" => local.date_naive().to_string(),
        "WEEK" => format!("{:?}", local.iso_week()),
        "MONTH" => format!("{}-{}", local.year(), local.month()),
        "QUARTER" => format!("{} Q{}", local.year(), local.month().div_ceil(3)),
        "YEAR" => local.year().to_string(),
        other => panic!("{other}"),
    }
}

/// Buckets begin at the first instant of their label and follow each other without a gap, over the whole range; all groups
/// have a row in each.
fn check_buckets(answer: &Trend, zone: Tz, case: &str) {
    let Some(bucket) = answer.bucket.as_deref() else {
        assert!(answer.rows.iter().all(|row| row.time.is_none() && row.time_ms.is_none()), "{case}");
        return;
    };
    let label = |time| bucket_label(bucket, zone, time);
    let second = TimeDelta::seconds(1);
    let mut times: Vec<DateTime<Utc>> = answer.rows.iter().map(|row| row.time.unwrap()).collect();
    assert!(times.is_sorted(), "{case}");
    times.dedup();
    for (index, time) in times.iter().enumerate() {
        assert_ne!(label(*time), label(*time - second), "{case}: {time} is not where a bucket begins");
        if let Some(next) = times.get(index + 1) {
            assert_eq!(label(*next - second), label(*time), "{case}: a gap before {next}");
        }
    }
    assert_eq!(label(times[0]), label(answer.range.from), "{case}");
    assert_eq!(label(*times.last().unwrap()), label(answer.range.to - second), "{case}");
    let series = answer.rows.iter().filter(|row| row.time == Some(times[0])).count();
    assert_eq!(answer.rows.len(), series * times.len(), "{case}: a group without a row in some bucket");
    assert!(answer.rows.iter().all(|row| row.time_ms == row.time.map(|time| time.timestamp_millis())), "{case}");
}

/// Within a bucket the largest group of the whole range comes first and "other" last.
fn check_order(answer: &Trend, named: &[Vec<String>], case: &str) {
    let first = answer.rows.first().unwrap().time;
    let rows: Vec<&Row> = answer.rows.iter().filter(|row| row.time == first).collect();
    let (other, groups): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_other);
    let groups: Vec<Vec<String>> =
        groups.iter().map(|row| row.dimensions.iter().map(|d| d.value.clone()).collect()).collect();
    assert_eq!(groups, named, "{case}");
    assert_eq!(!other.is_empty(), answer.truncated, "{case}");
    assert!(other.is_empty() || rows.last().unwrap().is_other, "{case}");
}
