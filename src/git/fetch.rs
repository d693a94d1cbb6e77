//! The limits and the progress of a fetch.

use std::time::Duration;

/// How much a fetch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// From the first question to the remote to the fetched mirror.
    pub time: Duration,
    /// Bytes that one fetch may add to the mirror. Looked at about 20 times a second, so that a little more may pass.
    pub bytes: u64,
}

impl Default for FetchLimits {
    /// One hour and 4 GiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(3600), bytes: 4 << 30 }
    }
}

/// One step of git's own progress, for example `Receiving objects`, 120 of 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchProgress {
    /// `Counting objects`, `Compressing objects`, `Receiving objects` or `Resolving deltas`.
    pub phase: String,
    pub done: u64,
    pub total: u64,
}

impl FetchProgress {
    /// Reads `[remote: ]Receiving objects:  30% (120/400)[, …]`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let line = line.strip_prefix("remote: ").unwrap_or(line);
        let (phase, rest) = line.split_once(':')?;
        let (percent, rest) = rest.split_once("% (")?;
        percent.trim().parse::<u8>().ok()?;
        let (done, rest) = rest.split_once('/')?;
        let (total, _) = rest.split_once(')')?;
        Some(Self {
            phase: phase.chars().filter(|character| !character.is_control()).collect(),
            done: done.parse().ok()?,
            total: total.parse().ok()?,
        })
    }
}
