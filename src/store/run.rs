//! One scan's rows on their way into the database, counted, so that a checkpoint covers what was sent and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Origin, StoreError};

/// The tables that hold rows of scans.
pub(super) const SCAN_TABLES: [&str; 7] = [
    "resource_events",
    "resources",
    "scan_failures",
    "resource_resolutions",
    "resource_references",
    "chart_version_changes",
    "file_facts",
];

/// A scan that writes.
pub struct Run {
    pub(super) origin: Origin,
    /// The last sequence that was published when it began.
    pub(super) published: u64,
    /// What was sent to each of [`SCAN_TABLES`].
    sent: [Sent; SCAN_TABLES.len()],
}

/// Rows sent to a table. Their number alone would not show that one block is missing and another of its size stands twice.
#[derive(Default)]
struct Sent {
    rows: AtomicU64,
    /// The sum of their sequences, modulo 2⁶⁴.
    sequences: AtomicU64,
}

impl Run {
    pub fn new(origin: Origin, published: u64) -> Self {
        Self { origin, published, sent: Default::default() }
    }

    /// Notes rows that are sent to a table, by their sequences.
    pub(super) fn note(&self, table: &str, sequences: impl Iterator<Item = u64>) {
        let Some(index) = SCAN_TABLES.iter().position(|name| *name == table) else { return };
        let (rows, sum) = sequences.fold((0, 0_u64), |(rows, sum), sequence| (rows + 1, sum.wrapping_add(sequence)));
        self.sent[index].rows.fetch_add(rows, Ordering::Relaxed);
        self.sent[index].sequences.fetch_add(sum, Ordering::Relaxed);
    }

    /// Asks what lies in each table past the sequence that was published when the run began: see [`Found`].
    pub(super) fn question(&self) -> String {
        let Self { origin: Origin { repository, generation, run }, published, .. } = self;
        let own = format!("run_id = '{}'", run.0);
        let ask = |table| {
            format!(
                "SELECT '{table}', countIf({own}), sumIf(sequence, {own}), countIf(NOT {own}) FROM {table} \
                 WHERE repository_id = '{repository}' AND generation = {generation} AND sequence > {published}"
            )
        };
        SCAN_TABLES.map(ask).join(" UNION ALL ")
    }

    /// Compares what a table holds of this run with what was sent.
    pub(super) fn check(&self, found: &Found) -> Result<(), StoreError> {
        let (table, rows, sequences, _) = found;
        let sent = SCAN_TABLES.iter().zip(&self.sent).find(|(name, _)| **name == table);
        let sent = sent.map(|(_, sent)| (sent.rows.load(Ordering::Relaxed), sent.sequences.load(Ordering::Relaxed)));
        if sent == Some((*rows, *sequences)) {
            return Ok(());
        }
        let sent = sent.map_or(0, |(rows, _)| rows);
        Err(StoreError::Incomplete { table: table.clone(), sent, found: *rows })
    }
}

/// A table, its rows of this run, the sum of their sequences, and rows of other runs.
pub(super) type Found = (String, u64, u64, u64);
