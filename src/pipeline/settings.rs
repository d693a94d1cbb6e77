//! What the use cases are told by the configuration.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Rows that no reader sees. A scan that still runs somewhere must not lose its own.
    pub strays: Duration,
    /// Disk that mirrors may take, in bytes; `None`: no limit.
    pub mirrors_bytes: Option<u64>,
}

impl Default for RetentionSettings {
    /// A month, a day, no limit.
    fn default() -> Self {
        Self { jobs: Duration::from_secs(30 * 86_400), strays: Duration::from_secs(86_400), mirrors_bytes: None }
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
pub struct Visits(Arc<Mutex<VecDeque<i64>>>);

impl Visits {
    /// Takes so many visits of those that `per_hour` leaves at a time in milliseconds since 1970; `counted` were made in the hour
    /// before, as far as the database knows. Answers how many may be made.
    pub fn take(&self, wanted: usize, per_hour: u64, counted: usize, now_ms: i64) -> usize {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while made.front().is_some_and(|time| *time <= now_ms - HOUR_MS) {
            made.pop_front();
        }
        let most = usize::try_from(per_hour).unwrap_or(usize::MAX);
        let taken = wanted.min(most.saturating_sub(made.len().max(counted)));
        made.extend(std::iter::repeat_n(now_ms, taken));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_of_an_hour_are_counted() {
        let visits = Visits::default();
        let check = |wanted, counted, minute: i64, expected| {
            assert_eq!(visits.take(wanted, 10, counted, minute * 60_000), expected, "minute {minute}");
        };
        check(4, 0, 0, 4);
        check(9, 0, 1, 6);
        check(9, 0, 59, 0);
        check(9, 0, 60, 4);
        check(9, 0, 61, 6);
        // After a start the process knows of none.
        check(9, 7, 200, 3);
    }
}
