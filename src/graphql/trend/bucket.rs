//! Buckets of time: where they begin in a time zone, clock changes included.

use async_graphql::Enum;
use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

const HOUR: i64 = 3_600;

/// The width of a bucket.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour of the clock.
    Hour,
    /// A day, from midnight.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter of a year: from January, April, July, October.
    Quarter,
    /// A year.
    Year,
}

impl Bucket {
    /// The first second of every bucket that overlaps `from..to` (seconds since 1970), ascending; `None` when there are
    /// more than `limit`.
    pub fn starts(self, zone: Tz, from: i64, to: i64, limit: usize) -> Option<Vec<i64>> {
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
                let mut date = self.floor(local_date(zone, from)?);
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
    fn floor(self, date: NaiveDate) -> NaiveDate {
        let first = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Hour | Self::Day => date,
            Self::Week => date - Days::new(u64::from(date.weekday().num_days_from_monday())),
            Self::Month => first(date.month()),
            Self::Quarter => first((date.month0() / 3) * 3 + 1),
            Self::Year => first(1),
        }
    }

    fn next(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Hour | Self::Day => date.succ_opt(),
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

/// The first instant of a local day: where clocks skip midnight, the first one after the gap; where they pass it twice, the
/// earlier.
fn midnight(zone: Tz, date: NaiveDate) -> i64 {
    let mut time = date.and_time(NaiveTime::MIN);
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

    fn check(bucket: Bucket, zone: &str, from: &str, to: &str, expected: &[&str]) {
        let seconds = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp();
        let starts = bucket.starts(zone.parse().unwrap(), seconds(from), seconds(to), 1_000).unwrap();
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
    fn too_many_buckets_are_refused() {
        assert_eq!(Bucket::Hour.starts(Tz::UTC, 0, i64::from(u32::MAX), 100), None);
    }
}
