//! What a scan tells while it runs.

use std::sync::Mutex;

use super::Task;
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
    /// Whether the scan is to end before its end. Asked many times a second.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Listens and says nothing.
pub struct Silent;

impl Progress for Silent {
    fn fetching(&self, _: &FetchProgress) {}
    fn scanning(&self, _: u64) {}
    fn advanced(&self, _: u64, _: u64) {}
    fn publishing(&self) {}
}

/// Tells a job of the progress of its fetch or scan, and ends it when the job is to end.
pub struct TaskProgress {
    task: Task,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    commits: u64,
    total: u64,
    events: u64,
}

impl TaskProgress {
    pub fn new(task: &Task) -> Self {
        Self { task: task.clone(), counted: Mutex::default() }
    }

    fn count(&self, count: impl FnOnce(&mut Counted)) {
        // A thread that panicked while it counted leaves a number behind that is as good as any.
        let mut counted = self.counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        count(&mut counted);
        let Counted { commits, total, events } = *counted;
        drop(counted);
        // The total counts commits without YAML too.
        self.task.progress(commits, total, "commits", &format!("{events} events"));
    }
}

impl Progress for TaskProgress {
    fn fetching(&self, progress: &FetchProgress) {
        self.task.progress(progress.done, progress.total, "objects", &progress.phase);
    }

    fn scanning(&self, commits: u64) {
        self.count(|counted| counted.total = commits);
    }

    fn advanced(&self, commits: u64, events: u64) {
        self.count(|counted| {
            counted.commits += commits;
            counted.events += events;
        });
    }

    fn publishing(&self) {
        self.task.progress(1, 1, "scans", "publishing");
    }

    fn is_stopped(&self) -> bool {
        self.task.is_stopped()
    }
}
