//! Conditions on fields: the allow-list by which a filter becomes SQL.

use super::statement::{Fragment, Parameter};

/// A field that can be asked for; its SQL is ours.
pub trait Field: Copy {
    fn sql(self) -> &'static str;

    /// The type ClickHouse reads a compared value as.
    fn server_type(self) -> &'static str {
        "String"
    }

    /// Whether it is a time that is compared as a number of milliseconds; other times are compared as whole seconds.
    fn is_in_milliseconds(self) -> bool {
        false
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Equal(String),
    /// Whatever the case.
    EqualInAnyCase(String),
    NotEqual(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Contains(String),
    StartsWith(String),
    /// Of a time, in seconds since 1970; inclusive.
    Since(i64),
    /// Of a time, in seconds since 1970; exclusive.
    Before(i64),
    /// Of a number.
    IsOneOf(Vec<i64>),
    /// Of a number.
    IsNoneOf(Vec<i64>),
    /// Of a number; inclusive.
    GreaterOrEqual(i64),
    /// Of a number; inclusive.
    LessOrEqual(i64),
    Is(bool),
    /// A list holds one of these.
    HasAny(Vec<String>),
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Condition<F> {
    Compares(F, Operator),
    /// At least one of these holds.
    Any(Vec<Filter<F>>),
    /// This does not hold.
    Not(Filter<F>),
}

impl<F: Field> Condition<F> {
    /// Whether it asks of all its fields, or of any, what `is_it` says.
    fn all(&self, is_it: impl Fn(F) -> bool + Copy) -> bool {
        match self {
            Self::Compares(field, _) => is_it(*field),
            Self::Any(filters) => filters.iter().all(|filter| filter.conditions.iter().all(|part| part.all(is_it))),
            Self::Not(filter) => filter.conditions.iter().all(|part| part.all(is_it)),
        }
    }

    fn fragment(&self) -> Fragment {
        match self {
            Self::Compares(field, operator) => comparison(*field, operator),
            Self::Any(filters) => {
                let any = filters.iter().fold(Fragment::default().text("(false"), |fragment, filter| {
                    fragment.text(" OR (").append(filter.fragment()).text(")")
                });
                any.text(")")
            }
            // What cannot be told of a value that is not known does not hold.
            Self::Not(filter) => Fragment::default().text("NOT ifNull(").append(filter.fragment()).text(", false)"),
        }
    }
}

/// Conditions that all have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter<F> {
    conditions: Vec<Condition<F>>,
}

impl<F> Default for Filter<F> {
    fn default() -> Self {
        Self { conditions: Vec::new() }
    }
}

impl<F: Field> Filter<F> {
    pub fn and(mut self, field: F, operator: Operator) -> Self {
        self.add(field, operator);
        self
    }

    pub fn add(&mut self, field: F, operator: Operator) {
        self.conditions.push(Condition::Compares(field, operator));
    }

    /// All that another filter asks has to hold, too.
    pub fn add_all(&mut self, filter: Self) {
        self.conditions.extend(filter.conditions);
    }

    /// At least one of these has to hold; of none, none does.
    pub fn add_any(&mut self, filters: Vec<Self>) {
        self.conditions.push(Condition::Any(filters));
    }

    /// This must not hold.
    pub fn add_not(&mut self, filter: Self) {
        self.conditions.push(Condition::Not(filter));
    }

    /// Whether a field is asked for at all.
    pub fn mentions(&self, wanted: impl Fn(F) -> bool + Copy) -> bool {
        self.conditions.iter().any(|condition| !condition.all(|field| !wanted(field)))
    }

    /// How many comparisons it holds.
    pub fn size(&self) -> usize {
        let size = |condition: &Condition<F>| match condition {
            Condition::Compares(..) => 1,
            Condition::Any(filters) => filters.iter().map(Self::size).sum(),
            Condition::Not(filter) => filter.size(),
        };
        self.conditions.iter().map(size).sum()
    }

    /// All conditions.
    pub(super) fn fragment(&self) -> Fragment {
        all_of(self.conditions.iter())
    }

    /// The conditions that ask for nothing but what `wanted` picks, and all others.
    pub(super) fn divided(&self, wanted: impl Fn(F) -> bool + Copy) -> (Fragment, Fragment) {
        let (picked, others): (Vec<_>, Vec<_>) = self.conditions.iter().partition(|condition| condition.all(wanted));
        (all_of(picked.into_iter()), all_of(others.into_iter()))
    }
}

fn all_of<'a, F: Field + 'a>(conditions: impl Iterator<Item = &'a Condition<F>>) -> Fragment {
    conditions.fold(Fragment::default().text("true"), |fragment, condition| {
        fragment.text(" AND ").append(condition.fragment())
    })
}

fn comparison<F: Field>(field: F, operator: &Operator) -> Fragment {
    let text = |text: &String| Parameter::Text(text.clone());
    let texts = |texts: &Vec<String>| Parameter::Texts(texts.clone());
    let one = field.server_type();
    let many = format!("Array({one})");
    let field = Fragment::default().text(field.sql());
    let function = |name: &str| Fragment::default().text(name).text("(").append(field.clone()).text(", ");
    let second = |fragment: Fragment, seconds: i64| {
        let call = fragment.text("fromUnixTimestamp64Second(").value(Parameter::Integer(seconds), "Int64");
        call.text(")")
    };
    match operator {
        Operator::Equal(value) => field.text(" = ").value(text(value), one),
        Operator::EqualInAnyCase(value) => {
            let lower = Fragment::default().text("lowerUTF8(").append(field).text(") = lowerUTF8(");
            lower.value(text(value), "String").text(")")
        }
        Operator::NotEqual(value) => field.text(" != ").value(text(value), one),
        Operator::In(values) => field.text(" IN ").value(texts(values), &many),
        Operator::NotIn(values) => field.text(" NOT IN ").value(texts(values), &many),
        Operator::Contains(value) => function("positionCaseInsensitiveUTF8").value(text(value), "String").text(") > 0"),
        Operator::StartsWith(value) => function("startsWith").value(text(value), "String").text(")"),
        Operator::Since(seconds) => second(field.text(" >= "), *seconds),
        Operator::Before(seconds) => second(field.text(" < "), *seconds),
        Operator::IsOneOf(numbers) => field.text(" IN ").value(Parameter::Integers(numbers.clone()), "Array(Int64)"),
        Operator::IsNoneOf(numbers) => {
            field.text(" NOT IN ").value(Parameter::Integers(numbers.clone()), "Array(Int64)")
        }
        Operator::GreaterOrEqual(number) => field.text(" >= ").value(Parameter::Integer(*number), "Int64"),
        Operator::LessOrEqual(number) => field.text(" <= ").value(Parameter::Integer(*number), "Int64"),
        Operator::Is(value) => field.text(" = ").value(Parameter::Bool(*value), "Bool"),
        Operator::HasAny(values) => function("hasAny").value(texts(values), &many).text(")"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Letter {
        A,
        B,
    }

    impl Field for Letter {
        fn sql(self) -> &'static str {
            if self == Self::A { "a" } else { "b" }
        }
    }

    fn a() -> Filter<Letter> {
        Filter::default().and(Letter::A, Operator::Is(true))
    }

    fn b() -> Filter<Letter> {
        Filter::default().and(Letter::B, Operator::Is(true))
    }

    #[test]
    fn what_mixes_fields_belongs_to_neither_alone() {
        let mut filter = a();
        filter.add_any(vec![a(), b()]);
        filter.add_not(a());
        filter.add_not(b());
        let (picked, others) = filter.divided(|letter| letter == Letter::A);
        let sql = |fragment: &Fragment| {
            let statement = super::super::Statement::new("{{filter}}").with("filter", fragment);
            statement.sql().to_owned()
        };
        assert_eq!(sql(&picked), "true AND a = {p0:Bool} AND NOT ifNull(true AND a = {p1:Bool}, false)");
        assert_eq!(
            sql(&others),
            "true AND (false OR (true AND a = {p0:Bool}) OR (true AND b = {p1:Bool})) AND NOT ifNull(true AND b = {p2:Bool}, false)"
        );
        assert_eq!(filter.size(), 5);
        assert!(filter.mentions(|letter| letter == Letter::B) && !a().mentions(|letter| letter == Letter::B));
    }

    #[test]
    fn of_nothing_nothing_holds() {
        let mut filter = Filter::<Letter>::default();
        filter.add_any(Vec::new());
        let statement = super::super::Statement::new("{{filter}}").with("filter", &filter.fragment());
        assert_eq!(statement.sql(), "true AND (false)");
    }
}
