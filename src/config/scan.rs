//! The section `scan`: how many repositories are read at once, and within how much memory.

use std::num::NonZeroUsize;

use super::values::Values;
use super::{MOST_MB, environment, kinds};

/// Repositories that are scanned at once where nobody says how many: one a core, and no more than this.
const USUAL_PARALLEL: usize = 8;
/// Repositories that could sensibly be scanned at once.
pub const MOST_PARALLEL: usize = 64;
/// Least memory for scans where nobody says how much, in MiB.
const LEAST_MB: u64 = 256;

#[derive(Clone, Debug)]
pub struct ScanConfig {
    /// Repositories that are scanned at the same time, at least 1.
    pub parallel: usize,
    /// What all of them together may hold of what is read and not stored yet.
    pub memory_bytes: u64,
}

impl ScanConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let parallel = match values.read("scan.parallel", kinds::number(0..=MOST_PARALLEL as u64)) {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(USUAL_PARALLEL);
                values.show("scan.parallel", &cores.to_string());
                values.explain("scan.parallel", "one a core, at most 8");
                cores
            }
            given => usize::try_from(given).unwrap_or(MOST_PARALLEL),
        };
        let memory_mb = match values.read("scan.memory_mb", kinds::number(0..=MOST_MB)) {
            0 => {
                let eighth = ((environment::available_memory() / 8) >> 20).max(LEAST_MB);
                values.show("scan.memory_mb", &eighth.to_string());
                values.explain("scan.memory_mb", "an eighth of the machine's");
                eighth
            }
            given => given,
        };
        Self { parallel, memory_bytes: memory_mb << 20 }
    }
}
