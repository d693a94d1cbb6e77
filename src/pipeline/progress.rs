//! What a scan tells while it runs.

use crate::git::FetchProgress;

/// Listens to a scan. Calls come from several threads.
pub trait Progress: Send + Sync {
    /// Git works on the mirror.
    fn fetching(&self, progress: &FetchProgress);
    /// The walk begins; `commits` lie before it (all of them, not only those that touch YAML).
    fn scanning(&self, commits: u64);
    /// Some more commits that touch YAML were read; `events` of theirs were found.
    fn advanced(&self, commits: u64, events: u64);
    /// Everything was read; what is left is to store and publish.
    fn publishing(&self);
}

/// Listens and says nothing.
pub struct Silent;

impl Progress for Silent {
    fn fetching(&self, _: &FetchProgress) {}
    fn scanning(&self, _: u64) {}
    fn advanced(&self, _: u64, _: u64) {}
    fn publishing(&self) {}
}
