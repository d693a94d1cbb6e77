//! The aggregation language against a second one in plain Rust: random questions about every dataset, over the stored rows as they are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Asked, answer};
use super::rows::{DATASETS, Dataset, load};
use crate::graphql::support::ask_with;
use crate::support::chance::Chance;

const ZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"];
const BUCKETS: [&str; 5] = ["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];

/// One value of many.
fn one<'a, T>(chance: &mut Chance, of: &'a [T]) -> &'a T {
    &of[chance.below(of.len())]
}

fn perhaps(chance: &mut Chance) -> bool {
    chance.below(2) == 0
}

/// Arguments of a trend, as JSON.
fn arguments(chance: &mut Chance, dataset: &Dataset) -> Value {
    let mut groups: Vec<&str> = Vec::new();
    for _ in 0..chance.below(3) {
        let group = one(chance, dataset.groups).0;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let measures: Vec<Value> = (0..1 + chance.below(3)).map(|_| measure(chance, dataset)).collect();
    let bucket = (chance.below(5) > 0).then(|| *one(chance, &BUCKETS));
    let (first, second) = (chance.below(24), chance.below(24));
    let month = |months: usize| format!("{}-{:02}-{:02}T05:30:00Z", 2023 + months / 12, 1 + months % 12, 1 + months);
    let mut asked = json!({
        "groupBy": groups,
        "measures": measures,
        "bucket": bucket,
        "timeZone": one(chance, &ZONES),
        "firstDayOfWeek": one(chance, &["MONDAY", "SUNDAY", "SATURDAY"]),
        "top": 1 + chance.below(4),
        "fill": chance.below(4) > 0,
        "range": { "from": month(first.min(second)), "to": month(first.max(second) + 1) },
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
        asked["compareTo"] = json!({ "period": one(chance, &["PREVIOUS", "PREVIOUS_YEAR"]) });
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
        let rows = load(dataset);
        assert!(!rows.is_empty(), "{} has no rows", dataset.field);
        let field = one(chance, dataset.filters);
        let value = rows.get(chance.below(rows.len())).map(|row| row.fields[*field].clone()).unwrap_or_default();
        let comparison = one(chance, &["eq", "ne"]);
        asked["filter"] = json!({ *field: { *comparison: value } });
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
fn compare(dataset: &Dataset, asked: &Value) -> usize {
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
    let told = ask_with(&document, asked.clone())["trend"].take();
    let expected = answer(dataset, &Asked::read(asked));
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

fn check(questions: usize, mut chance: Chance) {
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..questions {
        let dataset = &DATASETS[number % DATASETS.len()];
        let asked = arguments(&mut chance, dataset);
        *told.entry(dataset.field).or_default() += compare(dataset, &asked);
    }
    assert_eq!(told.len(), DATASETS.len());
    assert!(told.values().all(|rows| *rows > 0), "nothing was told: {told:?}");
}

#[test]
fn random_questions_have_the_answers_of_plain_rust() {
    check(60, Chance::repeated());
}

#[test]
#[ignore = "soak"]
fn soak_many_random_questions() {
    check(6_000, Chance::new());
}

#[test]
fn what_lasts_is_there_until_it_ends() {
    let alive = ask_with("{ resources { totalCount } }", json!({}))["resources"]["totalCount"].as_f64();
    let document = "{ resourceTrend(withPatches: true, withVendored: true) { rows { value } } }";
    let now = ask_with(document, json!({}))["resourceTrend"]["rows"][0]["value"].as_f64();
    assert_eq!(now, alive, "now, as many are alive as the list holds");
}
