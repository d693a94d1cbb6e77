//! What the questions of one request took.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts questions that reached ClickHouse, and what they read there.
#[derive(Debug, Default)]
pub struct Meter {
    questions: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    /// ClickHouse did not say what a question read.
    is_unknown: AtomicBool,
}

impl Meter {
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Rows and bytes; `None` when they are not known of every question.
    pub fn read(&self) -> Option<(u64, u64)> {
        let is_known = !self.is_unknown.load(Ordering::Relaxed);
        is_known.then(|| (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed)))
    }

    pub(super) fn note_question(&self) {
        self.questions.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes the rows and bytes that a question read.
    pub(super) fn note_read(&self, read: Option<(u64, u64)>) {
        match read {
            Some((rows, bytes)) => {
                self.rows.fetch_add(rows, Ordering::Relaxed);
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            None => self.is_unknown.store(true, Ordering::Relaxed),
        }
    }
}
