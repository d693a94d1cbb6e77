//! The answers about all repositories together, against counts in plain Rust over the stored rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::support::{all_events, ask, ask_with, world};
use super::trends::rows::{DATASETS, Row, Stored};

/// The rows of a dataset, by its field; of releases and resources those that are nobody else's.
fn rows(field: &str) -> Vec<Row> {
    Stored::of(world()).rows(DATASETS.iter().find(|dataset| dataset.field == field).unwrap()).to_vec()
}

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp()
}

fn alive(rows: &[Row], end: i64) -> Vec<&Row> {
    rows.iter().filter(|row| row.begins < end && row.ends >= end).collect()
}

fn different(rows: &[&Row], field: &str) -> usize {
    rows.iter().map(|row| &row.fields[field]).collect::<BTreeSet<_>>().len()
}

#[test]
fn the_history_of_everything_is_that_of_its_rows() {
    let document = "query History($range: TimeRange!) { ecosystem { history(bucket: MONTH, range: $range, timeZone: \"Europe/Berlin\") {
        repositoryCount repositoryWithResourcesCount activeRepositoryCount resourceCount resourceGrowth kindCount chartCount
        createdCount modifiedCount deletedCount stars watchers } } }";
    let range = json!({ "from": "2022-12-31T23:00:00Z", "to": "2024-12-01" });
    let data = ask_with(document, json!({ "range": range }));
    let history = data["ecosystem"]["history"].as_array().unwrap();
    assert_eq!(history.len(), 24);
    let (resources, charts, metrics) = (rows("resourceTrend"), rows("chartTrend"), rows("repositoryMetricsTrend"));
    let mut before = alive(&resources, seconds(&json!("2022-12-31T23:00:00Z"))).len();
    let mut end = seconds(&json!("2022-12-31T23:00:00Z"));
    for (month, totals) in history.iter().enumerate() {
        let start = end;
        end = match month {
            23 => seconds(&json!("2024-12-01T00:00:00Z")),
            _ => berlin(2023 + (month as i32 + 1) / 12, (month as u32 + 1) % 12 + 1),
        };
        let here = alive(&resources, end);
        let count = |event_type: &str| {
            let within = |time: i64| time >= start && time < end;
            all_events().iter().filter(|event| event.event_type == event_type && within(event.time.timestamp())).count()
        };
        let sum = |number: &str| alive(&metrics, end).iter().filter_map(|row| row.numbers.get(number)).sum::<f64>();
        let active = all_events().iter().filter(|event| (start..end).contains(&event.time.timestamp()));
        let expected = json!({
            "repositoryWithResourcesCount": different(&here, "repository"),
            "activeRepositoryCount": active.map(|event| &event.repository.id).collect::<BTreeSet<_>>().len(),
            "resourceCount": here.len(),
            "resourceGrowth": here.len() as i64 - before as i64,
            "kindCount": different(&here, "fullKind"),
            "chartCount": different(&alive(&charts, end), "chartAndName"),
            "createdCount": count("CREATED"),
            "modifiedCount": count("MODIFIED"),
            "deletedCount": count("DELETED"),
            "stars": sum("stars") as i64,
            "watchers": sum("watchers") as i64,
        });
        let mut totals = totals.clone();
        let known = totals.as_object_mut().unwrap().remove("repositoryCount").unwrap();
        assert!(known.as_u64() >= totals["repositoryWithResourcesCount"].as_u64(), "month {month}: {known}");
        assert_eq!(totals, expected, "month {month}");
        before = here.len();
    }
}

fn berlin(year: i32, month: u32) -> i64 {
    use chrono::TimeZone;
    chrono_tz::Europe::Berlin.with_ymd_and_hms(year, month, 1, 0, 0, 0).unwrap().timestamp()
}

#[test]
fn what_is_indexed_is_counted() {
    let coverage = ask("{ coverage { repositoryCount scannedRepositoryCount commitCount resourceCount eventCount firstEventAt lastEventAt
        scanFailureCount failedRepositoryCount } }")["coverage"]
        .take();
    let data = ask(
        "{ repositories(first: 500) { totalCount nodes { scanStatus } } resources { totalCount } scanFailures { totalCount } }",
    );
    let (newest, oldest) = (&all_events()[0], &all_events()[all_events().len() - 1]);
    let statuses = data["repositories"]["nodes"].as_array().unwrap();
    let with = |status: &str| statuses.iter().filter(|node| node["scanStatus"] == status).count();
    assert_eq!(coverage["repositoryCount"], data["repositories"]["totalCount"]);
    assert_eq!(coverage["scannedRepositoryCount"], with("SUCCEEDED"));
    assert_eq!(coverage["failedRepositoryCount"], with("FAILED"));
    assert_eq!(coverage["resourceCount"], data["resources"]["totalCount"]);
    assert_eq!(coverage["scanFailureCount"], data["scanFailures"]["totalCount"]);
    assert_eq!(coverage["eventCount"], all_events().len());
    assert_eq!(seconds(&coverage["firstEventAt"]), oldest.time.timestamp());
    assert_eq!(seconds(&coverage["lastEventAt"]), newest.time.timestamp());
    assert!(coverage["commitCount"].as_u64().unwrap() > 10);
}

#[test]
fn charts_that_move_are_those_whose_repositories_differ() {
    let range = json!({ "from": "2023-02-01", "to": "2025-01-01" });
    let document = "query Movers($range: TimeRange!) { chartMovers(range: $range, minRepositories: 1, first: 500) {
        name repositoriesBefore repositoriesAfter delta relativeDelta shareBefore shareAfter significance isSignificant } }";
    let movers = ask_with(document, json!({ "range": range }))["chartMovers"].take();
    let charts = rows("chartTrend");
    let at = |end: &str| {
        let mut repositories: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in alive(&charts, seconds(&json!(end))) {
            repositories.entry(row.fields["name"].clone()).or_default().insert(row.fields["repository"].clone());
        }
        repositories
    };
    let (before, after) = (at("2023-02-01T00:00:00Z"), at("2025-01-01T00:00:00Z"));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let count = |charts: &BTreeMap<String, BTreeSet<String>>, name: &str| charts.get(name).map_or(0, BTreeSet::len);
    let expected: BTreeMap<&str, (usize, usize)> = names
        .into_iter()
        .map(|name| (name.as_str(), (count(&before, name), count(&after, name))))
        .filter(|(_, (before, after))| before != after)
        .collect();
    let told: BTreeMap<&str, (usize, usize)> = movers
        .as_array()
        .unwrap()
        .iter()
        .map(|mover| {
            let number = |name: &str| mover[name].as_u64().unwrap() as usize;
            (mover["name"].as_str().unwrap(), (number("repositoriesBefore"), number("repositoriesAfter")))
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(told, expected);
    let sizes: Vec<f64> =
        movers.as_array().unwrap().iter().map(|mover| mover["significance"].as_f64().unwrap().abs()).collect();
    assert!(sizes.is_sorted_by(|one, two| one >= two), "{sizes:?}");
}

#[test]
fn what_changes_most_is_counted_by_its_modifications() {
    let data = ask("{ mostChangedResources(first: 500) { resource { id } modifiedCount byBotsCount lastChangedAt } }");
    let changed = data["mostChangedResources"].as_array().unwrap();
    let mut expected: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for event in all_events().iter().filter(|event| event.event_type == "MODIFIED") {
        let counts = expected.entry(&event.resource.id).or_default();
        *counts = (counts.0 + 1, counts.1 + u64::from(event.commit.actor.is_bot));
    }
    assert_eq!(changed.len(), expected.len());
    for row in changed {
        let told = (row["modifiedCount"].as_u64().unwrap(), row["byBotsCount"].as_u64().unwrap());
        assert_eq!(told, expected[row["resource"]["id"].as_str().unwrap()]);
    }
    let counts: Vec<u64> = changed.iter().map(|row| row["modifiedCount"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|one, two| one >= two), "{counts:?}");
}

#[test]
fn whoever_rests_is_told_since_when() {
    let told = |idle: &str| {
        let document = "query Idle($idle: Duration!) { inactiveRepositories(idle: $idle) { repository { fullName } lastEventAt } }";
        ask_with(document, json!({ "idle": idle }))["inactiveRepositories"].as_array().unwrap().clone()
    };
    let resting = told("P180D");
    for row in &resting {
        let events = all_events().iter().filter(|event| row["repository"]["fullName"] == *event.repository.full_name);
        assert_eq!(seconds(&row["lastEventAt"]), events.map(|event| event.time.timestamp()).max().unwrap());
    }
    let times: Vec<i64> = resting.iter().map(|row| seconds(&row["lastEventAt"])).collect();
    assert!(times.len() > 1 && times.is_sorted(), "{times:?}");
    assert!(told("P36500D").is_empty());
}

#[test]
fn the_future_is_not_told_and_now_has_grown() {
    let data = ask("{ ecosystem { now { resourceCount resourceGrowth repositoryCount }
        history(bucket: YEAR, range: { from: \"2130-01-01\", to: \"2133-01-01\" }) { resourceCount } } }");
    assert_eq!(data["ecosystem"]["history"], json!([]));
    // Nothing was created for longer than 30 days.
    assert_eq!(data["ecosystem"]["now"]["resourceGrowth"], 0);
    assert!(data["ecosystem"]["now"]["repositoryCount"].as_u64() >= Some(5));
}
