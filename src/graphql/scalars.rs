//! Scalars of our own.

use async_graphql::{Description, InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use chrono::{NaiveDate, Utc};

/// A point in time. Out: RFC 3339 in UTC (`2024-05-01T12:00:00Z`). In: RFC 3339, a date (`2024-05-01`, midnight UTC), or
/// milliseconds since 1970 as a number or text; not a year alone, which is no date.
#[derive(Clone, Copy, Debug, Default, Description, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

impl DateTime {
    /// Seconds since 1970; times outside the years 0000 to 9999 become the nearest one inside.
    pub fn from_seconds(seconds: i64) -> Self {
        const FIRST: i64 = -62_167_219_200;
        const LAST: i64 = 253_402_300_799;
        Self(chrono::DateTime::from_timestamp(seconds.clamp(FIRST, LAST), 0).unwrap_or_default())
    }

    /// Milliseconds since 1970.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(chrono::DateTime::from_timestamp_millis(milliseconds).unwrap_or_default())
    }

    /// Whole seconds since 1970, rounded up: commit times have whole seconds, so a half-open range keeps its meaning.
    pub fn ceil_seconds(self) -> i64 {
        self.0.timestamp() + i64::from(self.0.timestamp_subsec_nanos() > 0)
    }

    /// Milliseconds since 1970, rounded up.
    pub fn ceil_milliseconds(self) -> i64 {
        self.0.timestamp_millis() + i64::from(!self.0.timestamp_subsec_nanos().is_multiple_of(1_000_000))
    }

    /// The first whole second after it, since 1970.
    pub fn next_second(self) -> i64 {
        self.0.timestamp().saturating_add(1)
    }

    fn read(text: &str) -> Option<Self> {
        if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
            return Some(Self(time.to_utc()));
        }
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Some(Self(date.and_time(chrono::NaiveTime::MIN).and_utc()));
        }
        if is_year(text) {
            return None;
        }
        text.parse().ok().and_then(chrono::DateTime::from_timestamp_millis).map(Self)
    }
}

/// Whoever writes four digits means a year, and no moment of the first ten seconds after 1970.
fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number without a fraction; clients whose numbers are all floating ones write `1.7145216e12`.
#[allow(clippy::cast_possible_truncation, reason = "within the whole numbers that a floating one holds exactly")]
fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let floating = || number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT);
    number.as_i64().or_else(|| floating().map(|number| number as i64))
}

#[Scalar(use_type_description, specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let time = match &value {
            Value::String(text) => Self::read(text),
            Value::Number(number) => whole(number).and_then(chrono::DateTime::from_timestamp_millis).map(Self),
            _ => None,
        };
        time.ok_or_else(|| match &value {
            Value::String(text) if is_year(text) => {
                InputValueError::custom(format!("a year alone is no date: give its first day, {text}-01-01"))
            }
            _ => InputValueError::custom(
                "not a time: give RFC 3339 (2024-05-01T12:00:00Z), a date (2024-05-01) or milliseconds since 1970",
            ),
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

/// A 64-bit integer as a JSON number.
#[derive(Clone, Copy, Debug, Default, Description, PartialEq, Eq)]
pub struct Long(pub i64);

impl From<u64> for Long {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[Scalar(use_type_description)]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().map(Self).ok_or_else(|| InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// The part of a whole, from 0 to 1; of nothing, 0.
#[allow(clippy::cast_precision_loss, reason = "a share needs no exact numbers")]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, expected: &str) {
        let time = <DateTime as ScalarType>::parse(value).ok().unwrap();
        assert_eq!(ScalarType::to_value(&time), Value::from(expected));
    }

    #[test]
    fn times_are_read_in_every_documented_form() {
        check("2024-05-01T12:00:00+02:00".into(), "2024-05-01T10:00:00Z");
        check("2024-05-01".into(), "2024-05-01T00:00:00Z");
        check("2024-05-01t12:00:00z".into(), "2024-05-01T12:00:00Z");
        check("2024-05-01T12:00:00.250+00:00".into(), "2024-05-01T12:00:00.250Z");
        check(1_714_521_600_000_i64.into(), "2024-05-01T00:00:00Z");
        check(1.714_521_6e12.into(), "2024-05-01T00:00:00Z");
        check(2024.into(), "1970-01-01T00:00:02.024Z");
        check((-1000).into(), "1969-12-31T23:59:59Z");
        check("1714521600000".into(), "2024-05-01T00:00:00Z");
        check("1714521600500".into(), "2024-05-01T00:00:00.500Z");
        for text in ["yesterday", "", "2024-13-01", "2024"] {
            assert!(<DateTime as ScalarType>::parse(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn absurd_commit_times_stay_printable() {
        assert_eq!(ScalarType::to_value(&DateTime::from_seconds(i64::MAX)), Value::from("9999-12-31T23:59:59Z"));
        assert_eq!(ScalarType::to_value(&DateTime::from_seconds(i64::MIN)), Value::from("0000-01-01T00:00:00Z"));
    }
}
