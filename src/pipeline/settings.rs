//! What the use cases are told by the configuration.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::git::Credentials;

/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// Where repositories are looked for, and which are taken.
#[derive(Clone, Debug, Default)]
pub struct DiscoverySettings {
    /// Search expressions for every forge but the local one.
    pub queries: Vec<String>,
    /// Repositories by name, `owner/name`. What is named here is taken even when it is private, a fork or archived.
    pub repositories: Vec<String>,
    /// Search expressions for the local forge: folders and lists.
    pub local: Vec<String>,
    /// Of each query, in its first run; `None`: all.
    pub first_run_limit: Option<u64>,
    /// Forks are taken, too.
    pub forks: bool,
    /// Archived repositories are taken, too.
    pub archived: bool,
    /// KiB; larger ones wait for approval.
    pub approval_size_kb: u64,
}

/// How often repositories are visited.
#[derive(Clone, Copy, Debug)]
pub struct SyncSettings {
    /// Between two visits of a repository, at least.
    pub shortest: Duration,
    /// Between two visits of a repository, at most.
    pub longest: Duration,
    /// Visits of the clock an hour, at most.
    pub per_hour: u64,
}

impl Default for SyncSettings {
    /// Half an hour, two weeks, 1,000 visits.
    fn default() -> Self {
        Self { shortest: Duration::from_secs(1_800), longest: Duration::from_secs(14 * 86_400), per_hour: 1_000 }
    }
}

/// For how long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct RetentionSettings {
    /// Jobs, after their end.
    pub jobs: Duration,
    /// All snapshots of metrics, and after that the last one of each day.
    pub all_snapshots: Duration,
    /// The last one of each day, and after that the last one of each week, and those of days on which something changed.
    pub daily_snapshots: Duration,
    /// Rows that no reader sees. A scan that still runs somewhere must not lose its own.
    pub strays: Duration,
    /// Disk that mirrors may take, in bytes; `None`: no limit.
    pub mirrors_bytes: Option<u64>,
}

impl Default for RetentionSettings {
    /// A month, a month, a year, a day, no limit.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            jobs: days(30),
            all_snapshots: days(30),
            daily_snapshots: days(365),
            strays: days(1),
            mirrors_bytes: None,
        }
    }
}

/// What opens repositories of one host to git, over https alone.
#[derive(Clone, Debug)]
pub struct HostCredentials {
    /// With the port, unless it is https's own.
    pub host: String,
    pub credentials: Credentials,
}

/// Counts the visits of the clock within the last hour. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Visits(Arc<Mutex<Option<VecDeque<i64>>>>);

impl Visits {
    /// Begins with the visits that the database knows of, by their times in milliseconds since 1970: after a start the process knows of
    /// none. Later calls change nothing.
    pub fn begin(&self, known: impl Iterator<Item = i64>) {
        self.made().get_or_insert_with(|| {
            let mut known: Vec<i64> = known.collect();
            known.sort_unstable();
            known.into()
        });
    }

    /// How many of `per_hour` visits are left.
    pub fn left(&self, per_hour: u64, now_ms: i64) -> usize {
        let mut made = self.made();
        let made = made.get_or_insert_default();
        while made.front().is_some_and(|time| *time <= now_ms - HOUR_MS) {
            made.pop_front();
        }
        usize::try_from(per_hour).unwrap_or(usize::MAX).saturating_sub(made.len())
    }

    /// Counts visits that were made.
    pub fn count(&self, made: usize, now_ms: i64) {
        self.made().get_or_insert_default().extend(std::iter::repeat_n(now_ms, made));
    }

    fn made(&self) -> MutexGuard<'_, Option<VecDeque<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_of_an_hour_are_counted() {
        const MINUTE: i64 = 60_000;
        let visits = Visits::default();
        let check = |minute: i64, left: usize, made: usize| {
            assert_eq!(visits.left(10, minute * MINUTE), left, "minute {minute}");
            visits.count(made, minute * MINUTE);
        };
        check(0, 10, 4);
        check(1, 6, 6);
        check(59, 0, 0);
        check(60, 4, 4);
        check(61, 6, 0);
    }

    #[test]
    fn after_a_start_the_database_knows() {
        const MINUTE: i64 = 60_000;
        let visits = Visits::default();
        visits.begin([100 * MINUTE, 20 * MINUTE, 90 * MINUTE].into_iter());
        visits.begin([100 * MINUTE; 9].into_iter());
        assert_eq!(visits.left(10, 110 * MINUTE), 8);
        assert_eq!(visits.left(10, 155 * MINUTE), 9);
    }
}
