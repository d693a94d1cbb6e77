//! Helm values that the releases of a chart set.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::world::{Row, numbers, versions};

const DOCUMENT: &str = "query Values($by: ChartBy!, $prefix: String! = \"\", $first: Int! = 500) {
    valuesKeys(by: $by, prefix: $prefix, first: $first) { majorVersion releaseCount repositoryCount
    keys { key releaseCount repositoryCount share } } }";

fn ask(variables: Value) -> Vec<Value> {
    versions().ask(DOCUMENT, variables)["valuesKeys"].as_array().unwrap().clone()
}

fn repositories(rows: &[&Row]) -> usize {
    rows.iter().map(|row| row.repository).collect::<BTreeSet<_>>().len()
}

#[test]
fn keys_are_counted_by_the_major_version_that_releases_install() {
    for prefix in ["", "ingress."] {
        let mut majors: BTreeMap<Option<u64>, Vec<&Row>> = BTreeMap::new();
        for row in versions().at(i64::MAX, |row| row.name == "app") {
            majors.entry(numbers(row.version).map(|version| version[0])).or_default().push(row);
        }
        let told = ask(json!({ "by": { "name": "app" }, "prefix": prefix }));
        assert!(majors.len() > 1 && told.len() == majors.len());
        for (told, (major, rows)) in told.iter().zip(majors.iter().rev()) {
            assert_eq!(told["majorVersion"], json!(major));
            assert_eq!(told["releaseCount"], rows.len());
            assert_eq!(told["repositoryCount"], repositories(rows));
            let keys: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys.clone()).collect();
            let mut expected: Vec<(usize, usize, &str)> = keys
                .into_iter()
                .filter(|key| key.starts_with(prefix))
                .map(|key| {
                    let with: Vec<&Row> = rows.iter().copied().filter(|row| row.keys.contains(&key)).collect();
                    (with.len(), repositories(&with), key)
                })
                .collect();
            expected.sort_by(|one, two| (two.0, two.1).cmp(&(one.0, one.1)).then(one.2.cmp(two.2)));
            let expected: Vec<Value> = expected
                .into_iter()
                .map(|(releases, repositories, key)| {
                    let share = releases as f64 / rows.len() as f64;
                    json!({ "key": key, "releaseCount": releases, "repositoryCount": repositories, "share": share })
                })
                .collect();
            assert_eq!(told["keys"], json!(expected));
        }
    }
}

#[test]
fn the_first_keys_of_each_major_version_are_told() {
    let all = ask(json!({ "by": { "chart": "ghcr.io/example/app" } }));
    let few = ask(json!({ "by": { "chart": "ghcr.io/example/app" }, "first": 2 }));
    assert!(!all.is_empty() && all.len() == few.len());
    for (all, few) in all.iter().zip(few) {
        let keys = |told: &Value| told["keys"].as_array().unwrap().clone();
        assert_eq!(keys(&few), keys(all).into_iter().take(2).collect::<Vec<_>>());
    }
}
