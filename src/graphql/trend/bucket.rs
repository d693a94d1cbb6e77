//! Buckets of time: where they begin in a time zone, clock changes included.

use async_graphql::{Enum, Error};
use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Timelike, Utc, Weekday,
};
use chrono_tz::Tz;

use crate::graphql::limits::{Limit, Limits, as_size, exceeded};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Buckets that AUTO makes at most, more or less: as many as a chart shows well.
const FITTING: i64 = 130;

/// The width of a bucket.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour of the clock.
    Hour,
    /// A day, from midnight.
    Day,
    /// A week, from Monday or what `firstDayOfWeek` says.
    Week,
    /// A month.
    Month,
    /// A quarter of a year: from January, April, July, October.
    Quarter,
    /// A year.
    Year,
    /// The narrowest of which about 130 reach over the range.
    Auto,
}

/// The day that a week begins with.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstDayOfWeek {
    /// As ISO 8601 has it.
    Monday,
    /// As in the Americas.
    Sunday,
    /// As in much of the Arab world.
    Saturday,
}

/// Where days and weeks begin.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub zone: Tz,
    pub first_day: FirstDayOfWeek,
}

impl Calendar {
    fn days_into_week(self, date: NaiveDate) -> u64 {
        let first = match self.first_day {
            FirstDayOfWeek::Monday => Weekday::Mon,
            FirstDayOfWeek::Sunday => Weekday::Sun,
            FirstDayOfWeek::Saturday => Weekday::Sat,
        };
        u64::from(date.weekday().days_since(first))
    }

    /// The same local time a year before; of the 29th of February, the 28th.
    pub fn year_before(self, seconds: i64) -> Option<i64> {
        self.moved(seconds, |time| time.checked_sub_months(Months::new(12)))
    }

    fn moved(self, seconds: i64, by: impl Fn(NaiveDateTime) -> Option<NaiveDateTime>) -> Option<i64> {
        let local = DateTime::<Utc>::from_timestamp(seconds, 0)?.with_timezone(&self.zone).naive_local();
        Some(instant(self.zone, by(local)?))
    }
}

impl Bucket {
    /// The bucket itself; of AUTO, the one that fits the range.
    pub fn resolved(self, from: i64, to: i64) -> Self {
        let widths = [
            (Self::Hour, HOUR),
            (Self::Day, DAY),
            (Self::Week, 7 * DAY),
            (Self::Month, 30 * DAY),
            (Self::Quarter, 91 * DAY),
        ];
        let fits = |(_, width): &(Self, i64)| to.saturating_sub(from) / width <= FITTING;
        match self {
            Self::Auto => widths.into_iter().find(fits).map_or(Self::Year, |(bucket, _)| bucket),
            bucket => bucket,
        }
    }

    /// The instant that lies as many buckets earlier: the same local time, hours apart.
    pub fn earlier(self, calendar: Calendar, seconds: i64, buckets: u32) -> Option<i64> {
        let months = |count: u32| Some(Months::new(buckets.checked_mul(count)?));
        match self {
            Self::Hour => seconds.checked_sub(i64::from(buckets) * HOUR),
            Self::Day | Self::Auto => {
                calendar.moved(seconds, |time| time.checked_sub_days(Days::new(u64::from(buckets))))
            }
            Self::Week => calendar.moved(seconds, |time| time.checked_sub_days(Days::new(7 * u64::from(buckets)))),
            Self::Month => calendar.moved(seconds, |time| time.checked_sub_months(months(1)?)),
            Self::Quarter => calendar.moved(seconds, |time| time.checked_sub_months(months(3)?)),
            Self::Year => calendar.moved(seconds, |time| time.checked_sub_months(months(12)?)),
        }
    }

    /// Where the same day, or the same hour of it, begins a year before; the 29th of February has none.
    pub fn same_a_year_before(self, calendar: Calendar, start: i64) -> Option<i64> {
        match self {
            // Clocks that change by half an hour begin one in its middle.
            Self::Hour => calendar.moved(start, |time| time.with_minute(0)?.with_year(time.year() - 1)),
            _ => {
                let date = local_date(calendar.zone, start)?;
                Some(midnight(calendar.zone, date.with_year(date.year() - 1)?))
            }
        }
    }

    /// The first second of every bucket that overlaps `from..to`, within the limits.
    ///
    /// # Errors
    /// More buckets than are allowed.
    pub fn within(self, calendar: Calendar, from: i64, to: i64, limits: &Limits) -> Result<Vec<i64>, Error> {
        let most = limits.maximum(Limit::Buckets);
        self.starts(calendar, from, to, as_size(most)).ok_or_else(|| {
            let message = format!("more than {most} buckets; take a wider bucket or a shorter range");
            exceeded(Limit::Buckets, None, most, message)
        })
    }

    /// The first second of every bucket that overlaps `from..to` (seconds since 1970), ascending; `None` when there are
    /// more than `limit`.
    fn starts(self, calendar: Calendar, from: i64, to: i64, limit: usize) -> Option<Vec<i64>> {
        let zone = calendar.zone;
        let mut starts = Vec::new();
        match self {
            Self::Hour => {
                let mut start = from - (from + offset(zone, from)).rem_euclid(HOUR);
                while start < to {
                    starts.push(start);
                    if starts.len() > limit {
                        return None;
                    }
                    // To the next full hour of the clock: some clocks change by half an hour.
                    start += HOUR - (start + offset(zone, start)).rem_euclid(HOUR);
                }
            }
            _ => {
                let mut date = self.floor(calendar, local_date(zone, from)?);
                loop {
                    let start = midnight(zone, date);
                    if start >= to {
                        break;
                    }
                    starts.push(start);
                    if starts.len() > limit {
                        return None;
                    }
                    date = self.next(date)?;
                }
            }
        }
        Some(starts)
    }

    /// The first day of the bucket that a day is in.
    fn floor(self, calendar: Calendar, date: NaiveDate) -> NaiveDate {
        let first = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Hour | Self::Day | Self::Auto => date,
            Self::Week => date - Days::new(calendar.days_into_week(date)),
            Self::Month => first(date.month()),
            Self::Quarter => first((date.month0() / 3) * 3 + 1),
            Self::Year => first(1),
        }
    }

    fn next(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Hour | Self::Day | Self::Auto => date.succ_opt(),
            Self::Week => date.checked_add_days(Days::new(7)),
            Self::Month => date.checked_add_months(Months::new(1)),
            Self::Quarter => date.checked_add_months(Months::new(3)),
            Self::Year => date.checked_add_months(Months::new(12)),
        }
    }
}

/// Seconds that local clocks are ahead of UTC.
fn offset(zone: Tz, seconds: i64) -> i64 {
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc())
}

fn local_date(zone: Tz, seconds: i64) -> Option<NaiveDate> {
    Some(DateTime::<Utc>::from_timestamp(seconds, 0)?.with_timezone(&zone).date_naive())
}

/// The first instant of a local day.
fn midnight(zone: Tz, date: NaiveDate) -> i64 {
    instant(zone, date.and_time(NaiveTime::MIN))
}

/// When local clocks show a time; the first instant after the gap in which they skip it, the earlier where they pass it twice.
fn instant(zone: Tz, mut time: NaiveDateTime) -> i64 {
    loop {
        match zone.from_local_datetime(&time) {
            LocalResult::Single(start) | LocalResult::Ambiguous(start, _) => return start.timestamp(),
            // No gap is wider than a day, and all end on a multiple of ten minutes or are older than any commit.
            LocalResult::None => time += TimeDelta::minutes(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar { zone: zone.parse().unwrap(), first_day: FirstDayOfWeek::Monday }
    }

    fn check(bucket: Bucket, zone: &str, from: &str, to: &str, expected: &[&str]) {
        let seconds = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp();
        let starts = bucket.starts(calendar(zone), seconds(from), seconds(to), 1_000).unwrap();
        let starts: Vec<String> = starts
            .into_iter()
            .map(|start| DateTime::from_timestamp(start, 0).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            .collect();
        assert_eq!(starts, expected, "{bucket:?} {zone}");
    }

    #[test]
    fn days_follow_the_local_clock_through_its_changes() {
        check(
            Bucket::Day,
            "Europe/Berlin",
            "2024-03-30T12:00:00Z",
            "2024-04-01T00:00:00Z",
            &["2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"],
        );
        // Clocks in Santiago skip midnight: the day begins at one o'clock.
        check(
            Bucket::Day,
            "America/Santiago",
            "2024-09-08T12:00:00Z",
            "2024-09-08T13:00:00Z",
            &["2024-09-08T04:00:00Z"],
        );
    }

    #[test]
    fn hours_follow_half_hour_offsets() {
        check(
            Bucket::Hour,
            "Asia/Kolkata",
            "2024-01-01T00:00:00Z",
            "2024-01-01T01:00:00Z",
            &["2023-12-31T23:30:00Z", "2024-01-01T00:30:00Z"],
        );
    }

    #[test]
    fn hours_follow_clock_changes_of_half_an_hour() {
        // Clocks on Lord Howe Island skip from 2:00 to 2:30: that hour has thirty minutes.
        check(
            Bucket::Hour,
            "Australia/Lord_Howe",
            "2024-10-05T14:30:00Z",
            "2024-10-05T17:00:00Z",
            &["2024-10-05T14:30:00Z", "2024-10-05T15:30:00Z", "2024-10-05T16:00:00Z"],
        );
    }

    #[test]
    fn weeks_begin_on_monday_quarters_and_years_in_january() {
        check(Bucket::Week, "UTC", "2024-05-01T00:00:00Z", "2024-05-02T00:00:00Z", &["2024-04-29T00:00:00Z"]);
        check(
            Bucket::Quarter,
            "UTC",
            "2024-05-01T00:00:00Z",
            "2024-07-02T00:00:00Z",
            &["2024-04-01T00:00:00Z", "2024-07-01T00:00:00Z"],
        );
        check(Bucket::Year, "UTC", "2024-05-01T00:00:00Z", "2024-07-02T00:00:00Z", &["2024-01-01T00:00:00Z"]);
        check(Bucket::Month, "UTC", "2024-05-31T00:00:00Z", "2024-06-01T00:00:00Z", &["2024-05-01T00:00:00Z"]);
    }

    #[test]
    fn weeks_begin_where_they_are_asked_to() {
        let seconds = |text: &str| text.parse::<NaiveDate>().unwrap().and_time(NaiveTime::MIN).and_utc().timestamp();
        for (first_day, expected) in [
            (FirstDayOfWeek::Monday, "2024-04-29"),
            (FirstDayOfWeek::Sunday, "2024-04-28"),
            (FirstDayOfWeek::Saturday, "2024-04-27"),
        ] {
            let calendar = Calendar { zone: Tz::UTC, first_day };
            let starts = Bucket::Week.starts(calendar, seconds("2024-05-01"), seconds("2024-05-02"), 9).unwrap();
            assert_eq!(starts, [seconds(expected)]);
        }
    }

    #[test]
    fn earlier_is_the_same_local_time() {
        let check = |bucket: Bucket, buckets: u32, time: &str, expected: &str| {
            let seconds = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp();
            assert_eq!(bucket.earlier(calendar("Europe/Berlin"), seconds(time), buckets), Some(seconds(expected)));
        };
        check(Bucket::Month, 3, "2024-05-01T00:00:00+02:00", "2024-02-01T00:00:00+01:00");
        check(Bucket::Day, 1, "2024-04-01T00:00:00+02:00", "2024-03-31T00:00:00+01:00");
        check(Bucket::Hour, 1, "2024-03-31T03:00:00+02:00", "2024-03-31T01:00:00+01:00");
        let leap = DateTime::parse_from_rfc3339("2024-02-29T12:00:00+01:00").unwrap().timestamp();
        let before = DateTime::parse_from_rfc3339("2023-02-28T12:00:00+01:00").unwrap().timestamp();
        assert_eq!(calendar("Europe/Berlin").year_before(leap), Some(before));
    }

    #[test]
    fn the_bucket_that_fits_follows_the_range() {
        for (days, expected) in
            [(1, Bucket::Hour), (30, Bucket::Day), (365, Bucket::Week), (3650, Bucket::Month), (36_500, Bucket::Year)]
        {
            assert_eq!(Bucket::Auto.resolved(0, days * DAY), expected);
        }
    }

    #[test]
    fn too_many_buckets_are_refused() {
        assert_eq!(Bucket::Hour.starts(calendar("UTC"), 0, i64::from(u32::MAX), 100), None);
    }
}
