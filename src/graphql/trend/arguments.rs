//! The arguments of trends: what is measured, of which groups, and how it is told.

use std::collections::HashSet;

use async_graphql::resolver_utils::enum_value;
use async_graphql::{Enum, Error, InputObject, InputType, OneofObject, Value};
use chrono_tz::Tz;

use super::bucket::{Bucket, Calendar, FirstDayOfWeek};
use super::datasets::{
    ChartCount, EventCount, EventNumber, ImageCount, ReferenceCount, RepositoryMetricsCount, RepositoryMetricsNumber,
    ResourceCount, ResourceNumber,
};
use crate::graphql::error::bad_input;
use crate::graphql::limits::Limit;
use crate::graphql::pagination::{OrderDirection, TimeRange};
use crate::store::query::Filter;
use crate::store::query::aggregate::{self, Dataset, Histogram, Measure, Ranking};

/// Dimensions and measures that one trend may have.
/// Buckets that one moving average may take together.
const MAX_WIDTH: usize = 1_000;

/// What is measured of each group.
#[derive(OneofObject, Clone, Debug)]
#[graphql(
    concrete(name = "EventMeasure", params(EventCount, EventNumber, EventQuantile)),
    concrete(name = "ResourceMeasure", params(ResourceCount, ResourceNumber, ResourceQuantile)),
    concrete(
        name = "RepositoryMetricsMeasure",
        params(RepositoryMetricsCount, RepositoryMetricsNumber, RepositoryMetricsQuantile)
    )
)]
pub enum NumberMeasure<C: InputType, N: InputType, Q: InputType> {
    /// How many of these there are.
    Count(C),
    /// The sum of these.
    Sum(N),
    /// The mean of these.
    Avg(N),
    /// The smallest of these.
    Min(N),
    /// The largest of these.
    Max(N),
    /// The value below which a share of these lies.
    Quantile(Q),
}

pub type EventQuantile = Quantile<EventNumber>;
pub type ResourceQuantile = Quantile<ResourceNumber>;
pub type RepositoryMetricsQuantile = Quantile<RepositoryMetricsNumber>;
pub type EventMeasure = NumberMeasure<EventCount, EventNumber, EventQuantile>;
pub type ResourceMeasure = NumberMeasure<ResourceCount, ResourceNumber, ResourceQuantile>;
pub type RepositoryMetricsMeasure =
    NumberMeasure<RepositoryMetricsCount, RepositoryMetricsNumber, RepositoryMetricsQuantile>;

/// What is measured of each group.
#[derive(OneofObject, Clone, Debug)]
#[graphql(
    concrete(name = "ChartMeasure", params(ChartCount)),
    concrete(name = "ImageMeasure", params(ImageCount)),
    concrete(name = "ReferenceMeasure", params(ReferenceCount))
)]
pub enum CountMeasure<C: InputType> {
    /// How many of these there are.
    Count(C),
}

/// A quantile.
#[derive(InputObject, Clone, Debug)]
#[graphql(
    concrete(name = "EventQuantile", params(EventNumber)),
    concrete(name = "ResourceQuantile", params(ResourceNumber)),
    concrete(name = "RepositoryMetricsQuantile", params(RepositoryMetricsNumber))
)]
pub struct Quantile<N: InputType> {
    /// Of what.
    of: N,
    /// The share below it, between 0 and 1: 0.5 is the median. Between two values it is interpolated.
    level: f64,
}

/// Bins of equal width, as one more dimension: the last.
#[derive(InputObject, Clone, Debug)]
#[graphql(
    concrete(name = "EventHistogram", params(EventNumber)),
    concrete(name = "ResourceHistogram", params(ResourceNumber)),
    concrete(name = "RepositoryMetricsHistogram", params(RepositoryMetricsNumber))
)]
pub struct HistogramInput<N: InputType> {
    /// Of what.
    of: N,
    /// The width of a bin; the first begins at 0.
    width: f64,
}

/// A range that another one is compared to.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparedPeriod {
    /// The one before it: as many buckets earlier; without buckets, as long and right before it.
    Previous,
    /// The same a year before: days and hours by the calendar (the 29th of February has none), weeks 52 weeks earlier.
    PreviousYear,
}

/// What a range is compared to, bucket by bucket in their order.
#[derive(OneofObject, Clone, Debug)]
pub enum CompareTo {
    /// A range that follows from it.
    Period(ComparedPeriod),
    /// A range of its own; both ends have to be given.
    Range(TimeRange),
}

/// By what groups are ordered, and so which of them are named.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrendOrderField {
    /// A measure over the whole range; of what lasts, counts of all buckets are added up.
    Value,
    /// The dimensions, as text; bins of a histogram by their bounds.
    Key,
}

/// An order of groups.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct TrendOrder {
    /// By what.
    #[graphql(default_with = "TrendOrderField::Value")]
    field: TrendOrderField,
    /// By which of the measures: its place in `measures`, from 0.
    #[graphql(default = 0)]
    measure: i32,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// What a group has to hold over the whole range; all comparisons that are given have to.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct Having {
    /// Which of the measures: its place in `measures`, from 0.
    #[graphql(default = 0)]
    measure: i32,
    /// Greater than this.
    gt: Option<f64>,
    /// This or greater.
    gte: Option<f64>,
    /// Less than this.
    lt: Option<f64>,
    /// This or less.
    lte: Option<f64>,
}

/// A measure as a client asks for it.
pub trait MeasureInput<D: Dataset> {
    /// How rows call it, and what it is.
    ///
    /// # Errors
    /// A level that is none.
    fn named(self) -> Result<(String, Measure<D>), Error>;
}

/// Bins as a client asks for them.
pub trait Bins<D: Dataset> {
    /// # Errors
    /// A width that is none.
    fn bins(self) -> Result<Histogram<D::Number>, Error>;
}

impl<D, C, N> MeasureInput<D> for NumberMeasure<C, N, Quantile<N>>
where
    D: Dataset,
    C: InputType + Enumerated + Into<Measure<D>>,
    N: InputType + Enumerated + Into<D::Number>,
    Quantile<N>: InputType,
{
    fn named(self) -> Result<(String, Measure<D>), Error> {
        let of = |function: &str, number: N| format!("{function}({})", name(number));
        Ok(match self {
            Self::Count(counted) => counting(counted),
            Self::Sum(number) => (of("sum", number), Measure::Sum(number.into())),
            Self::Avg(number) => (of("avg", number), Measure::Average(number.into())),
            Self::Min(number) => (of("min", number), Measure::Minimum(number.into())),
            Self::Max(number) => (of("max", number), Measure::Maximum(number.into())),
            Self::Quantile(Quantile { of: number, level }) => {
                if !(0.0..=1.0).contains(&level) {
                    return Err(bad_input(format!("`level` is {level}; it has to be between 0 and 1")));
                }
                (format!("quantile({}, {level})", name(number)), Measure::Quantile(number.into(), level))
            }
        })
    }
}

impl<D: Dataset, C: InputType + Enumerated + Into<Measure<D>>> MeasureInput<D> for CountMeasure<C> {
    fn named(self) -> Result<(String, Measure<D>), Error> {
        let Self::Count(counted) = self;
        Ok(counting(counted))
    }
}

impl<D: Dataset, N: InputType + Into<D::Number>> Bins<D> for HistogramInput<N> {
    fn bins(self) -> Result<Histogram<D::Number>, Error> {
        match self.width {
            width if width.is_finite() && width > 0.0 => Ok(Histogram { of: self.of.into(), width }),
            width => Err(bad_input(format!("`width` is {width}; it has to be greater than 0"))),
        }
    }
}

/// Enums whose values have names in the schema.
pub trait Enumerated: Copy + async_graphql::resolver_utils::EnumType {}

impl<E: Copy + async_graphql::resolver_utils::EnumType> Enumerated for E {}

/// How the schema calls a value.
pub fn name(value: impl Enumerated) -> String {
    match enum_value(value) {
        Value::Enum(name) => name.to_string(),
        _ => String::new(),
    }
}

fn counting<D: Dataset, C: Enumerated + Into<Measure<D>>>(counted: C) -> (String, Measure<D>) {
    let measure = counted.into();
    let name = match measure {
        Measure::Count => "count".to_owned(),
        _ => format!("count({})", name(counted)),
    };
    (name, measure)
}

/// The arguments of a trend, read.
pub struct Arguments<D: Dataset> {
    pub filter: Filter<D::Field>,
    /// With their names.
    pub dimensions: Vec<(String, D::Dimension)>,
    pub measures: Vec<(String, Measure<D>)>,
    pub histogram: Option<Histogram<D::Number>>,
    pub bucket: Option<Bucket>,
    pub calendar: Calendar,
    pub range: Option<TimeRange>,
    pub compare_to: Option<CompareTo>,
    pub ranking: Ranking,
    pub having: Vec<aggregate::Having>,
    pub top: u32,
    pub fills: bool,
    pub is_cumulative: bool,
    pub moving_average: Option<usize>,
}

impl<D: Dataset> Arguments<D> {
    pub fn dimension_names(&self) -> Vec<String> {
        let names = self.dimensions.iter().map(|(name, _)| name.clone());
        names.chain(self.histogram.map(|_| "HISTOGRAM".to_owned())).collect()
    }
}

/// The arguments that all datasets have in common, as clients give them.
pub struct Common {
    pub bucket: Option<Bucket>,
    pub time_zone: String,
    pub first_day_of_week: FirstDayOfWeek,
    pub range: Option<TimeRange>,
    pub compare_to: Option<CompareTo>,
    pub order_by: Option<TrendOrder>,
    pub having: Vec<Having>,
    pub top: i32,
    pub fill: bool,
    pub cumulative: bool,
    pub moving_average: Option<i32>,
}

impl Common {
    /// # Errors
    /// What is none of its argument's values, or too much.
    pub fn read<D, G, M>(
        self,
        filter: Filter<D::Field>,
        group_by: Vec<G>,
        measures: Vec<M>,
        histogram: Option<Histogram<D::Number>>,
    ) -> Result<Arguments<D>, Error>
    where
        D: Dataset,
        G: Enumerated + Into<D::Dimension>,
        M: MeasureInput<D>,
    {
        for (argument, given, limit) in
            [("groupBy", group_by.len(), Limit::Dimensions), ("measures", measures.len(), Limit::Measures)]
        {
            limit.check(given, |most| format!("`{argument}` holds {given}; at most {most} are allowed"))?;
        }
        let mut measures = measures.into_iter().map(MeasureInput::named).collect::<Result<Vec<_>, _>>()?;
        if measures.is_empty() {
            measures.push(("count".to_owned(), Measure::Count));
        }
        let mut names = HashSet::new();
        if let Some((name, _)) = measures.iter().find(|(name, _)| !names.insert(name)) {
            return Err(bad_input(format!("`measures` holds {name} twice")));
        }
        let zone = time_zone(&self.time_zone)?;
        let top = u32::try_from(self.top).ok().filter(|top| *top > 0);
        let top = top.ok_or_else(|| bad_input("`top` has to be 1 or more"))?;
        Limit::Groups.check(top as usize, |most| format!("`top` is {top}; at most {most} groups are named"))?;
        if self.cumulative && D::SUCCESSION.is_some() {
            return Err(bad_input("`cumulative` adds up what happened; what lasts is there until it ends"));
        }
        Ok(Arguments {
            filter,
            dimensions: group_by.into_iter().map(|dimension| (name(dimension), dimension.into())).collect(),
            ranking: self.ranking(&measures, histogram.is_some())?,
            having: self.having(&measures)?,
            measures,
            histogram,
            bucket: self.bucket,
            calendar: Calendar { zone, first_day: self.first_day_of_week },
            range: self.range,
            compare_to: self.compare_to,
            top,
            fills: self.fill,
            is_cumulative: self.cumulative,
            moving_average: self.moving_average.map(width).transpose()?,
        })
    }

    fn ranking<D: Dataset>(&self, measures: &[(String, Measure<D>)], has_bins: bool) -> Result<Ranking, Error> {
        Ok(match self.order_by {
            None if has_bins => Ranking::Key(OrderDirection::Asc.into()),
            None => Ranking::Measure(0, OrderDirection::Desc.into()),
            Some(TrendOrder { field: TrendOrderField::Key, direction, .. }) => Ranking::Key(direction.into()),
            Some(TrendOrder { measure, direction, .. }) => {
                Ranking::Measure(place(measure, "orderBy.measure", measures)?, direction.into())
            }
        })
    }

    fn having<D: Dataset>(&self, measures: &[(String, Measure<D>)]) -> Result<Vec<aggregate::Having>, Error> {
        let mut conditions = Vec::new();
        for Having { measure, gt, gte, lt, lte } in &self.having {
            let measure = place(*measure, "having.measure", measures)?;
            if [gt, gte, lt, lte].iter().all(|bound| bound.is_none()) {
                return Err(bad_input("`having` needs one of `gt`, `gte`, `lt` and `lte`"));
            }
            for (comparison, value) in [(">", gt), (">=", gte), ("<", lt), ("<=", lte)] {
                conditions.extend(value.map(|value| aggregate::Having { measure, comparison, value }));
            }
        }
        Ok(conditions)
    }
}

/// # Errors
/// A name that is none.
pub fn time_zone(name: &str) -> Result<Tz, Error> {
    name.parse().map_err(|_| bad_input(format!("{name:?} is no time zone; give an IANA name as Europe/Berlin")))
}

fn place<M>(given: i32, argument: &str, measures: &[M]) -> Result<usize, Error> {
    let place = usize::try_from(given).ok().filter(|place| *place < measures.len());
    place.ok_or_else(|| bad_input(format!("`{argument}` is {given}; there are {} measures, from 0", measures.len())))
}

fn width(given: i32) -> Result<usize, Error> {
    let width = usize::try_from(given).ok().filter(|width| (1..=MAX_WIDTH).contains(width));
    width.ok_or_else(|| bad_input(format!("`movingAverage` has to be between 1 and {MAX_WIDTH}")))
}
