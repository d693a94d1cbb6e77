//! Snapshots of what a repository counts, and how good it is for our purpose.

use super::RepositoryId;

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryMetrics {
    pub repository: RepositoryId,
    /// Milliseconds since 1970.
    pub recorded_at_ms: i64,
    pub stars: u64,
    pub forks: u64,
    /// Subscribers; `None`: no answer told them yet, as with the languages.
    pub watchers: Option<u64>,
    pub open_issues: u64,
    /// KiB, as the forge has it.
    pub size_kb: u64,
    /// Kubernetes resources alive at the checkpoint; `None` before the first scan.
    pub resource_count: Option<u64>,
    /// Bytes of code by language, most first.
    pub languages: Option<Vec<(String, u64)>>,
    /// Seconds since 1970.
    pub pushed_at: Option<i64>,
    /// Seconds since 1970.
    pub updated_at: Option<i64>,
}

/// How useful a repository is to learn from: a sum of parts, from 0 to 100.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    pub parts: Vec<QualityPart>,
}

/// One part of a quality score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualityPart {
    /// `activity`, `size`, `content`, `freshness`, `stars`, `fork`, `template`.
    pub name: String,
    /// Negative for what speaks against it.
    pub points: i32,
    /// The most that the part can give; 0 for those that only take.
    pub most: i32,
    /// One sentence with the numbers that led to the points.
    pub explanation: String,
}

impl Quality {
    /// The sum of the parts, from 0 to 100.
    pub fn score(&self) -> u32 {
        let sum: i32 = self.parts.iter().map(|part| part.points).sum();
        u32::try_from(sum.clamp(0, 100)).unwrap_or_default()
    }
}
