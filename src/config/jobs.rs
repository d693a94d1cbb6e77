//! The sections `jobs` and `schedules`: how many jobs run at once, for how long they are kept, and when the clock asks for which.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::kinds;
use super::values::Values;

const MOST_PARALLEL: u64 = 64;
/// Where nobody says how many.
const USUAL_PARALLEL: usize = 8;
const MOST_ATTEMPTS: u64 = 20;
const MOST_DAYS: u64 = 3_650;
const HOUR: u64 = 3_600;

#[derive(Clone, Debug)]
pub struct JobsConfig {
    /// At least 1.
    pub parallel: usize,
    /// At least 1.
    pub attempts: u32,
    pub keep: Duration,
    pub shutdown: Duration,
}

/// Cron texts, with seconds, in UTC; `None`: never.
#[derive(Clone, Debug)]
pub struct ScheduleConfig {
    pub discovery: Option<String>,
    pub sync: Option<String>,
    pub aggregation: Option<String>,
    pub retention: Option<String>,
}

impl JobsConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let parallel = match values.read("jobs.parallel", kinds::number(0..=MOST_PARALLEL)) {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
                let parallel = (cores + 2).min(USUAL_PARALLEL);
                values.show("jobs.parallel", &parallel.to_string());
                values.explain("jobs.parallel", "two, and one more a core, at most 8");
                parallel
            }
            given => usize::try_from(given).unwrap_or(USUAL_PARALLEL),
        };
        let attempts = values.read("jobs.attempts", kinds::number(1..=MOST_ATTEMPTS));
        let days = values.read("jobs.keep_days", kinds::number(1..=MOST_DAYS));
        Self {
            parallel,
            attempts: u32::try_from(attempts).unwrap_or(1),
            keep: Duration::from_secs(days * 24 * HOUR),
            shutdown: Duration::from_secs(values.read("jobs.shutdown_seconds", kinds::number(0..=HOUR))),
        }
    }
}

impl ScheduleConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        Self {
            discovery: values.read("schedules.discovery", kinds::cron),
            sync: values.read("schedules.sync", kinds::cron),
            aggregation: values.read("schedules.aggregation", kinds::cron),
            retention: values.read("schedules.retention", kinds::cron),
        }
    }
}
