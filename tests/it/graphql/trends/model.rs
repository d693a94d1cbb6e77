//! What a trend answers, computed in plain Rust: rows are put into the buckets by the labels of their local time, and each group is
//! measured from its rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Months, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::rows::{Dataset, HOUR_OF_DAY, Row, WEEKDAY};

/// A question as it was asked.
pub struct Asked<'a>(&'a Value);

pub struct Answer {
    pub rows: Vec<Told>,
    pub truncated: bool,
}

#[derive(Debug)]
pub struct Told {
    pub time_ms: Option<i64>,
    pub key: String,
    pub value: f64,
    pub previous: Option<f64>,
}

type Key = Vec<String>;
type Keyed<'a> = (Key, &'a Row);
/// Where its buckets begin, and the rows of each.
type Period<'a> = (Vec<i64>, Vec<Vec<&'a Keyed<'a>>>);
/// By bucket: the value, and whether nothing was there to measure.
type Line = Vec<(Option<f64>, bool)>;

impl<'a> Asked<'a> {
    pub fn read(asked: &'a Value) -> Self {
        Self(asked)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    fn zone(&self) -> Tz {
        self.text("timeZone").unwrap().parse().unwrap()
    }

    /// The label of the bucket that a second is in.
    fn label(&self, bucket: &str, seconds: i64) -> String {
        let local = DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&self.zone());
        match bucket {
            // By night the same hour may come twice.
            "HOUR" => local.format("%F %H %z").to_string(),
            "DAY" => local.date_naive().to_string(),
            "WEEK" => {
                let first = match self.text("firstDayOfWeek").unwrap() {
                    "MONDAY" => chrono::Weekday::Mon,
                    "SUNDAY" => chrono::Weekday::Sun,
                    _ => chrono::Weekday::Sat,
                };
                local.date_naive().week(first).first_day().to_string()
            }
            "MONTH" => format!("{}-{}", local.year(), local.month()),
            "QUARTER" => format!("{} Q{}", local.year(), local.month().div_ceil(3)),
            _ => local.year().to_string(),
        }
    }

    /// The seconds at which the buckets of a range begin: where labels change, found a quarter of an hour at a time.
    fn buckets(&self, from: i64, to: i64) -> Vec<i64> {
        const STEP: i64 = 900;
        let Some(bucket) = self.text("bucket") else { return vec![from] };
        let mut start = from - from.rem_euclid(STEP);
        while self.label(bucket, start - STEP) == self.label(bucket, from) {
            start -= STEP;
        }
        let mut starts = vec![start];
        let mut label = self.label(bucket, start);
        let mut time = start;
        while time + STEP < to {
            time += STEP;
            let next = self.label(bucket, time);
            if next != label {
                starts.push(time);
                label = next;
            }
        }
        starts
    }

    /// The ranges: what is asked for, and what it is compared to.
    fn ranges(&self) -> Vec<(i64, i64)> {
        let end = |range: &Value, name: &str| {
            DateTime::parse_from_rfc3339(range[name].as_str().unwrap()).unwrap().timestamp()
        };
        let ends = |range: &Value| (end(range, "from"), end(range, "to"));
        let (from, to) = ends(&self.0["range"]);
        let count = u32::try_from(self.buckets(from, to).len()).unwrap();
        let moved = |seconds: i64, by: &dyn Fn(NaiveDateTime) -> NaiveDateTime| {
            let local = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap().with_timezone(&self.zone()).naive_local();
            let mut time = by(local);
            loop {
                if let Some(found) = self.zone().from_local_datetime(&time).earliest() {
                    return found.timestamp();
                }
                time += chrono::TimeDelta::minutes(10);
            }
        };
        let back = |seconds: i64| match self.text("bucket").unwrap() {
            "HOUR" => seconds - 3_600 * i64::from(count),
            "DAY" => moved(seconds, &|time| time - chrono::Days::new(u64::from(count))),
            "WEEK" => moved(seconds, &|time| time - chrono::Days::new(7 * u64::from(count))),
            "MONTH" => moved(seconds, &|time| time - Months::new(count)),
            "QUARTER" => moved(seconds, &|time| time - Months::new(3 * count)),
            _ => moved(seconds, &|time| time - Months::new(12 * count)),
        };
        let compared = match self.0["compareTo"]["period"].as_str() {
            None if self.0["compareTo"]["range"].is_object() => ends(&self.0["compareTo"]["range"]),
            None => return vec![(from, to)],
            Some("PREVIOUS") if self.text("bucket").is_none() => (from - (to - from), from),
            Some("PREVIOUS") => (back(from), back(to)),
            _ if self.text("bucket") == Some("WEEK") => {
                let weeks = |seconds| moved(seconds, &|time| time - chrono::Days::new(364));
                (weeks(from), weeks(to))
            }
            _ => {
                let year = |seconds| moved(seconds, &|time| time - Months::new(12));
                (year(from), year(to))
            }
        };
        vec![(from, to), compared]
    }

    /// The bucket that one is compared to, among those that begin at these seconds.
    fn pair(&self, place: usize, start: i64, compared: &[i64]) -> Option<usize> {
        let bucket = self.text("bucket").unwrap_or_default();
        if self.0["compareTo"]["period"] != "PREVIOUS_YEAR" || !["DAY", "HOUR"].contains(&bucket) {
            return Some(place);
        }
        // By what clocks showed a year before.
        let local =
            |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&self.zone()).naive_local();
        let wanted = local(start).with_year(local(start).year() - 1)?;
        // An hour of which clocks skip the first half begins later.
        let close = |place: &usize| {
            let time = local(compared[*place]);
            time.date() == wanted.date() && (bucket == "DAY" || time.hour() == wanted.hour())
        };
        let same = |place: &usize| local(compared[*place]) == wanted;
        (0..compared.len()).find(same).or_else(|| (0..compared.len()).find(close))
    }

    fn picks(&self, row: &Row) -> bool {
        self.0["filter"].is_null() || picks(&self.0["filter"], row)
    }

    /// What a row is called by a group.
    fn group_of(&self, column: &str, row: &Row) -> String {
        let local = || DateTime::from_timestamp(row.begins, 0).unwrap().with_timezone(&self.zone());
        match column {
            WEEKDAY => local().weekday().number_from_monday().to_string(),
            HOUR_OF_DAY => local().hour().to_string(),
            column => row.fields[column].clone(),
        }
    }
}

/// Whether all parts of a filter hold.
fn picks(filter: &Value, row: &Row) -> bool {
    filter.as_object().unwrap().iter().all(|(name, part)| match (name.as_str(), part.as_array()) {
        ("not", _) => !picks(part, row),
        ("and", Some(all)) => all.iter().all(|part| picks(part, row)),
        ("or", Some(any)) => any.iter().any(|part| picks(part, row)),
        (field, _) => {
            part.as_object().unwrap().iter().all(|(operator, wanted)| compares(operator, wanted, &row.fields[field]))
        }
    })
}

fn compares(operator: &str, wanted: &Value, value: &str) -> bool {
    let text = || wanted.as_str().unwrap();
    match operator {
        "eq" => text() == value,
        "ne" => text() != value,
        "in" => wanted.as_array().unwrap().iter().any(|wanted| wanted == value),
        "notIn" => wanted.as_array().unwrap().iter().all(|wanted| wanted != value),
        "contains" => value.to_lowercase().contains(&text().to_lowercase()),
        "startsWith" => value.starts_with(text()),
        other => panic!("{other} is no comparison"),
    }
}

/// Measures some rows; `None`: there is nothing to measure.
fn measured(dataset: &Dataset, measure: &Value, rows: &[&Row]) -> Option<f64> {
    let (function, of) = measure.as_object().unwrap().iter().next().unwrap();
    if function == "count" {
        let column = dataset.counts.iter().find(|(name, _)| of == name).unwrap().1;
        if column.is_empty() {
            return Some(rows.len() as f64);
        }
        let distinct: BTreeSet<&String> = rows.iter().map(|row| &row.fields[column]).collect();
        // A resource without a chart counts none.
        let none = usize::from(of == "CHARTS" && dataset.field != "chartTrend" && distinct.contains(&String::new()));
        return Some((distinct.len() - none) as f64);
    }
    let number = of["of"].as_str().or(of.as_str()).unwrap();
    let column = dataset.numbers.iter().find(|(name, _)| *name == number).unwrap().1;
    let mut values: Vec<f64> = rows.iter().filter_map(|row| row.numbers.get(column).copied()).collect();
    values.sort_by(f64::total_cmp);
    match function.as_str() {
        "sum" if rows.is_empty() => Some(0.0),
        _ if values.is_empty() => None,
        "sum" => Some(values.iter().sum()),
        "avg" => Some(values.iter().sum::<f64>() / values.len() as f64),
        "min" => values.first().copied(),
        "max" => values.last().copied(),
        _ => {
            let place = of["level"].as_f64().unwrap() * (values.len() - 1) as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            Some(low + (high - low) * place.fract())
        }
    }
}

fn measure_name(dataset: &Dataset, measure: &Value) -> String {
    let (function, of) = measure.as_object().unwrap().iter().next().unwrap();
    match (function.as_str(), of) {
        ("count", of) if *of == dataset.counts[0].0 => "count".to_owned(),
        ("quantile", of) => format!("quantile({}, {})", of["of"].as_str().unwrap(), of["level"].as_f64().unwrap()),
        (function, of) => format!("{function}({})", of.as_str().unwrap()),
    }
}

pub fn answer(dataset: &Dataset, rows: &[Row], asked: &Asked) -> Answer {
    let measures = asked.0["measures"].as_array().unwrap();
    let group_by: Vec<&str> =
        asked.0["groupBy"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let histogram = asked.0["histogram"].as_object();
    let key = |row: &Row| -> Key {
        let column = |name: &&str| dataset.groups.iter().find(|(group, _)| group == name).unwrap().1;
        let mut key: Key = group_by.iter().map(|name| asked.group_of(column(name), row)).collect();
        if let Some(histogram) = histogram {
            let column = dataset.numbers.iter().find(|(name, _)| histogram["of"] == *name).unwrap().1;
            let width = histogram["width"].as_f64().unwrap();
            key.push(
                row.numbers.get(column).map_or(String::new(), |value| ((value / width).floor() * width).to_string()),
            );
        }
        key
    };
    let rows: Vec<Keyed> = rows.iter().filter(|row| asked.picks(row)).map(|row| (key(row), row)).collect();
    // By period, the rows of each bucket.
    let periods: Vec<Period> = asked
        .ranges()
        .into_iter()
        .map(|(from, to)| {
            let mut starts = asked.buckets(from, to);
            // Nobody knows what lasts in the future.
            starts.retain(|start| !dataset.lasts || *start <= Utc::now().timestamp());
            let ends = starts.iter().skip(1).copied().chain([to]);
            let within = |start: i64, end: i64| {
                let holds = |(_, row): &&Keyed| match dataset.lasts {
                    true => row.begins < end && row.ends >= end,
                    false => row.begins >= start.max(from) && row.begins < end,
                };
                rows.iter().filter(holds).collect()
            };
            let buckets = starts.iter().zip(ends).map(|(start, end)| within(*start, end)).collect();
            (starts, buckets)
        })
        .collect();
    let groups = ranked(dataset, asked, measures, &periods);
    let top = asked.0["top"].as_u64().unwrap() as usize;
    let named: Vec<(String, BTreeSet<&Key>)> = groups
        .iter()
        .take(top)
        .map(|group| (if group.is_empty() { "all".to_owned() } else { group.join(" / ") }, BTreeSet::from([group])))
        .collect();
    let rest: BTreeSet<&Key> = groups.iter().skip(top).collect();
    let truncated = !rest.is_empty();
    let mut series = named;
    if truncated {
        series.push(("other".to_owned(), rest));
    }
    let nothing_at_all = Key::new();
    if series.is_empty() && group_by.is_empty() && histogram.is_none() && asked.0["having"].is_null() {
        series.push(("all".to_owned(), BTreeSet::from([&nothing_at_all])));
    }
    let line = |period: usize, keys: &BTreeSet<&Key>, measure: &Value| -> Line {
        let mut so_far: Vec<&Row> = Vec::new();
        let mut before = None;
        let mut line: Line = Vec::new();
        for bucket in &periods[period].1 {
            let here: Vec<&Row> = bucket.iter().filter(|(key, _)| keys.contains(key)).map(|(_, row)| *row).collect();
            let is_cumulative = asked.0["cumulative"] == true;
            so_far.extend(&here);
            let function = measure.as_object().unwrap().keys().next().unwrap().as_str();
            let zero = ["count", "sum"].contains(&function).then_some(0.0);
            let value = measured(dataset, measure, if is_cumulative { &so_far } else { &here });
            // Where nothing is, or only values that are not known, something stands in.
            let is_filled = here.is_empty() || value.is_none();
            let value = if here.is_empty() && is_cumulative { before.or(zero) } else { value.or(zero) };
            let value = if here.is_empty() && !is_cumulative { zero } else { value };
            before = value;
            line.push((value, is_filled));
        }
        match asked.0["movingAverage"].as_u64() {
            None => line,
            Some(width) => averaged(&line, width as usize),
        }
    };
    let mut told = Vec::new();
    let lines: Vec<(String, Line, Option<Line>)> = series
        .iter()
        .flat_map(|(name, keys)| measures.iter().map(move |measure| (name, keys, measure)))
        .map(|(name, keys, measure)| {
            let key = format!("{name} / {}", measure_name(dataset, measure));
            (key, line(0, keys, measure), periods.get(1).map(|_| line(1, keys, measure)))
        })
        .collect();
    for (bucket, start) in periods[0].0.iter().enumerate() {
        for (key, current, previous) in &lines {
            let (Some(value), is_filled) = current[bucket] else { continue };
            let previous =
                previous.as_ref().and_then(|line| line.get(asked.pair(bucket, *start, &periods[1].0)?).copied());
            if is_filled && asked.0["fill"] == false && previous.is_none_or(|(_, is_filled)| is_filled) {
                continue;
            }
            told.push(Told {
                time_ms: asked.text("bucket").map(|_| start * 1000),
                key: key.clone(),
                value,
                previous: previous.and_then(|(value, _)| value),
            });
        }
    }
    Answer { rows: told, truncated }
}

/// The groups in their order, those that `having` leaves out left out.
fn ranked(dataset: &Dataset, asked: &Asked, measures: &[Value], periods: &[Period]) -> Vec<Key> {
    let mut found: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
    for (period, (_, buckets)) in periods.iter().enumerate() {
        for (key, row) in buckets.iter().flatten() {
            let rows = found.entry(key.clone()).or_default();
            if period == 0 {
                rows.push(row);
            }
        }
    }
    // Over the whole first period; what lasts is met once a bucket, and what adds up is that of an average bucket.
    let buckets = if dataset.lasts { periods[0].0.len() } else { 1 };
    let total = |rows: &[&Row], place: usize| {
        let function = measures[place].as_object().unwrap();
        let adds_up = function.contains_key("sum") || function.get("count") == Some(&dataset.counts[0].0.into());
        measured(dataset, &measures[place], rows).map(|total| if adds_up { total / buckets as f64 } else { total })
    };
    let mut groups: Vec<(Key, Vec<&Row>)> = found.into_iter().collect();
    if let Some(having) = asked.0["having"].get(0) {
        let (place, least) = (having["measure"].as_u64().unwrap() as usize, having["gt"].as_f64().unwrap());
        groups.retain(|(_, rows)| total(rows, place).is_some_and(|total| total > least));
    }
    let order = &asked.0["orderBy"];
    let by_key = order["field"] == "KEY" || (order.is_null() && !asked.0["histogram"].is_null());
    let is_descending = if order.is_null() { !by_key } else { order["direction"] == "DESC" };
    let has_bins = !asked.0["histogram"].is_null();
    groups.sort_by(|(one, one_rows), (two, two_rows)| {
        if by_key {
            return by_name(one, two, has_bins, is_descending);
        }
        let place = order["measure"].as_u64().unwrap_or(0) as usize;
        let ordering = match (total(one_rows, place), total(two_rows, place)) {
            (Some(one), Some(two)) if is_descending => two.total_cmp(&one),
            (Some(one), Some(two)) => one.total_cmp(&two),
            (one, two) => two.is_some().cmp(&one.is_some()),
        };
        ordering.then_with(|| by_name(one, two, has_bins, false))
    });
    groups.into_iter().map(|(key, _)| key).collect()
}

/// By the texts, and bins by their numbers; those that are not known come first either way.
fn by_name(one: &Key, two: &Key, has_bins: bool, is_descending: bool) -> Ordering {
    let parts = |key: &Key| match key.split_last() {
        Some((bin, rest)) if has_bins => (rest.to_vec(), bin.parse::<f64>().ok()),
        _ => (key.clone(), None),
    };
    let turned = |ordering: Ordering| if is_descending { ordering.reverse() } else { ordering };
    let ((one, one_bin), (two, two_bin)) = (parts(one), parts(two));
    let bins = match (one_bin, two_bin) {
        (Some(one), Some(two)) => turned(one.total_cmp(&two)),
        (one, two) => one.is_some().cmp(&two.is_some()),
    };
    turned(one.cmp(&two)).then(bins)
}

fn averaged(line: &Line, width: usize) -> Line {
    let mean = |end: usize| {
        let known: Vec<f64> =
            line[(end + 1).saturating_sub(width)..=end].iter().filter_map(|(value, _)| *value).collect();
        line[end].0.map(|_| known.iter().sum::<f64>() / known.len() as f64)
    };
    line.iter().enumerate().map(|(end, (_, is_filled))| (mean(end), *is_filled)).collect()
}
