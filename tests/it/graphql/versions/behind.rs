//! Who is behind the newest version.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::world::{numbers, repository_name, versions};

const DOCUMENT: &str =
    "query Behind($by: ChartBy!, $least: Int! = 0) { chartsBehind(by: $by, minBehind: $least, first: 500) {
    repository { fullName } version newestVersion versionsBehind majorUpgrades minorUpgrades patchUpgrades } }";

#[test]
fn repositories_are_behind_what_was_seen_anywhere() {
    let mut seen: BTreeSet<[u64; 3]> = BTreeSet::new();
    for time in versions().times() {
        seen.extend(versions().at(time, |row| row.name == "app").iter().filter_map(|row| numbers(row.version)));
    }
    let mut own: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for row in versions().at(i64::MAX, |row| row.name == "app") {
        if let Some(version) = numbers(row.version) {
            let known = own.entry(repository_name(row.repository)).or_insert(version);
            *known = version.max(*known);
        }
    }
    let answer = versions().ask(DOCUMENT, json!({ "by": { "name": "app" } }))["chartsBehind"].take();
    let rows = answer.as_array().unwrap();
    let told: Vec<(&str, [u64; 3])> = rows.iter().map(name_and_version).collect();
    assert_eq!(
        told.iter().copied().collect::<BTreeMap<_, _>>(),
        own.iter().map(|(name, v)| (name.as_str(), *v)).collect()
    );
    assert!(rows.len() > 3);
    for (row, (_, version)) in rows.iter().zip(&told) {
        let newer: Vec<&[u64; 3]> = seen.iter().filter(|other| *other > version).collect();
        let count = |is_it: &dyn Fn(&[u64; 3]) -> bool| newer.iter().filter(|other| is_it(other)).count();
        let expected = [
            newer.len(),
            count(&|other| other[0] != version[0]),
            count(&|other| other[0] == version[0] && other[1] != version[1]),
            count(&|other| other[..2] == version[..2]),
        ];
        let fields = ["versionsBehind", "majorUpgrades", "minorUpgrades", "patchUpgrades"];
        assert_eq!(fields.map(|field| row[field].as_u64().unwrap() as usize), expected, "{row}");
        assert_eq!(numbers(row["newestVersion"].as_str().unwrap()), seen.last().copied());
    }
    let counts = |answer: &Value| -> Vec<u64> {
        answer.as_array().unwrap().iter().map(|row| row["versionsBehind"].as_u64().unwrap()).collect()
    };
    let all = counts(&answer);
    assert!(all.is_sorted_by(|one, two| one >= two) && all[0] > *all.last().unwrap(), "{all:?}");
    let least = all[all.len() / 2];
    let fewer = versions().ask(DOCUMENT, json!({ "by": { "name": "app" }, "least": least }));
    assert_eq!(counts(&fewer["chartsBehind"]), all.into_iter().filter(|count| *count >= least).collect::<Vec<_>>());
}

fn name_and_version(row: &Value) -> (&str, [u64; 3]) {
    (row["repository"]["fullName"].as_str().unwrap(), numbers(row["version"].as_str().unwrap()).unwrap())
}
