//! How long repositories take to follow a version.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Value, json};

use super::world::{DAY, Row, numbers, repository_name, versions};

const DOCUMENT: &str = "query Lag($by: ChartBy!, $range: TimeRange) { upgradeLag(by: $by, range: $range, first: 500) { versionCount
    all { ...Lag } versions { version firstSeenAt firstSeenIn { fullName } lag { ...Lag } } } }
    fragment Lag on Lag { repositoryCount arrivedCount behindCount medianDays p90Days shareWithin7Days shareWithin30Days shareWithin90Days }";

type Version = [u64; 3];

/// The newest exact version of each repository right after a time.
fn newest(time: i64, is_picked: impl Fn(&Row) -> bool) -> BTreeMap<usize, Version> {
    let mut newest: BTreeMap<usize, Version> = BTreeMap::new();
    for row in versions().at(time, is_picked) {
        if let Some(version) = numbers(row.version) {
            let known = newest.entry(row.repository).or_insert(version);
            *known = version.max(*known);
        }
    }
    newest
}

/// What became of the repositories that were behind: days until they arrived, and how many are still behind, and how many there are.
#[derive(Clone, Default)]
struct Outcomes {
    days: Vec<f64>,
    behind: usize,
    count: usize,
}

impl Outcomes {
    fn told(mut self) -> Value {
        self.days.sort_by(f64::total_cmp);
        // The least number of days within which this part of them arrived.
        let within = |part: f64| {
            let arrived = |days: f64| self.days.iter().filter(|other| **other <= days).count() as f64;
            self.days.iter().find(|days| arrived(**days) >= part * self.days.len() as f64 - 1e-9)
        };
        let share = |days: f64| match self.count {
            0 => None,
            count => Some(self.days.iter().filter(|other| **other <= days).count() as f64 / count as f64),
        };
        json!({
            "repositoryCount": self.count, "arrivedCount": self.days.len(), "behindCount": self.behind,
            "medianDays": within(0.5), "p90Days": within(0.9),
            "shareWithin7Days": share(7.0), "shareWithin30Days": share(30.0), "shareWithin90Days": share(90.0),
        })
    }
}

/// Follows every version from the moment it appears, moment by moment.
fn expected(is_picked: impl Fn(&Row) -> bool + Copy, from: i64, to: i64) -> (Outcomes, Vec<(i64, Version, Value)>) {
    let times = versions().times();
    let states: Vec<BTreeMap<usize, Version>> = times.iter().map(|time| newest(*time, is_picked)).collect();
    let mut seen: BTreeSet<Version> = BTreeSet::new();
    let (mut all, mut told) = (Outcomes::default(), Vec::new());
    for (place, time) in times.iter().enumerate() {
        let rows = versions().at(*time, is_picked);
        let here: BTreeSet<Version> = rows.iter().filter_map(|row| numbers(row.version)).collect();
        for version in here {
            if !seen.insert(version) || *time < from || *time >= to {
                continue;
            }
            let mut outcomes = Outcomes::default();
            for (repository, _) in states[place].iter().filter(|(_, installed)| **installed < version) {
                outcomes.count += 1;
                let arrives = |state: &BTreeMap<usize, Version>| state.get(repository) >= Some(&version);
                match (place + 1..times.len()).find(|later| arrives(&states[*later])) {
                    Some(later) => outcomes.days.push((times[later] - time) as f64 / DAY as f64),
                    None => outcomes.behind += usize::from(states[times.len() - 1].contains_key(repository)),
                }
            }
            all.days.extend(&outcomes.days);
            all.behind += outcomes.behind;
            all.count += outcomes.count;
            told.push((*time, version, outcomes.told()));
        }
    }
    told.sort_by_key(|(time, version, _)| Reverse((*time, *version)));
    (all, told)
}

fn check(by: Value, is_picked: impl Fn(&Row) -> bool + Copy, range: Option<(&str, &str)>) {
    let seconds = |date: &str| DateTime::parse_from_rfc3339(&format!("{date}T00:00:00Z")).unwrap().timestamp();
    let (from, to) = range.map_or((i64::MIN, i64::MAX), |(from, to)| (seconds(from), seconds(to)));
    let (all, expected) = expected(is_picked, from, to);
    let range = range.map(|(from, to)| json!({ "from": from, "to": to }));
    let answer = versions().ask(DOCUMENT, json!({ "by": by, "range": range }))["upgradeLag"].take();
    assert!(all.behind > 0 && all.days.len() > 3 && all.count > all.behind + all.days.len(), "too little to tell");
    assert_eq!(answer["all"], all.told(), "{by}");
    assert_eq!(answer["versionCount"], expected.len());
    let told = answer["versions"].as_array().unwrap();
    assert_eq!(told.len(), expected.len());
    for (told, (time, version, lag)) in told.iter().zip(expected) {
        let seen = told["firstSeenAt"].as_str().unwrap().parse::<DateTime<chrono::Utc>>().unwrap().timestamp();
        assert_eq!((seen, numbers(told["version"].as_str().unwrap()).unwrap()), (time, version));
        assert_eq!(told["lag"], lag, "{by} {version:?}");
        let here = versions().at(time, |row| is_picked(row) && row.version == told["version"]);
        let mut names = here.iter().map(|row| repository_name(row.repository));
        assert!(names.any(|name| told["firstSeenIn"]["fullName"] == *name), "{told}");
    }
}

#[test]
fn repositories_follow_versions_as_their_releases_do() {
    check(json!({ "name": "app" }), |row| row.name == "app", None);
    check(json!({ "name": "app" }), |row| row.name == "app", Some(("2024-02-01", "2024-09-01")));
    check(json!({ "chart": "charts.example/stable/app" }), |row| row.identity == "charts.example/stable/app", None);
}

#[test]
fn nobody_follows_a_chart_that_is_not_there() {
    let answer = versions().ask(DOCUMENT, json!({ "by": { "name": "nothing" } }));
    let nothing = json!({ "versionCount": 0, "all": Outcomes::default().told(), "versions": [] });
    assert_eq!(answer["upgradeLag"], nothing);
}
