//! Lengths of time, as ISO 8601 writes them.

use async_graphql::{Description, InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// Seconds of a minute, an hour, a day and a week.
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A length of time in ISO 8601: `PT10M`, `PT1H30M`, `PT0.250S`. Out: hours, minutes and seconds. In: weeks and days, too (`P2W`,
/// `P1DT12H`), a day being 24 hours; not years and months, which have no fixed length: give weeks or days.
#[derive(Clone, Copy, Debug, Description, PartialEq, Eq)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// Between two points in time, in milliseconds since 1970; none where the second lies before the first.
    pub fn between(from: i64, to: i64) -> Option<Self> {
        let milliseconds = u64::try_from(to.checked_sub(from)?).ok()?;
        Some(Self(std::time::Duration::from_millis(milliseconds)))
    }

    fn read(text: &str) -> Option<Self> {
        let (days, time) = match text.strip_prefix('P')?.split_once('T') {
            Some((_, "")) => return None,
            Some((days, time)) => (days, time),
            None => (text.strip_prefix('P')?, ""),
        };
        if days.is_empty() && time.is_empty() {
            return None;
        }
        let of_days = Self::sum(days, &[('W', WEEK), ('D', DAY)])?;
        let of_time = Self::sum(time, &[('H', HOUR), ('M', MINUTE), ('S', 1)])?;
        of_days.checked_add(of_time).map(Self)
    }

    fn has_years_or_months(text: &str) -> bool {
        let date = text.strip_prefix('P').and_then(|text| text.split('T').next());
        date.is_some_and(|date| date.contains(['Y', 'M']))
    }

    /// The sum of numbers that are each followed by their unit, in the order of the units.
    fn sum(mut text: &str, units: &[(char, u64)]) -> Option<std::time::Duration> {
        let mut sum = std::time::Duration::ZERO;
        for (unit, seconds) in units {
            let Some((number, rest)) = text.split_once(*unit) else { continue };
            // ISO 8601 knows both marks of a fraction.
            let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
            let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 || (*seconds > 1 && number != whole) {
                return None;
            }
            let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
            let whole = whole.parse::<u64>().ok()?.checked_mul(*seconds)?;
            sum = sum.checked_add(std::time::Duration::new(whole, nanoseconds))?;
            text = rest;
        }
        text.is_empty().then_some(sum)
    }

    fn written(self) -> String {
        let seconds = self.0.as_secs();
        let mut text = "PT".to_owned();
        for (unit, amount) in [('H', seconds / HOUR), ('M', seconds % HOUR / MINUTE)] {
            if amount > 0 {
                text.push_str(&format!("{amount}{unit}"));
            }
        }
        match (seconds % MINUTE, self.0.subsec_millis()) {
            (0, 0) if text.len() > 2 => {}
            (seconds, 0) => text.push_str(&format!("{seconds}S")),
            (seconds, milliseconds) => text.push_str(&format!("{seconds}.{milliseconds:03}S")),
        }
        text
    }
}

#[Scalar(use_type_description, specified_by_url = "https://www.iso.org/iso-8601-date-and-time-format.html")]
impl ScalarType for Duration {
    fn parse(value: Value) -> InputValueResult<Self> {
        let duration = match &value {
            Value::String(text) => Self::read(text),
            _ => None,
        };
        duration.ok_or_else(|| match &value {
            Value::String(text) if Self::has_years_or_months(text) => InputValueError::custom(
                "years and months have no fixed length: give weeks or days, such as P52W or P30D",
            ),
            _ => InputValueError::custom("not a duration: give one of ISO 8601, such as PT10M or P1DT12H"),
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(text: &str) -> Option<u128> {
        <Duration as ScalarType>::parse(text.into()).ok().map(|duration| duration.0.as_millis())
    }

    #[test]
    fn durations_are_read_as_iso_8601_has_them() {
        for (text, expected) in [
            ("PT0S", 0),
            ("PT10M", 600_000),
            ("PT1H30M", 5_400_000),
            ("PT90M", 5_400_000),
            ("PT0.25S", 250),
            ("PT1,5S", 1_500),
            ("P1D", 86_400_000),
            ("P1DT12H", 129_600_000),
            ("P2W", 1_209_600_000),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "10m",
            "PT10",
            "PT-1S",
            "PT1M1H",
            "P1Y",
            "P1M",
            "P1H",
            "PT1.5H",
            "PT.5S",
            "P1DT",
            "PTS",
            "PT1S1S",
            "PT99999999999999999999S",
            "pt10m",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert!(<Duration as ScalarType>::parse(600.into()).is_err());
        for (text, has) in [("P1Y", true), ("P1M", true), ("P1Y2M3DT4M", true), ("PT1M", false), ("1Y", false)] {
            assert_eq!(Duration::has_years_or_months(text), has, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (milliseconds_of, expected) in [
            (0, "PT0S"),
            (250, "PT0.250S"),
            (600_000, "PT10M"),
            (5_430_500, "PT1H30M30.500S"),
            (129_600_000, "PT36H"),
            (3_600_007, "PT1H0.007S"),
        ] {
            let duration = Duration::between(1_000, 1_000 + milliseconds_of).unwrap();
            assert_eq!(ScalarType::to_value(&duration), Value::from(expected));
            assert_eq!(milliseconds(expected), u128::try_from(milliseconds_of).ok());
        }
        assert_eq!(Duration::between(1, 0), None);
    }
}
