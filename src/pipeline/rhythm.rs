//! When a repository is visited next, and when a query of discovery runs next. Pure: the same answers to the same numbers.

use std::time::Duration;

use super::SyncSettings;
use crate::model::RepositoryId;

/// A visit comes after this part of the time since the last push.
const PART: i64 = 10;
/// Visits are spread over this part of their wait, so that not all that were found together are due together.
const SPREAD: i64 = 5;
const HOUR_MS: i64 = 3_600_000;
/// What a query waits for after its first run that found nothing new; it doubles with each further one.
const FIRST_REST_MS: i64 = 6 * HOUR_MS;
/// The longest that a query rests.
const LONGEST_REST_MS: i64 = 7 * 24 * HOUR_MS;

/// What decides about the next visit of a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visited {
    pub id: RepositoryId,
    /// The last push, in seconds since 1970, or the newest commit; `None`: not known.
    pub pushed_at: Option<i64>,
    /// Nothing more is expected of it: archived, gone, or scanned without a resource found.
    pub is_quiet: bool,
}

/// The time of the next visit after one at `now_ms`, both in milliseconds since 1970: what was pushed to yesterday is visited every few
/// hours, what was left alone for half a year as rarely as it may be.
pub(super) fn next_visit(now_ms: i64, visited: &Visited, settings: &SyncSettings) -> i64 {
    let (shortest, longest) = (millis(settings.shortest), millis(settings.longest));
    let wait = match visited.pushed_at {
        _ if visited.is_quiet => longest,
        Some(pushed_at) => (now_ms.saturating_sub(pushed_at.saturating_mul(1_000)) / PART).clamp(shortest, longest),
        None => shortest,
    };
    now_ms + spread(visited.id, wait, longest)
}

/// The same after so many visits in a row that failed: twice as long after each.
pub(super) fn next_try(now_ms: i64, id: RepositoryId, failed: u32, settings: &SyncSettings) -> i64 {
    let (shortest, longest) = (millis(settings.shortest), millis(settings.longest));
    let doubled = 2_i64.saturating_pow(failed.saturating_sub(1));
    let wait = shortest.saturating_mul(doubled).min(longest);
    now_ms + spread(id, wait, longest)
}

/// The wait and up to a fifth of it more, or less where it is the longest; always the same for one repository.
fn spread(id: RepositoryId, wait: i64, longest: i64) -> i64 {
    let [first, second, ..] = id.0.into_bytes();
    let share = i64::from(u16::from_be_bytes([first, second]));
    let more = wait / SPREAD * share / i64::from(u16::MAX);
    if wait + more <= longest { wait + more } else { wait - more }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// One run of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueryRun {
    /// Milliseconds since 1970.
    pub ran_at_ms: i64,
    /// Repositories that were not known before.
    pub new: u64,
    /// It stopped after the most starred, which tells nothing of the rest.
    pub is_limited: bool,
    pub has_failed: bool,
}

/// When a query is due again, in milliseconds since 1970, by its runs, the newest first: whenever discovery runs as long as its last
/// complete run found something new; else the later, the longer that was ago.
pub(super) fn due_at(runs: &[QueryRun]) -> i64 {
    let Some(last) = runs.first().filter(|run| !run.has_failed && !run.is_limited) else { return 0 };
    let complete = runs.iter().filter(|run| !run.has_failed && !run.is_limited);
    let barren = complete.take_while(|run| run.new == 0).count();
    let Some(doubled) = barren.checked_sub(1) else { return last.ran_at_ms };
    let doubled = u32::try_from(doubled).unwrap_or(u32::MAX).min(8);
    // The clock ticks a little earlier or later: what is nearly due is.
    let rest = (FIRST_REST_MS << doubled).min(LONGEST_REST_MS);
    last.ran_at_ms + rest - rest / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_700_000_000;
    const SETTINGS: SyncSettings = SyncSettings {
        shortest: Duration::from_secs(1_800),
        longest: Duration::from_secs(14 * 86_400),
        per_hour: 1_000,
    };

    /// The wait in seconds of a repository without a spread.
    fn wait(pushed_at: Option<i64>, is_quiet: bool) -> i64 {
        let id = RepositoryId(uuid::Uuid::nil());
        next_visit(NOW * 1_000, &Visited { id, pushed_at, is_quiet }, &SETTINGS) / 1_000 - NOW
    }

    #[test]
    fn a_visit_comes_after_a_tenth_of_the_time_since_the_last_push() {
        assert_eq!(wait(Some(NOW - 10 * DAY), false), DAY);
        assert_eq!(wait(Some(NOW - DAY), false), DAY / 10);
    }

    #[test]
    fn visits_stay_between_the_shortest_and_the_longest_time() {
        assert_eq!(wait(Some(NOW), false), 1_800);
        assert_eq!(wait(Some(NOW + DAY), false), 1_800, "a clock runs ahead");
        assert_eq!(wait(None, false), 1_800);
        assert_eq!(wait(Some(NOW - 3_650 * DAY), false), 14 * DAY);
        assert_eq!(wait(Some(i64::MIN), false), 14 * DAY);
        assert_eq!(wait(Some(NOW), true), 14 * DAY);
    }

    #[test]
    fn visits_are_spread() {
        let mut times = std::collections::BTreeSet::new();
        for index in 0..100 {
            let id = RepositoryId::from_alias(&format!("https://github.com/owner/{index}"));
            for (is_quiet, from, to) in [(false, DAY, DAY / 5 * 6), (true, DAY * 14 / 5 * 4, 14 * DAY)] {
                let visited = Visited { id, pushed_at: Some(NOW - 10 * DAY), is_quiet };
                let next = next_visit(NOW * 1_000, &visited, &SETTINGS);
                assert_eq!(next, next_visit(NOW * 1_000, &visited, &SETTINGS));
                assert!((from..=to).contains(&(next / 1_000 - NOW)), "{}", next / 1_000 - NOW);
                times.insert(next);
            }
        }
        assert!(times.len() > 190, "{}", times.len());
    }

    #[test]
    fn failures_wait_twice_as_long_each_time() {
        let id = RepositoryId(uuid::Uuid::nil());
        let wait = |failed| (next_try(NOW * 1_000, id, failed, &SETTINGS) - NOW * 1_000) / 60_000;
        let waits: Vec<i64> = (1..=12).map(wait).collect();
        assert_eq!(wait(u32::MAX), waits[11]);
        let longest = 14 * 24 * 60;
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, longest, longest]);
    }

    #[track_caller]
    fn check_due(new: &[u64], hours: i64) {
        let runs: Vec<QueryRun> = new
            .iter()
            .map(|new| QueryRun { ran_at_ms: NOW * 1_000, new: *new, is_limited: false, has_failed: false })
            .collect();
        let rest = hours * HOUR_MS;
        assert_eq!(due_at(&runs) - NOW * 1_000, rest - rest / 10, "{new:?}");
    }

    #[test]
    fn a_query_that_finds_nothing_new_rests_ever_longer() {
        check_due(&[5], 0);
        check_due(&[1, 0, 0, 0], 0);
        check_due(&[0], 6);
        check_due(&[0, 0], 12);
        check_due(&[0, 0, 3, 0], 12);
        check_due(&[0, 0, 0], 24);
        check_due(&[0; 5], 96);
        check_due(&[0; 6], 168);
        check_due(&[0; 400], 168);
    }

    #[test]
    fn a_query_that_never_ran_or_failed_is_due() {
        assert_eq!(due_at(&[]), 0);
        let failed = QueryRun { ran_at_ms: NOW, new: 0, is_limited: false, has_failed: true };
        let barren = QueryRun { ran_at_ms: NOW - 1, new: 0, is_limited: false, has_failed: false };
        assert_eq!(due_at(&[failed, barren, barren]), 0);
        let limited = QueryRun { is_limited: true, ..barren };
        assert_eq!(due_at(&[limited]), 0, "the rest is asked for at once");
        assert_eq!(due_at(&[barren, limited]), due_at(&[barren]));
        assert!(due_at(&[barren, failed, failed]) <= NOW - 1 + FIRST_REST_MS, "failures say nothing of the yield");
    }
}
