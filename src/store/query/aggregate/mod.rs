//! Aggregates: measures of groups over time, of every dataset in one way.
//!
//! A dataset is a list of rows, which a file under `clickhouse/queries` selects, with the columns that they can be filtered, grouped and
//! measured by. Rows either happen at a time, or last from one time to another; those that last are measured at the end of each bucket.

mod datasets;
mod measure;
mod range;

use std::fmt::Debug;

use clickhouse::Row;
use serde::Deserialize;

use super::filter::{Field, Filter};
use super::page::Direction;
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};

pub use datasets::{
    ChartColumn, ChartDistinct, ChartField, Charts, EventColumn, EventDistinct, EventNumber, Events, ImageColumn,
    ImageDistinct, ImageField, Images, MetricsColumn, MetricsDistinct, MetricsField, MetricsNumber, NoNumber,
    ReferenceColumn, ReferenceDistinct, References, RepositoryMetrics, ResourceColumn, ResourceDistinct,
    ResourceNumber, ResourceStateField, Resources, TargetField,
};
pub use measure::Measure;
pub use range::{DatasetRange, RangeRecord};

/// Columns by which rows are grouped or measured; their SQL is ours.
pub trait Column: Copy + Debug + PartialEq + Send + Sync + 'static {
    fn sql(self) -> &'static str;
}

/// What is aggregated.
pub trait Dataset: Copy + Debug + Send + Sync + 'static {
    /// What rows are filtered by.
    type Field: Field + Debug + Send + Sync + 'static;
    /// What they are grouped by, as text.
    type Dimension: Column;
    /// What is added up, averaged and compared.
    type Number: Column;
    /// What is counted once however often it occurs; null where there is none.
    type Distinct: Column;

    /// How spans and errors call its questions.
    const NAME: &'static str;
    const RANGE_NAME: &'static str;
    /// Selects the rows, for `FROM`: `{{filter}}`, `{{constant_filter}}` and `{{span}}` stand for conditions; of rows that last,
    /// `{{ends}}` for when they end, and `{{last}}` for what keeps the last ones alone.
    const ROWS: &'static str;
    /// The column of their time, a DateTime64.
    const TIME: &'static str;
    /// The dimension that holds ids of repositories: they are ordered by their names.
    const REPOSITORY: Self::Dimension;
    /// How rows that last follow each other: they have `valid_from` and `valid_to`. Others have `happened`. All are seconds since
    /// 1970.
    const SUCCESSION: Option<Succession>;

    /// Whether a field is the same in all rows of the thing that a row tells of, so that filtering by it cuts nothing in two.
    fn is_constant(field: Self::Field) -> bool;
}

/// Rows of which each lasts until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Succession {
    /// The columns that are the same in all rows of one thing.
    pub of: &'static str,
    /// The column that they follow each other by.
    pub by: &'static str,
}

/// Which of the rows that last are wanted, and what of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// All, and when they end.
    Lasting,
    /// Those that last until the end of the range or longer: the last ones of all that began before it.
    Last,
    /// All; when they end does not matter.
    Begun,
}

impl Succession {
    fn ends(self, wanted: Wanted) -> String {
        const NEVER: &str = "9223372036854775807";
        match wanted {
            Wanted::Last | Wanted::Begun => NEVER.to_owned(),
            Wanted::Lasting => format!(
                "leadInFrame(valid_from, 1, {NEVER}) OVER \
                 (PARTITION BY {} ORDER BY {} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
                self.of, self.by
            ),
        }
    }

    /// Where the table's key begins with these columns it is read backwards, and nothing is sorted; that of references does not.
    fn last(self) -> String {
        format!("ORDER BY {} DESC, {} DESC LIMIT 1 BY {}", self.of.replace(", ", " DESC, "), self.by, self.of)
    }
}

/// A range of time and the buckets in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: i64,
    /// The first second after it.
    pub to: i64,
    /// The first second of each bucket, ascending, not empty.
    pub buckets: Vec<i64>,
}

/// By what groups are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranking {
    /// By a measure over the whole first period; equal ones by name.
    Measure(usize, Direction),
    /// By name; bins of a histogram by their bound.
    Key(Direction),
}

/// What a group has to hold over the whole first period, or it is left out altogether.
#[derive(Clone, Debug, PartialEq)]
pub struct Having {
    /// The place of the measure.
    pub measure: usize,
    pub comparison: &'static str,
    pub value: f64,
}

/// Bins of equal width as one more dimension, the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Histogram<N> {
    pub of: N,
    pub width: f64,
}

/// Measures a bucket and group.
#[derive(Clone, Debug)]
pub struct Aggregation<D: Dataset> {
    pub filter: Filter<D::Field>,
    pub dimensions: Vec<D::Dimension>,
    pub histogram: Option<Histogram<D::Number>>,
    /// Not empty.
    pub measures: Vec<Measure<D>>,
    /// What is asked for, then what it is compared to, if anything.
    pub spans: Vec<Span>,
    /// IANA name, for dimensions that speak of local time.
    pub time_zone: String,
    pub ranking: Ranking,
    pub having: Vec<Having>,
    /// Groups that are named; all others together are one more.
    pub top: u32,
    /// Records of the longest answer; what lies beyond is not read.
    pub most: u64,
    /// Whether a bucket measures everything from the beginning of its range on.
    pub is_cumulative: bool,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct AggregateRecord {
    /// The place of the span.
    pub period: u8,
    /// The bucket's first second.
    pub bucket: i64,
    /// One value a dimension; empty for "other".
    pub names: Vec<String>,
    pub is_other: bool,
    /// The place of the group among all.
    pub place: u64,
    /// One value a measure; `None`: there was nothing to measure.
    pub measured: Vec<Option<f64>>,
}

/// Ids of repositories, and their names.
const NAMES: &str =
    "(SELECT (groupArray(toString(id)), groupArray(full_name)) FROM repositories FINAL) AS repository_names,";
const BUCKETS: [&str; 2] = ["buckets0", "buckets1"];

impl<D: Dataset> Question for Aggregation<D> {
    type Row = AggregateRecord;
    const NAME: &'static str = D::NAME;

    fn statement(&self) -> Statement {
        let spans = self.spans.iter().take(BUCKETS.len()).enumerate();
        let counted = spans.clone().fold(Fragment::default(), |fragment, (period, span)| {
            let separator = if period > 0 { " UNION ALL " } else { "" };
            fragment.text(separator).append(self.counted(period, span))
        });
        let having = self.having.iter().fold(Fragment::default().text("true"), |fragment, having| {
            let total = format!(" AND ifNull(total{} {} ", having.measure, having.comparison);
            // As text: the bits of a number are no key of a cache.
            let value = Parameter::Text(having.value.to_string());
            fragment.text(&total).value(value, "Float64").text(", false)")
        });
        let list = |sql: &dyn Fn(&Measure<D>, usize) -> String| {
            let parts: Vec<String> = self.measures.iter().enumerate().map(|(i, measure)| sql(measure, i)).collect();
            Fragment::default().text(&parts.join(", "))
        };
        let gathered = list(&|measure, place| measure.gathered(place, self.is_cumulative));
        let is_one_group = self.dimensions.is_empty() && self.histogram.is_none() && self.having.is_empty();
        let named = match is_one_group {
            // There is nothing to rank, and the engine takes a third of a small question's time to plan how.
            true => Fragment::default()
                .text("SELECT period, bucket, dimensions AS names, false AS is_other, toUInt64(1) AS place, ")
                .append(gathered)
                .text(" FROM counted GROUP BY period, bucket, names"),
            false => {
                let order = Fragment::default().text(&self.order());
                let buckets = self.spans.first().map_or(1, |span| span.buckets.len());
                let totals = list(&|measure, place| measure.total(place, buckets));
                let parts = [("order", &order), ("totals", &totals), ("having", &having), ("gathered", &gathered)];
                Fragment::file(include_str!("../../../../clickhouse/queries/aggregate_named.sql"), &parts)
            }
        };
        let statement = Statement::new(include_str!("../../../../clickhouse/queries/aggregate.sql"))
            .with("counted", &counted)
            .with_text("names", if self.dimensions.contains(&D::REPOSITORY) { NAMES } else { "" })
            .with("named", &named)
            .with("measures", &list(&|measure, place| measure.value(place, self.is_cumulative)))
            .bind("most", Parameter::Integer(i64::try_from(self.most).unwrap_or(i64::MAX)));
        let statement = spans.fold(statement, |statement, (period, span)| {
            statement.bind(BUCKETS[period], Parameter::Integers(span.buckets.clone()))
        });
        let statement = match statement.sql().contains("{top:UInt32}") {
            true => statement.bind("top", Parameter::Integer(i64::from(self.top))),
            false => statement,
        };
        match statement.sql().contains("{zone:String}") {
            true => statement.bind("zone", Parameter::Text(self.time_zone.clone())),
            false => statement,
        }
    }
}

impl<D: Dataset> Aggregation<D> {
    /// The groups of one period with what their measures are merged from.
    fn counted(&self, period: usize, span: &Span) -> Fragment {
        let buckets = format!("{{{}:Array(Int64)}}", BUCKETS[period]);
        let is_moment = span.buckets.len() == 1;
        let bucket = if D::SUCCESSION.is_none() {
            format!("roundDown(happened, {buckets})")
        } else if is_moment {
            format!("{buckets}[1]")
        } else {
            // Where it begins and, since it is measured at the end of a bucket, the last bucket that ends before it does.
            let number = |time: &str| format!("indexOf({buckets}, roundDown({time}, {buckets}))");
            let (first, last) = (number("valid_from"), number("valid_to"));
            format!(
                "arrayJoin(arraySlice({buckets}, if(valid_from < {buckets}[1], 1, {first}) AS first_bucket, \
                 multiIf(valid_to >= {}, length({buckets}), valid_to < {buckets}[1], 0, {last} - 1) - first_bucket + 1))",
                span.to
            )
        };
        let wanted = if is_moment { Wanted::Last } else { Wanted::Lasting };
        let partials: Vec<String> = self.measures.iter().enumerate().map(|(i, measure)| measure.partial(i)).collect();
        Fragment::default()
            .text(&format!("SELECT {period} AS period, {bucket} AS bucket, "))
            .append(self.dimensions())
            .text(&format!(" AS dimensions, {} FROM ", partials.join(", ")))
            .append(rows::<D>(&self.filter, Some(span.from), Some(span.to), wanted))
            .text(" GROUP BY bucket, dimensions")
    }

    fn dimensions(&self) -> Fragment {
        let columns: Vec<&str> = self.dimensions.iter().map(|dimension| dimension.sql()).collect();
        let mut list = Fragment::default().text("CAST([").text(&columns.join(", "));
        if let Some(Histogram { of, width }) = self.histogram {
            let separator = if columns.is_empty() { "" } else { ", " };
            let bin = format!("{separator}ifNull(toString(floor({} / ", of.sql());
            let width = || Parameter::Text(width.to_string());
            list = list.text(&bin).value(width(), "Float64").text(") * ").value(width(), "Float64").text("), '')");
        }
        list.text("], 'Array(String)')")
    }

    fn order(&self) -> String {
        let word = |direction| if direction == Direction::Ascending { "ASC" } else { "DESC" };
        let mut names: Vec<String> = (1..=self.dimensions.len()).map(|place| format!("dimensions[{place}]")).collect();
        for (name, _) in names.iter_mut().zip(&self.dimensions).filter(|(_, dimension)| **dimension == D::REPOSITORY) {
            *name = format!("transform({name}, repository_names.1, repository_names.2, '')");
        }
        let bin = self.histogram.map(|_| "toFloat64OrNull(dimensions[-1])");
        let keys = |direction| {
            let word = word(direction);
            let names = names.iter().map(move |name| format!("{name} {word}"));
            names.chain(bin.map(|bin| format!("{bin} {word} NULLS FIRST")))
        };
        let order: Vec<String> = match self.ranking {
            Ranking::Key(direction) => keys(direction).collect(),
            Ranking::Measure(measure, direction) => {
                let total = format!("total{measure} {} NULLS LAST", word(direction));
                std::iter::once(total).chain(keys(Direction::Ascending)).collect()
            }
        };
        // Repositories may have the same name.
        format!("{}, dimensions", order.join(", ")).trim_start_matches(", ").to_owned()
    }
}

/// The rows that a filter picks within a range of time; of rows that last, those that begin before its end.
fn rows<D: Dataset>(filter: &Filter<D::Field>, from: Option<i64>, to: Option<i64>, wanted: Wanted) -> Fragment {
    let second = |fragment: Fragment, comparison: &str, seconds: i64| {
        let condition = format!(" AND {} {comparison} fromUnixTimestamp64Second(", D::TIME);
        fragment.text(&condition).value(Parameter::Integer(seconds), "Int64").text(")")
    };
    let mut span = Fragment::default().text("true");
    if let Some(from) = from.filter(|_| D::SUCCESSION.is_none()) {
        span = second(span, ">=", from);
    }
    if let Some(to) = to {
        span = second(span, "<", to);
    }
    let Some(succession) = D::SUCCESSION else {
        return Fragment::file(D::ROWS, &[("span", &span), ("filter", &filter.fragment())]);
    };
    let (constant, others) = filter.divided(D::is_constant);
    let ends = Fragment::default().text(&succession.ends(wanted));
    let last = if wanted == Wanted::Last { succession.last() } else { String::new() };
    let last = Fragment::default().text(&last);
    let parts =
        [("span", &span), ("constant_filter", &constant), ("filter", &others), ("ends", &ends), ("last", &last)];
    Fragment::file(D::ROWS, &parts)
}
