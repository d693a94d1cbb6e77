//! Filter inputs, in one style for every list: comparisons by type here, what each list can be asked for in [`lists`].

mod lists;
mod trends;

use async_graphql::{Error, ID, InputObject};
use uuid::Uuid;

use super::error::bad_input;
use super::id::{self, NodeType};
use super::limits::Limit;
use super::scalars::{DateTime, Long};
use super::types::{
    ChangeClass, EventTypeValue, JobKind, JobState, RepositoryStatus, ResourceStatus, VersionPart, VersionStep,
};
use crate::model;
use crate::store::query::{Field, Filter, Operator};

pub use lists::{
    ChartFilter, ChartVersionChangeFilter, Conditions, ImageFilter, JobFilter, ReferenceFilter, RepositoryFilter,
    RepositoryMetricsFilter, ResourceEventFilter, ResourceFilter, ScanFailureFilter,
};
pub use trends::{
    ChartTrendFilter, ImageTrendFilter, ReferenceTrendFilter, RepositoryMetricsTrendFilter, ResourceTrendFilter,
};

/// Comparisons of a text; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct StringFilter {
    /// Equal to this.
    eq: Option<String>,
    /// Not equal to this.
    ne: Option<String>,
    /// One of these.
    r#in: Option<Vec<String>>,
    /// None of these.
    not_in: Option<Vec<String>>,
    /// Contains this, whatever the case.
    contains: Option<String>,
    /// Begins with this.
    starts_with: Option<String>,
}

/// Comparisons of a number; all that are given have to hold. A number that is not known compares with none.
#[derive(InputObject, Clone, Debug, Default)]
pub struct LongFilter {
    /// Equal to this.
    eq: Option<Long>,
    /// Not equal to this.
    ne: Option<Long>,
    /// One of these.
    r#in: Option<Vec<Long>>,
    /// None of these.
    not_in: Option<Vec<Long>>,
    /// Greater than this.
    gt: Option<Long>,
    /// This or greater.
    gte: Option<Long>,
    /// Less than this.
    lt: Option<Long>,
    /// This or less.
    lte: Option<Long>,
}

/// Comparisons of a point in time; all that are given have to hold. A time that is not known compares with none.
#[derive(InputObject, Clone, Debug, Default)]
pub struct DateTimeFilter {
    /// After this.
    gt: Option<DateTime>,
    /// At this or after it.
    gte: Option<DateTime>,
    /// Before this.
    lt: Option<DateTime>,
    /// At this or before it.
    lte: Option<DateTime>,
}

/// Comparisons of a reference; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct IdFilter {
    /// This one.
    eq: Option<ID>,
    /// Not this one.
    ne: Option<ID>,
    /// One of these.
    r#in: Option<Vec<ID>>,
    /// None of these.
    not_in: Option<Vec<ID>>,
}

/// Conditions on a list of references; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct IdListFilter {
    /// Holds this.
    has: Option<ID>,
    /// Holds one of these.
    has_any: Option<Vec<ID>>,
}

/// Conditions on a list of texts; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ListFilter {
    /// Holds this.
    has: Option<String>,
    /// Holds one of these.
    has_any: Option<Vec<String>>,
}

/// Defines the comparisons of an enum: how they are called, the enum, and the names that are stored of its values.
macro_rules! enum_filter {
    ($(#[$documentation:meta])* $name:ident, $of:ty, $stored:expr) => {
        $(#[$documentation])*
        #[derive(InputObject, Clone, Debug, Default)]
        pub struct $name {
            /// This one.
            eq: Option<$of>,
            /// Not this one.
            ne: Option<$of>,
            /// One of these.
            r#in: Option<Vec<$of>>,
            /// None of these.
            not_in: Option<Vec<$of>>,
        }

        impl<F: Field> Comparisons<F> for $name {
            fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
                let name = |value: &$of| ($stored)(*value).to_owned();
                let names = |values: &Vec<$of>| values.iter().map(name).collect();
                let operators = [
                    self.eq.as_ref().map(|value| Operator::Equal(name(value))),
                    self.ne.as_ref().map(|value| Operator::NotEqual(name(value))),
                    self.r#in.as_ref().map(|values| Operator::In(names(values))),
                    self.not_in.as_ref().map(|values| Operator::NotIn(names(values))),
                ];
                add(filter, field, operators)
            }
        }
    };
}

enum_filter! {
    /// Comparisons of a repository's status; all that are given have to hold.
    RepositoryStatusFilter, RepositoryStatus, RepositoryStatus::as_str
}
enum_filter! {
    /// Comparisons of what a job does; all that are given have to hold.
    JobKindFilter, JobKind, |kind| model::JobKind::from(kind).as_str()
}
enum_filter! {
    /// Comparisons of how far a job is; all that are given have to hold.
    JobStateFilter, JobState, |state| model::JobState::from(state).as_str()
}
enum_filter! {
    /// Comparisons of an event's type; all that are given have to hold.
    EventTypeFilter, EventTypeValue, EventTypeValue::as_str
}
enum_filter! {
    /// Comparisons of a resource's status; all that are given have to hold.
    ResourceStatusFilter, ResourceStatus, ResourceStatus::as_str
}
enum_filter! {
    /// Comparisons of the class of a change; all that are given have to hold.
    ChangeClassFilter, ChangeClass, ChangeClass::as_str
}
enum_filter! {
    /// Comparisons of the direction of a change of version; all that are given have to hold.
    VersionStepFilter, VersionStep, VersionStep::as_str
}
enum_filter! {
    /// Comparisons of the part of a version that changed; all that are given have to hold.
    VersionPartFilter, VersionPart, VersionPart::as_str
}

/// Comparisons of one field.
trait Comparisons<F: Field> {
    /// Adds them to what has to hold.
    ///
    /// # Errors
    /// When a value is none of the field's, or too large.
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error>;
}

/// What is not given asks for nothing.
impl<F: Field, C: Comparisons<F>> Comparisons<F> for Option<C> {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        self.as_ref().map_or(Ok(()), |comparisons| comparisons.add_to(filter, field))
    }
}

impl<F: Field> Comparisons<F> for StringFilter {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        let Self { eq, ne, r#in, not_in, contains, starts_with } = self.clone();
        let operators = [
            eq.map(Operator::Equal),
            ne.map(Operator::NotEqual),
            r#in.map(Operator::In),
            not_in.map(Operator::NotIn),
            contains.map(Operator::Contains),
            starts_with.map(Operator::StartsWith),
        ];
        add(filter, field, operators)
    }
}

impl<F: Field> Comparisons<F> for LongFilter {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        let numbers = |list: &Vec<Long>| list.iter().map(|number| number.0).collect::<Vec<i64>>();
        let of_lists = [
            self.eq.map(|number| Operator::IsOneOf(vec![number.0])),
            self.ne.map(|number| Operator::IsNoneOf(vec![number.0])),
            self.r#in.as_ref().map(|list| Operator::IsOneOf(numbers(list))),
            self.not_in.as_ref().map(|list| Operator::IsNoneOf(numbers(list))),
        ];
        add(filter, field, of_lists)?;
        // No number is greater than the greatest.
        let after =
            |number: Long| number.0.checked_add(1).map_or(Operator::IsOneOf(Vec::new()), Operator::GreaterOrEqual);
        let before =
            |number: Long| number.0.checked_sub(1).map_or(Operator::IsOneOf(Vec::new()), Operator::LessOrEqual);
        let of_bounds = [
            self.gt.map(after),
            self.gte.map(|number| Operator::GreaterOrEqual(number.0)),
            self.lt.map(before),
            self.lte.map(|number| Operator::LessOrEqual(number.0)),
        ];
        add(filter, field, of_bounds)
    }
}

impl<F: Field> Comparisons<F> for DateTimeFilter {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        if field.is_in_milliseconds() {
            let milliseconds = [
                self.gt.map(|time| Operator::GreaterOrEqual(time.0.timestamp_millis().saturating_add(1))),
                self.gte.map(|time| Operator::GreaterOrEqual(time.ceil_milliseconds())),
                self.lt.map(|time| Operator::LessOrEqual(time.ceil_milliseconds().saturating_sub(1))),
                self.lte.map(|time| Operator::LessOrEqual(time.0.timestamp_millis())),
            ];
            return add(filter, field, milliseconds);
        }
        // Other stored times have whole seconds.
        let operators = [
            self.gt.map(|time| Operator::Since(time.next_second())),
            self.gte.map(|time| Operator::Since(time.ceil_seconds())),
            self.lt.map(|time| Operator::Before(time.ceil_seconds())),
            self.lte.map(|time| Operator::Before(time.next_second())),
        ];
        add(filter, field, operators)
    }
}

impl<F: Field> Comparisons<F> for ListFilter {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        let has = self.has.clone().map(|text| Operator::HasAny(vec![text]));
        add(filter, field, [has, self.has_any.clone().map(Operator::HasAny)])
    }
}

impl<F: Field> Comparisons<F> for bool {
    fn add_to(&self, filter: &mut Filter<F>, field: F) -> Result<(), Error> {
        add(filter, field, [Some(Operator::Is(*self))])
    }
}

/// Reads the ids of nodes of one type.
fn node(node: NodeType) -> impl Fn(&ID) -> Result<String, Error> {
    move |id| Ok(id::decode_as(node, id)?.to_string())
}

/// Reads the id of a run of a scan, which is no node: it is a plain UUID.
fn run(id: &ID) -> Result<String, Error> {
    match Uuid::parse_str(id) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(bad_input("`runId` takes the ids that `ResourceEvent.runId` and `Job.runId` have")),
    }
}

/// Comparisons of ids.
trait IdComparisons {
    /// What has to hold; `key` reads an id.
    ///
    /// # Errors
    /// When an id is none of the field's.
    fn operators(&self, key: impl Fn(&ID) -> Result<String, Error>) -> Result<Vec<Option<Operator>>, Error>;
}

impl IdComparisons for IdFilter {
    fn operators(&self, key: impl Fn(&ID) -> Result<String, Error>) -> Result<Vec<Option<Operator>>, Error> {
        let one = |id: &Option<ID>| id.as_ref().map(&key).transpose();
        let many = |ids: &Option<Vec<ID>>| ids.as_ref().map(|ids| ids.iter().map(&key).collect()).transpose();
        Ok(vec![
            one(&self.eq)?.map(Operator::Equal),
            one(&self.ne)?.map(Operator::NotEqual),
            many(&self.r#in)?.map(Operator::In),
            many(&self.not_in)?.map(Operator::NotIn),
        ])
    }
}

impl IdComparisons for IdListFilter {
    fn operators(&self, key: impl Fn(&ID) -> Result<String, Error>) -> Result<Vec<Option<Operator>>, Error> {
        let has = self.has.as_ref().map(|id| Ok::<_, Error>(vec![key(id)?])).transpose()?;
        let has_any = self.has_any.as_ref().map(|ids| ids.iter().map(&key).collect()).transpose()?;
        Ok(vec![has.map(Operator::HasAny), has_any.map(Operator::HasAny)])
    }
}

fn ids<F: Field>(
    filter: &mut Filter<F>,
    field: F,
    given: &Option<impl IdComparisons>,
    key: impl Fn(&ID) -> Result<String, Error>,
) -> Result<(), Error> {
    match given {
        Some(given) => add(filter, field, given.operators(key)?),
        None => Ok(()),
    }
}

fn add<F: Field>(
    filter: &mut Filter<F>,
    field: F,
    operators: impl IntoIterator<Item = Option<Operator>>,
) -> Result<(), Error> {
    for operator in operators.into_iter().flatten() {
        check_size(&operator)?;
        filter.add(field, operator);
    }
    Ok(())
}

fn check_size(operator: &Operator) -> Result<(), Error> {
    let (texts, values) = match operator {
        Operator::In(texts) | Operator::NotIn(texts) | Operator::HasAny(texts) => (texts.as_slice(), texts.len()),
        Operator::Equal(text)
        | Operator::EqualInAnyCase(text)
        | Operator::NotEqual(text)
        | Operator::Contains(text)
        | Operator::StartsWith(text) => (std::slice::from_ref(text), 1),
        Operator::IsOneOf(numbers) | Operator::IsNoneOf(numbers) => (&[][..], numbers.len()),
        Operator::Since(_)
        | Operator::Before(_)
        | Operator::GreaterOrEqual(_)
        | Operator::LessOrEqual(_)
        | Operator::Is(_) => (&[][..], 1),
    };
    Limit::FilterValues
        .check(values, |most| format!("a filter's list holds {values} values; at most {most} are allowed"))?;
    let longest = texts.iter().map(String::len).max().unwrap_or_default();
    Limit::FilterTextBytes
        .check(longest, |most| format!("a filter's text has {longest} bytes; at most {most} are allowed"))
}
