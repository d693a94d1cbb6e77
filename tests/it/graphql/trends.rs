//! `eventTrend` against an independent computation: plain Rust over the full list of events, with time zones of chrono-tz.

mod language;
mod model;
mod reference;
pub mod rows;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::{Event, all_events, ask, ask_with, respond_through, world};
use reference::{Row, check, trend};

const BUCKETS: [&str; 6] = ["HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];
const GROUPS: [&[&str]; 7] = [
    &[],
    &["TYPE"],
    &["KIND"],
    &["REPOSITORY"],
    &["NAMESPACE"],
    &["TYPE", "KIND"],
    &["NAMESPACE", "REPOSITORY", "TYPE"],
];

/// All of it, but for narrow buckets: the months and the weeks with clock changes.
fn range(bucket: &str) -> Value {
    match bucket {
        "HOUR" => json!({ "from": "2024-10-04", "to": "2024-10-29" }),
        "DAY" => json!({ "from": "2024-03-15", "to": "2024-11-15" }),
        _ => Value::Null,
    }
}

#[test]
fn every_bucket_and_group() {
    for bucket in BUCKETS {
        for groups in GROUPS {
            check(json!({ "bucket": bucket, "groupBy": groups, "range": range(bucket), "top": 1000 }));
        }
    }
}

#[test]
fn the_whole_range_without_buckets() {
    for groups in GROUPS {
        check(json!({ "groupBy": groups, "top": 1000 }));
    }
}

#[test]
fn every_time_zone_has_its_own_buckets() {
    // Whole hours with a clock change, halves of an hour, a day without midnight, clocks that change by half an hour, and
    // both ends of the date line.
    for zone in [
        "Europe/Berlin",
        "Asia/Kolkata",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Asia/Kathmandu",
    ] {
        for bucket in BUCKETS {
            check(json!({ "bucket": bucket, "timeZone": zone, "groupBy": ["TYPE"], "range": range(bucket) }));
        }
    }
}

#[test]
fn days_of_clock_changes_have_their_own_length() {
    let hours = |day: &str, next: &str| {
        let from = format!("{day}T12:00:00Z");
        let to = format!("{next}T12:00:00Z");
        let answer =
            trend(json!({ "bucket": "DAY", "timeZone": "Europe/Berlin", "range": { "from": from, "to": to } }));
        let times: Vec<i64> = answer.rows.iter().map(|row| row.time_ms.unwrap()).collect();
        (times[1] - times[0]) / 3_600_000
    };
    assert_eq!(hours("2024-03-31", "2024-04-01"), 23);
    assert_eq!(hours("2024-10-27", "2024-10-28"), 25);
    assert_eq!(hours("2024-05-01", "2024-05-02"), 24);
}

#[test]
fn a_range_is_half_open_and_its_edges_cut_buckets() {
    // The newest and the oldest event are at these very instants.
    let (newest, oldest) = (all_events()[0].time, all_events()[all_events().len() - 1].time);
    for range in [
        json!({ "from": oldest, "to": newest }),
        json!({ "from": "2023-02-15T10:00:00Z", "to": "2024-03-31T01:00:00Z" }),
        json!({ "from": "2024-01-01" }),
        json!({ "to": "2024-01-01" }),
        json!({ "from": "2010-01-01", "to": "2026-01-01" }),
    ] {
        for bucket in ["MONTH", "WEEK"] {
            check(json!({ "bucket": bucket, "groupBy": ["KIND"], "range": range, "top": 1000 }));
        }
    }
    let answer = trend(json!({ "range": { "from": oldest, "to": newest } }));
    let expected = all_events().iter().filter(|event| event.time < newest).count();
    assert_eq!(answer.rows[0].value, expected as f64);
}

#[test]
fn an_open_range_reaches_from_the_first_to_the_last_event() {
    let answer = trend(json!({ "filter": { "kind": { "eq": "Secret" } } }));
    let (from, to) = (answer.range.from.to_rfc3339(), answer.range.to.to_rfc3339());
    assert_eq!([from.as_str(), to.as_str()], ["2024-11-01T12:00:00+00:00", "2024-11-06T12:00:01+00:00"]);
}

#[test]
fn filters_apply_as_on_events() {
    for filter in [
        json!({ "kind": { "eq": "HelmRelease" } }),
        json!({ "type": { "in": ["CREATED", "DELETED"] }, "isBot": false }),
        json!({ "path": { "startsWith": "apps/" }, "moved": true }),
        json!({ "time": { "gte": "2023-03-01", "lt": "2024-04-01" } }),
        json!({ "repository": { "eq": all_events()[0].repository.id } }),
    ] {
        check(json!({ "bucket": "QUARTER", "groupBy": ["NAMESPACE"], "filter": filter }));
    }
}

#[test]
fn the_largest_groups_are_named_and_the_rest_is_other() {
    for top in [1, 2, 3, 5] {
        let arguments = |groups: Value| json!({ "bucket": "MONTH", "groupBy": groups, "top": top });
        for groups in [json!(["KIND"]), json!(["NAMESPACE"]), json!(["TYPE", "KIND"])] {
            check(arguments(groups));
        }
    }
    let groups = trend(json!({ "groupBy": ["KIND"], "top": 1000 })).rows.len();
    for (top, truncated) in [(groups - 1, true), (groups, false), (groups + 1, false)] {
        let answer = trend(json!({ "groupBy": ["KIND"], "top": top }));
        assert_eq!(answer.truncated, truncated, "top {top} of {groups}");
        assert_eq!(answer.rows.iter().any(|row| row.is_other), truncated);
        assert_eq!(answer.rows.len(), groups, "one row that is other stands for one group");
    }
}

#[test]
fn rows_sum_to_the_events_of_the_same_filter() {
    for filter in [json!({}), json!({ "kind": { "ne": "ConfigMap" } }), json!({ "isBot": true })] {
        let document = "query Total($filter: ResourceEventFilter) { events(filter: $filter) { totalCount } }";
        let total = ask_with(document, json!({ "filter": filter }))["events"]["totalCount"].as_f64().unwrap();
        for bucket in ["WEEK", "YEAR"] {
            for groups in GROUPS {
                let answer = trend(json!({ "bucket": bucket, "groupBy": groups, "filter": filter, "top": 2 }));
                assert_eq!(answer.rows.iter().map(|row| row.value).sum::<f64>(), total, "{bucket} {groups:?} {filter}");
            }
        }
    }
}

#[test]
fn rows_name_their_groups() {
    let kind = |group: &str, kind: &str| if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    let answer = trend(json!({ "groupBy": ["KIND", "REPOSITORY"], "top": 1000 }));
    let value = |row: &Row, index: usize| (row.dimensions[index].name.clone(), row.dimensions[index].value.clone());
    for row in &answer.rows {
        let (kind_name, repository_name) = (value(row, 0), value(row, 1));
        assert_eq!([kind_name.0.as_str(), repository_name.0.as_str()], ["KIND", "REPOSITORY"]);
        assert_eq!(row.series, format!("{} / {}", kind_name.1, repository_name.1));
        assert_eq!(row.measure, "count");
        let of_row = |event: &&Event| {
            kind(&event.group, &event.kind) == kind_name.1 && event.repository.full_name == repository_name.1
        };
        assert_eq!(all_events().iter().filter(of_row).count() as f64, row.value, "{}", row.series);
    }
    // Two kinds of the same name are told apart by their groups.
    let kustomizations = answer.rows.iter().filter(|row| row.series.starts_with("Kustomization."));
    assert_eq!(kustomizations.count(), 2);
}

#[test]
fn nothing_counted_is_no_rows() {
    let nothing = json!({ "kind": { "eq": "Nothing" } });
    let answer = trend(json!({ "bucket": "MONTH", "filter": nothing }));
    assert!(answer.rows.is_empty() && !answer.truncated);
    // The ends that are given are told, and what was not given is now.
    let until_now =
        "{ eventTrend(bucket: YEAR, filter: { kind: { eq: \"Nothing\" } }, range: { from: \"2024-01-01\" }) {
        range { from } rows { value } } }";
    let answer = &respond_through(&world().reader, until_now, json!({}))["data"]["eventTrend"];
    assert_eq!(answer["range"]["from"], "2024-01-01T00:00:00Z");
    let rows = answer["rows"].as_array().unwrap();
    assert!(rows.len() > 2 && rows.iter().all(|row| row["value"] == 0.0));
    let answer = trend(json!({ "bucket": "YEAR", "filter": nothing, "range": { "to": "2001-01-01" } }));
    assert_eq!(answer.range.to.to_rfc3339(), "2001-01-01T00:00:00+00:00");
    assert!(answer.rows.is_empty());
    // An empty range has no bucket.
    let answer = trend(json!({ "bucket": "MONTH", "range": { "from": "2024-01-01", "to": "2024-01-01" } }));
    assert!(answer.rows.is_empty());
}

#[test]
fn a_range_in_which_nothing_happened_is_filled_with_zeros() {
    let answer = trend(json!({ "bucket": "MONTH", "range": { "from": "2020-01-01", "to": "2020-04-01" } }));
    let rows: Vec<(&str, f64)> = answer.rows.iter().map(|row| (row.series.as_str(), row.value)).collect();
    assert_eq!(rows, [("all", 0.0); 3]);
    // Groups are what was found, so here are none.
    let answer =
        trend(json!({ "bucket": "MONTH", "groupBy": ["KIND"], "range": { "from": "2020-01-01", "to": "2020-04-01" } }));
    assert!(answer.rows.is_empty());
}

/// Values, and what they are compared to, by the day.
fn compared(arguments: &str) -> Vec<(String, f64, Option<f64>)> {
    let rows = ask(&format!("{{ eventTrend({arguments}) {{ rows {{ time value previous }} }} }}"));
    let rows = rows["eventTrend"]["rows"].as_array().unwrap().clone();
    let day = |row: &Value| row["time"].as_str().unwrap()[..10].to_owned();
    rows.iter().map(|row| (day(row), row["value"].as_f64().unwrap(), row["previous"].as_f64())).collect()
}

#[test]
fn a_day_is_compared_to_the_same_day_of_the_year_before() {
    let days =
        compared("bucket: DAY, range: {from: \"2024-01-01\", to: \"2025-01-01\"}, compareTo: {period: PREVIOUS_YEAR}");
    let before = compared("bucket: DAY, range: {from: \"2023-01-01\", to: \"2024-01-01\"}");
    assert_eq!((days.len(), before.len()), (366, 365));
    for (day, _, previous) in days {
        let expected = before.iter().find(|(other, ..)| other[5..] == day[5..]).map(|(_, value, _)| *value);
        assert_eq!(previous, expected, "{day}");
    }
}

#[test]
fn a_week_is_compared_to_a_whole_one() {
    let weeks =
        compared("bucket: WEEK, range: {from: \"2024-02-05\", to: \"2024-02-19\"}, compareTo: {period: PREVIOUS_YEAR}");
    let before = compared("bucket: WEEK, range: {from: \"2023-02-06\", to: \"2023-02-20\"}");
    let previous: Vec<Option<f64>> = weeks.iter().map(|(_, _, previous)| *previous).collect();
    assert_eq!(previous, before.iter().map(|(_, value, _)| Some(*value)).collect::<Vec<_>>());
}

#[test]
fn the_future_of_what_lasts_is_not_known() {
    let rows =
        ask("{ resourceTrend(bucket: MONTH, range: {from: \"2130-01-01\", to: \"2130-03-01\"}) { rows { value } } }");
    assert_eq!(rows["resourceTrend"]["rows"], json!([]));
}

#[test]
fn having_asks_for_what_lasts_in_an_average_bucket() {
    let names = |arguments: &str| {
        let rows = ask(&format!("{{ resourceTrend(groupBy: [KIND], {arguments}) {{ rows {{ series }} }} }}"));
        let rows = rows["resourceTrend"]["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["series"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    // Nothing changes any more in these years: however many buckets there are, as many resources last in each.
    let quiet = "having: [{gt: 2}], range: {from: \"2025-06-01\", to: \"2026-06-01\"}";
    assert!(!names(quiet).is_empty());
    assert_eq!(names(&format!("bucket: MONTH, {quiet}")), names(quiet));
}
