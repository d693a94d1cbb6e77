//! Charts that are installed together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::world::{Row, versions};

const DOCUMENT: &str =
    "query Together($by: ChartBy!, $with: ChartBy, $order: TogetherOrder! = LIFT, $least: Int! = 1) {
    installedTogether(by: $by, with: $with, orderBy: $order, minRepositories: $least, first: 500) {
    chart togetherCount share repositoryCount lift } }";

fn ask(variables: Value) -> Vec<Value> {
    versions().ask(DOCUMENT, variables)["installedTogether"].as_array().unwrap().clone()
}

fn repositories(is_picked: impl Fn(&Row) -> bool) -> BTreeSet<usize> {
    versions().at(i64::MAX, is_picked).iter().map(|row| row.repository).collect()
}

/// What is told of each other chart.
fn expected(is_asked: impl Fn(&Row) -> bool, key: impl Fn(&Row) -> &'static str) -> BTreeMap<&'static str, Value> {
    let (all, asked) = (repositories(|_| true), repositories(&is_asked));
    let others: BTreeSet<&str> =
        versions().at(i64::MAX, |row| !is_asked(row) && !key(row).is_empty()).iter().map(|row| key(row)).collect();
    let told = others.into_iter().map(|other| {
        let those = repositories(|row| key(row) == other && !is_asked(row));
        let both = those.intersection(&asked).count();
        let share = both as f64 / asked.len() as f64;
        let lift = share / (those.len() as f64 / all.len() as f64);
        let told = json!({
            "chart": other, "togetherCount": both, "share": share, "repositoryCount": those.len(), "lift": lift,
        });
        (other, told)
    });
    told.collect()
}

#[test]
fn what_is_installed_beside_a_chart_is_counted() {
    let together = |told: &Value| told["togetherCount"].as_u64().unwrap();
    let by_name = expected(|row| row.name == "app", |row| row.name);
    let told = ask(json!({ "by": { "name": "app" } }));
    assert!(told.len() > 2 && told.iter().any(|row| row["lift"] != told[0]["lift"]), "{told:?}");
    let of_both: Vec<&Value> = by_name.values().filter(|row| together(row) > 0).collect();
    let mut sorted = told.clone();
    sorted.sort_by_key(|row| row["chart"].as_str().unwrap().to_owned());
    assert_eq!(sorted.iter().collect::<Vec<_>>(), of_both);
    let lifts: Vec<f64> = told.iter().map(|row| row["lift"].as_f64().unwrap()).collect();
    assert!(lifts.is_sorted_by(|one, two| one >= two), "{lifts:?}");
    let by_count = ask(json!({ "by": { "name": "app" }, "order": "COUNT", "least": 2 }));
    let counts: Vec<u64> = by_count.iter().map(together).collect();
    assert!(counts.is_sorted_by(|one, two| one >= two), "{counts:?}");
    assert_eq!(counts.len(), of_both.iter().filter(|row| together(row) >= 2).count());
}

#[test]
fn charts_of_one_name_are_apart_by_their_identities() {
    let stable = "charts.example/stable/app";
    let by_identity = expected(|row| row.identity == stable, |row| row.identity);
    let told = ask(json!({ "by": { "chart": stable } }));
    assert!(!told.is_empty());
    for row in told {
        assert_eq!(row, by_identity[row["chart"].as_str().unwrap()]);
    }
    // A pair is told of, however few install both.
    for other in by_identity.keys() {
        let pair = ask(json!({ "by": { "chart": stable }, "with": { "chart": other }, "least": 100 }));
        assert_eq!(pair, [by_identity[other].clone()]);
    }
    let by_name = expected(|row| row.identity == stable, |row| row.name);
    let pair = ask(json!({ "by": { "chart": stable }, "with": { "name": "proxy" } }));
    assert_eq!(pair, [by_name["proxy"].clone()]);
    assert_eq!(ask(json!({ "by": { "chart": stable }, "with": { "name": "nothing" } })), Vec::<Value>::new());
}
