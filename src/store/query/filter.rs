//! Conditions on fields: the allow-list by which a filter becomes SQL.

use super::statement::{Fragment, Parameter};

/// A field that can be asked for; its SQL is ours.
pub trait Field: Copy {
    fn sql(self) -> &'static str;

    /// The type ClickHouse reads a compared value as.
    fn server_type(self) -> &'static str {
        "String"
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Equal(String),
    NotEqual(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Contains(String),
    StartsWith(String),
    /// Seconds since 1970, inclusive.
    AtLeast(i64),
    /// Seconds since 1970, exclusive.
    LessThan(i64),
    Is(bool),
    /// A list holds one of these.
    HasAny(Vec<String>),
}

/// A comparison of one field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Condition<F> {
    field: F,
    operator: Operator,
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
        self.conditions.push(Condition { field, operator });
    }

    /// Whether a field is asked for at all.
    pub fn mentions(&self, wanted: impl Fn(F) -> bool) -> bool {
        self.conditions.iter().any(|condition| wanted(condition.field))
    }

    /// The conditions on the fields that `wanted` picks.
    pub(super) fn fragment(&self, wanted: impl Fn(F) -> bool) -> Fragment {
        let picked = self.conditions.iter().filter(|condition| wanted(condition.field));
        picked.fold(Fragment::default().text("true"), |fragment, condition| {
            fragment.text(" AND ").append(comparison(condition.field, &condition.operator))
        })
    }
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
        Operator::NotEqual(value) => field.text(" != ").value(text(value), one),
        Operator::In(values) => field.text(" IN ").value(texts(values), &many),
        Operator::NotIn(values) => field.text(" NOT IN ").value(texts(values), &many),
        Operator::Contains(value) => function("positionCaseInsensitiveUTF8").value(text(value), "String").text(") > 0"),
        Operator::StartsWith(value) => function("startsWith").value(text(value), "String").text(")"),
        Operator::AtLeast(seconds) => second(field.text(" >= "), *seconds),
        Operator::LessThan(seconds) => second(field.text(" < "), *seconds),
        Operator::Is(value) => field.text(" = ").value(Parameter::Bool(*value), "Bool"),
        Operator::HasAny(values) => function("hasAny").value(texts(values), &many).text(")"),
    }
}
