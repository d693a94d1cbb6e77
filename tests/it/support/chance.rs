//! Chance that can be repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Random numbers from a seed that is printed. `TEST_SEED` gives it; without, it is another in every run.
pub struct Chance {
    rng: TestRng,
}

impl Chance {
    pub fn new() -> Self {
        let given = std::env::var("TEST_SEED").ok().map(|seed| seed.parse().expect("TEST_SEED is a number"));
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed: u64 = given.unwrap_or_else(now);
        eprintln!("TEST_SEED={seed}");
        Self { rng: TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4)) }
    }

    /// The same in every run.
    pub fn repeated() -> Self {
        Self { rng: TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]) }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    /// A time of less than `longest`.
    pub fn time(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.rng.random_range(0.0..1.0))
    }

    /// So many different numbers below `end` (all, where there are not more), ascending.
    pub fn some_below(&mut self, end: usize, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..end).collect();
        while numbers.len() > count {
            numbers.remove(self.below(numbers.len()));
        }
        numbers
    }
}
