//! The limits and the progress of a fetch.

use std::path::PathBuf;
use std::time::Duration;

/// How much a fetch may take, and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// From the first question to the remote to the fetched mirror.
    pub time: Duration,
    /// Bytes that one fetch may add to the mirror. Looked at about 20 times a second, so that a little more may pass.
    pub bytes: u64,
    /// PEM file of the authorities whose certificates are accepted; `None`: those that git knows.
    pub ca_file: Option<PathBuf>,
}

impl Default for FetchOptions {
    /// One hour, 4 GiB, and the authorities that git knows.
    fn default() -> Self {
        Self { time: Duration::from_secs(3600), bytes: 4 << 30, ca_file: None }
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
