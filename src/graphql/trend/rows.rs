//! From what the store measured to flat rows: empty buckets, comparisons, moving averages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_graphql::{Context, Error};
use uuid::Uuid;

use super::{AggregateRow, DimensionValue, SeriesName};
use crate::graphql::sight::loaders;
use crate::store::query::aggregate::{AggregateRecord, Aggregation, Dataset, Span};

/// How rows are told.
pub struct Shape {
    /// As `groupBy` names them.
    pub dimensions: Vec<String>,
    pub measures: Vec<String>,
    pub has_buckets: bool,
    /// Whether a bucket in which nothing was measured has a row.
    pub fills: bool,
    /// Over so many buckets.
    pub moving_average: Option<usize>,
}

/// What was measured: of each group one line of values a measure and period.
#[derive(Default)]
pub struct Series {
    /// In their order, "other" last.
    groups: Vec<Group>,
}

struct Group {
    dimensions: Vec<String>,
    is_other: bool,
    /// By period, measure and bucket.
    values: Vec<Vec<Vec<Measured>>>,
}

/// A value, or what stands in for it where nothing was measured.
#[derive(Clone, Copy, Default)]
struct Measured {
    value: Option<f64>,
    is_filled: bool,
}

/// How many rows the records of an answer make, empty buckets and the range that is compared to among them.
pub fn count<D: Dataset>(question: &Aggregation<D>, records: &[AggregateRecord]) -> u64 {
    let groups: BTreeSet<(bool, u64)> = records.iter().map(place).collect();
    let buckets: usize = question.spans.iter().map(|span| span.buckets.len()).sum();
    groups.len().saturating_mul(buckets).saturating_mul(question.measures.len()).max(records.len()) as u64
}

/// Where the group of a record stands; "other" comes last, whatever the place of its first group in a bucket.
const fn place(record: &AggregateRecord) -> (bool, u64) {
    (record.is_other, if record.is_other { 0 } else { record.place })
}

impl Series {
    /// Puts records into the buckets of their periods.
    pub fn new<D: Dataset>(question: &Aggregation<D>, records: &[AggregateRecord]) -> Self {
        let empty = |dimensions: Vec<String>, is_other: bool| {
            let line = |span: &Span| vec![vec![Measured::default(); span.buckets.len()]; question.measures.len()];
            Group { dimensions, is_other, values: question.spans.iter().map(line).collect() }
        };
        let mut groups: BTreeMap<(bool, u64), Group> = BTreeMap::new();
        for record in records {
            let group = groups.entry(place(record));
            let group = group.or_insert_with(|| empty(record.names.clone(), record.is_other));
            let period = usize::from(record.period);
            if let Ok(bucket) = question.spans[period].buckets.binary_search(&record.bucket) {
                for (line, value) in group.values[period].iter_mut().zip(&record.measured) {
                    line[bucket].value = *value;
                }
            }
        }
        // Without dimensions there is one group even where nothing happened.
        if groups.is_empty()
            && question.dimensions.is_empty()
            && question.histogram.is_none()
            && question.having.is_empty()
        {
            groups.insert((false, 0), empty(Vec::new(), false));
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        for (measure, kind) in question.measures.iter().enumerate() {
            let nothing = kind.is_zero_of_nothing().then_some(0.0);
            for line in groups.iter_mut().flat_map(|group| &mut group.values).map(|period| &mut period[measure]) {
                fill(line, nothing, question.is_cumulative);
            }
        }
        Self { groups }
    }

    /// Whether some groups are told as one.
    pub fn has_other(&self) -> bool {
        self.groups.iter().any(|group| group.is_other)
    }

    /// Repositories come as ids and go out by name.
    pub async fn with_repositories_named(
        mut self,
        context: &Context<'_>,
        dimensions: &[String],
    ) -> Result<Self, Error> {
        let places = dimensions.iter().enumerate().filter(|(_, name)| *name == "REPOSITORY");
        for (place, _) in places {
            let ids = self.groups.iter().filter_map(|group| Uuid::parse_str(group.dimensions.get(place)?).ok());
            let ids: BTreeSet<Uuid> = ids.collect();
            let found = loaders(context)?.repositories.load_many(ids).await?;
            for value in self.groups.iter_mut().filter_map(|group| group.dimensions.get_mut(place)) {
                if let Some(repository) = Uuid::parse_str(value).ok().and_then(|id| found.get(&id)) {
                    value.clone_from(&repository.full_name);
                }
            }
        }
        Ok(self)
    }

    /// The rows, bucket by bucket; `pairs` has the place of what each bucket is compared to.
    pub fn rows(&self, shape: &Shape, spans: &[Span], pairs: &[Option<usize>]) -> Vec<AggregateRow> {
        let averaged = |line: &Vec<Measured>| match shape.moving_average {
            Some(width) => moving_average(line, width),
            None => line.clone(),
        };
        let measures =
            self.groups.iter().flat_map(|group| (0..shape.measures.len()).map(move |measure| (group, measure)));
        let lines = measures.map(|(group, measure)| {
            let mut periods = group.values.iter().map(|period| averaged(&period[measure]));
            let name = Arc::new(series_name(group, shape, measure));
            (name, periods.next().unwrap_or_default(), periods.next())
        });
        let lines: Vec<_> = lines.collect();
        let mut rows = Vec::new();
        for (bucket, start) in spans[0].buckets.iter().enumerate() {
            for (series, current, previous) in &lines {
                let Some(Measured { value: Some(value), is_filled }) = current.get(bucket).copied() else { continue };
                let pair = pairs.get(bucket).copied().flatten();
                let previous = previous.as_ref().and_then(|line| line.get(pair?).copied());
                // What fell to nothing is told.
                if is_filled && !shape.fills && previous.is_none_or(|previous| previous.is_filled) {
                    continue;
                }
                rows.push(AggregateRow {
                    series: series.clone(),
                    time: shape.has_buckets.then_some(*start),
                    value,
                    previous: previous.and_then(|previous| previous.value),
                });
            }
        }
        rows
    }
}

fn series_name(group: &Group, shape: &Shape, measure: usize) -> SeriesName {
    let measure = shape.measures[measure].clone();
    let series = match (group.is_other, group.dimensions.is_empty()) {
        (true, _) => "other".to_owned(),
        (false, true) => "all".to_owned(),
        (false, false) => group.dimensions.join(" / "),
    };
    let dimensions = shape.dimensions.iter().zip(&group.dimensions);
    let dimensions = dimensions.map(|(name, value)| DimensionValue { name: name.clone(), value: value.clone() });
    SeriesName {
        key: format!("{series} / {measure}"),
        series,
        dimensions: dimensions.collect(),
        measure,
        is_other: group.is_other,
    }
}

/// Stands in for what was not measured: what adds up has nothing there, or as much as before.
fn fill(line: &mut [Measured], nothing: Option<f64>, is_cumulative: bool) {
    let mut before = nothing;
    for measured in line {
        if measured.value.is_none() {
            *measured = Measured { value: if is_cumulative { before } else { nothing }, is_filled: true };
        }
        before = measured.value;
    }
}

/// The mean of a value and of those before it, so many in all; at the beginning, of as many as there are.
fn moving_average(line: &[Measured], width: usize) -> Vec<Measured> {
    let mean = |end: usize| {
        let known = line[(end + 1).saturating_sub(width)..=end].iter().filter_map(|measured| measured.value);
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        line[end].value.map(|_| sum / count)
    };
    line.iter().enumerate().map(|(end, measured)| Measured { value: mean(end), ..*measured }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Vec<Measured> {
        values.iter().map(|value| Measured { value: *value, is_filled: false }).collect()
    }

    fn values(line: &[Measured]) -> Vec<Option<f64>> {
        line.iter().map(|measured| measured.value).collect()
    }

    #[test]
    fn what_was_not_measured_is_filled() {
        let check = |nothing, is_cumulative, expected: [Option<f64>; 4]| {
            let mut filled = line(&[None, Some(2.0), None, Some(5.0)]);
            fill(&mut filled, nothing, is_cumulative);
            assert_eq!(values(&filled), expected);
        };
        check(Some(0.0), false, [Some(0.0), Some(2.0), Some(0.0), Some(5.0)]);
        check(Some(0.0), true, [Some(0.0), Some(2.0), Some(2.0), Some(5.0)]);
        check(None, false, [None, Some(2.0), None, Some(5.0)]);
        check(None, true, [None, Some(2.0), Some(2.0), Some(5.0)]);
    }

    #[test]
    fn a_moving_average_takes_what_there_is() {
        let averaged = moving_average(&line(&[Some(1.0), Some(3.0), None, Some(5.0)]), 3);
        assert_eq!(values(&averaged), [Some(1.0), Some(2.0), None, Some(4.0)]);
    }
}
