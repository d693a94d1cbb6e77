//! How long a job waits after an attempt that failed.

use crate::model::JobId;

const FIRST_MS: i64 = 30_000;
const FACTOR: i64 = 4;
const LONGEST_MS: i64 = 3_600_000;
/// Times differ by up to so many percent of theirs: what failed together is not tried again together.
const SPREAD_PERCENT: i64 = 10;

/// The rest after so many failed attempts (from 1), in milliseconds: 30 s, 2 min, 8 min, 32 min, then an hour, each with a little less,
/// the same for the same job.
pub fn backoff_ms(job: JobId, failed: u32) -> i64 {
    let steps = failed.saturating_sub(1).min(16);
    let rest = FACTOR.checked_pow(steps).and_then(|factor| factor.checked_mul(FIRST_MS)).unwrap_or(LONGEST_MS);
    let rest = rest.min(LONGEST_MS);
    // The last bytes of an id are random.
    let step = u8::try_from(steps).unwrap_or(u8::MAX);
    let chance = i64::from(job.0.as_bytes()[15].wrapping_add(step.wrapping_mul(97)));
    rest - rest * SPREAD_PERCENT * chance / (100 * 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_an_hour_and_differ_a_little() {
        let job = JobId::now();
        for (failed, longest) in [(1, 30), (2, 120), (3, 480), (4, 1920), (5, 3600), (6, 3600), (u32::MAX, 3600)] {
            let rest = backoff_ms(job, failed);
            assert!(rest <= longest * 1000 && rest > longest * 900, "{failed}: {rest}");
        }
        let rests: std::collections::BTreeSet<i64> = (0..64).map(|_| backoff_ms(JobId::now(), 1)).collect();
        assert!(rests.len() > 8, "{rests:?}");
    }
}
