//! The aggregation language against a second one in plain Rust: random questions about every dataset, over the stored rows as they are.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};

use super::model::{Asked, answer};
use super::rows::{DATASETS, Dataset, Row, Stored};
use crate::golden;
use crate::graphql::support::{World, ask_with, world};
use crate::support::chance::Chance;

const ZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"];
const BUCKETS: [&str; 6] = ["HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];
const DAY: i64 = 24 * 3_600;
/// Days on which clocks change, in one zone or another.
const CLOCK_CHANGES: [i64; 4] = [1_696_032_000, 1_698_451_200, 1_711_843_200, 1_712_361_600];

/// One value of many.
fn one<'a, T>(chance: &mut Chance, of: &'a [T]) -> &'a T {
    &of[chance.below(of.len())]
}

fn perhaps(chance: &mut Chance) -> bool {
    chance.below(2) == 0
}

fn rfc3339(seconds: i64) -> Value {
    json!(DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339())
}

/// A range in which something happened; by the hour it is short, and may be one in which clocks change.
fn range(chance: &mut Chance, rows: &[Row], bucket: Option<&str>) -> Value {
    let near = one(chance, rows).begins;
    let (near, days) = match bucket {
        Some("HOUR") if perhaps(chance) => (*one(chance, &CLOCK_CHANGES), 12),
        Some("HOUR") => (near, 12),
        _ => (near, 750),
    };
    let seconds = |chance: &mut Chance| chance.below(days * DAY as usize / 600) as i64 * 600;
    let from = near - near.rem_euclid(600) - seconds(chance);
    json!({ "from": rfc3339(from), "to": rfc3339(from + 600 + seconds(chance)) })
}

/// A filter by what some row has.
fn filter(chance: &mut Chance, dataset: &Dataset, rows: &[Row], depth: usize) -> Value {
    match chance.below(if depth == 0 { 5 } else { 8 }) {
        5 => json!({ "not": filter(chance, dataset, rows, depth - 1) }),
        6 => json!({ "and": [filter(chance, dataset, rows, depth - 1), filter(chance, dataset, rows, depth - 1)] }),
        7 => json!({ "or": [filter(chance, dataset, rows, depth - 1), filter(chance, dataset, rows, depth - 1)] }),
        _ => {
            let field = *one(chance, dataset.filters);
            let value = one(chance, rows).fields[field].clone();
            let other = one(chance, rows).fields[field].clone();
            // A few characters from the middle, and from the beginning.
            let part: String = value.chars().skip(1).take(3).collect();
            let start: String = value.chars().take(2).collect();
            let comparison = match chance.below(6) {
                0 => json!({ "eq": value }),
                1 => json!({ "ne": value }),
                2 => json!({ "in": [value, other] }),
                3 => json!({ "notIn": [value, other] }),
                4 => json!({ "contains": part.to_uppercase() }),
                _ => json!({ "startsWith": start }),
            };
            json!({ field: comparison })
        }
    }
}

/// Arguments of a trend, as JSON.
fn arguments(chance: &mut Chance, dataset: &Dataset, rows: &[Row]) -> Value {
    let mut groups: Vec<&str> = Vec::new();
    for _ in 0..chance.below(3) {
        let group = one(chance, dataset.groups).0;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut measures: Vec<Value> = (0..1 + chance.below(3)).map(|_| measure(chance, dataset)).collect();
    // None is asked for twice.
    measures.sort_by_key(Value::to_string);
    measures.dedup();
    let bucket = (chance.below(6) > 0).then(|| *one(chance, &BUCKETS));
    let mut asked = json!({
        "groupBy": groups,
        "measures": measures,
        "bucket": bucket,
        "timeZone": one(chance, &ZONES),
        "firstDayOfWeek": one(chance, &["MONDAY", "SUNDAY", "SATURDAY"]),
        "top": 1 + chance.below(4),
        "fill": chance.below(4) > 0,
        "range": range(chance, rows, bucket),
    });
    if perhaps(chance) {
        asked["orderBy"] = json!({
            "field": one(chance, &["VALUE", "KEY"]),
            "measure": chance.below(measures.len()),
            "direction": one(chance, &["ASC", "DESC"]),
        });
    }
    if chance.below(4) == 0 {
        asked["having"] = json!([{ "measure": chance.below(measures.len()), "gt": chance.below(4) }]);
    }
    if perhaps(chance) {
        asked["compareTo"] = match chance.below(3) {
            0 => json!({ "range": range(chance, rows, bucket) }),
            1 => json!({ "period": "PREVIOUS" }),
            _ => json!({ "period": "PREVIOUS_YEAR" }),
        };
    }
    if chance.below(3) == 0 && !dataset.lasts {
        asked["cumulative"] = json!(true);
    }
    if chance.below(4) == 0 {
        asked["movingAverage"] = json!(1 + chance.below(4));
    }
    if chance.below(4) == 0 && !dataset.numbers.is_empty() {
        asked["histogram"] = json!({ "of": one(chance, dataset.numbers).0, "width": one(chance, &[1.0, 2.5, 600.0]) });
    }
    if perhaps(chance) {
        asked["filter"] = filter(chance, dataset, rows, 2);
    }
    asked
}

fn measure(chance: &mut Chance, dataset: &Dataset) -> Value {
    if dataset.numbers.is_empty() || perhaps(chance) {
        return json!({ "count": one(chance, dataset.counts).0 });
    }
    let number = one(chance, dataset.numbers).0;
    match *one(chance, &["sum", "avg", "min", "max", "quantile"]) {
        "quantile" => json!({ "quantile": { "of": number, "level": one(chance, &[0.0, 0.25, 0.5, 0.9, 1.0]) } }),
        function => json!({ function: number }),
    }
}

/// Asks once, and holds the answer against the model's.
fn compare(stored: &Stored, dataset: &Dataset, asked: &Value) -> usize {
    let types = dataset.types;
    let histogram =
        if dataset.numbers.is_empty() { ("", "") } else { ("$histogram: HISTOGRAM ", "histogram: $histogram ") };
    let document = format!(
        "query Random($filter: {}, $groupBy: [{types}Dimension!]!, $measures: [{types}Measure!]!, $bucket: Bucket, $timeZone: String!, \
         $firstDayOfWeek: FirstDayOfWeek!, $range: TimeRange, $top: Int!, $fill: Boolean!, $orderBy: TrendOrder, $having: [Having!]! = [], \
         $compareTo: CompareTo, $movingAverage: Int, {}) {{ \
         trend: {}(filter: $filter groupBy: $groupBy measures: $measures bucket: $bucket timeZone: $timeZone firstDayOfWeek: $firstDayOfWeek \
         range: $range top: $top fill: $fill orderBy: $orderBy having: $having compareTo: $compareTo movingAverage: $movingAverage {}{}{}) {{ \
         truncated rows {{ timeMs series key measure value previous delta relativeDelta isOther dimensions {{ name value }} }} }} }}",
        dataset.filter_type,
        histogram.0.replace("HISTOGRAM", &format!("{types}Histogram")),
        dataset.field,
        histogram.1,
        if asked["cumulative"] == json!(true) { "cumulative: true " } else { "" },
        if dataset.hides { "withPatches: true withVendored: true" } else { "" },
    );
    let told = stored.world.ask_with(&document, asked.clone())["trend"].take();
    let expected = answer(dataset, &stored.rows(dataset), &Asked::read(asked));
    let rows = told["rows"].as_array().unwrap();
    let keys: Vec<(Value, &Value)> = rows.iter().map(|row| (row["timeMs"].clone(), &row["key"])).collect();
    let expected_keys: Vec<(Value, Value)> =
        expected.rows.iter().map(|row| (json!(row.time_ms), json!(row.key))).collect();
    let expected_keys: Vec<(Value, &Value)> = expected_keys.iter().map(|(time, key)| (time.clone(), key)).collect();
    let differs = keys.iter().zip(&expected_keys).position(|(told, expected)| told != expected);
    let differs = differs.map(|place| (&keys[place], &expected_keys[place]));
    assert!(
        differs.is_none() && keys.len() == expected_keys.len(),
        "{}: {asked}\n{} rows for {}, {differs:?}",
        dataset.field,
        keys.len(),
        expected_keys.len()
    );
    for (row, expected) in rows.iter().zip(&expected.rows) {
        let close = |told: &Value, expected: Option<f64>| match (told.as_f64(), expected) {
            (Some(told), Some(expected)) => (told - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            (told, expected) => told.is_none() && expected.is_none(),
        };
        let delta = expected.previous.map(|previous| expected.value - previous);
        let relative = delta.zip(expected.previous).filter(|(_, was)| *was != 0.0).map(|(delta, was)| delta / was);
        let fits = close(&row["value"], Some(expected.value))
            && close(&row["previous"], expected.previous)
            && close(&row["delta"], delta)
            && close(&row["relativeDelta"], relative);
        assert!(fits, "{}: {asked}\n{row:#}\n{expected:?}", dataset.field);
    }
    assert_eq!(told["truncated"], json!(expected.truncated), "{}: {asked}", dataset.field);
    rows.len()
}

/// Asks so many questions about those of the datasets that have rows.
fn check(world: &World, datasets: usize, questions: usize, mut chance: Chance) {
    let stored = Stored::of(world);
    let with_rows: Vec<&Dataset> = DATASETS.iter().filter(|dataset| !stored.rows(dataset).is_empty()).collect();
    assert_eq!(with_rows.len(), datasets);
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..questions {
        let dataset = with_rows[number % datasets];
        let asked = arguments(&mut chance, dataset, &stored.rows(dataset));
        *told.entry(dataset.field).or_default() += compare(&stored, dataset, &asked);
    }
    assert!(told.values().all(|rows| *rows > 0), "nothing was told: {told:?}");
}

#[test]
fn random_questions_have_the_answers_of_plain_rust() {
    check(world(), 6, 60, Chance::repeated());
}

#[test]
fn random_questions_about_the_small_repositories_of_the_corpus() {
    check_corpus(false, 40, Chance::repeated());
}

#[test]
#[ignore = "soak"]
fn soak_many_random_questions() {
    check(world(), 6, 6_000, Chance::new());
}

#[test]
#[ignore = "soak"]
fn soak_random_questions_about_the_whole_corpus() {
    check_corpus(true, 500, Chance::new());
}

/// The same about repositories of the corpus, where that is there; nothing there tells of forges.
fn check_corpus(is_whole: bool, questions: usize, chance: Chance) {
    let Some(shared) = golden::shared_folder() else { return };
    let bundle = |name: String| shared.join("corpus").join(format!("{name}.bundle"));
    let bundles = golden::names(&shared, is_whole).into_iter().map(bundle).collect();
    let name = if is_whole { "graphql-corpus" } else { "graphql-small-corpus" };
    check(&World::of_bundles(name, bundles), 5, questions, chance);
}

#[test]
fn what_lasts_is_there_until_it_ends() {
    let alive = ask_with("{ resources { totalCount } }", json!({}))["resources"]["totalCount"].as_f64();
    let document = "{ resourceTrend(withPatches: true, withVendored: true) { rows { value } } }";
    let now = ask_with(document, json!({}))["resourceTrend"]["rows"][0]["value"].as_f64();
    assert_eq!(now, alive, "now, as many are alive as the list holds");
}
