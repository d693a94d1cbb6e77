//! The sections `discovery`, `github`, `sync`, `metrics` and `mirrors`: where repositories come from, how often they are visited, and what is
//! kept of that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::values::Values;
use super::{MOST_MB, kinds};

/// Repositories that one query could sensibly be limited to, and visits of an hour.
const MOST_REPOSITORIES: u64 = 1_000_000;
const MINUTES_OF_A_DAY: u64 = 1_440;
const MOST_DAYS: u64 = 90;
/// A century.
const FOR_EVER_DAYS: u64 = 36_500;

#[derive(Clone, Debug)]
pub struct DiscoveryConfig {
    pub is_enabled: bool,
    /// Search expressions.
    pub queries: Vec<String>,
    /// `owner/name`.
    pub repositories: Vec<String>,
    /// Folders and lists.
    pub local: Vec<PathBuf>,
    /// Of each query, in its first run; `None`: all.
    pub first_run_limit: Option<u64>,
    pub forks: bool,
    pub archived: bool,
    /// Larger ones wait for approval.
    pub approval_size_kb: u64,
}

#[derive(Clone)]
pub struct GitHubConfig {
    pub url: Url,
    pub token: Option<String>,
    pub webhook_secret: Option<String>,
}

impl std::fmt::Debug for GitHubConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Token and secret stay out of logs.
        f.debug_struct("GitHubConfig").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub struct SyncConfig {
    /// Between two visits of a repository.
    pub shortest: Duration,
    pub longest: Duration,
    pub per_hour: u64,
    /// Disk that mirrors may take; `None`: no limit.
    pub mirrors_bytes: Option<u64>,
}

/// For how long snapshots are kept.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// All of them.
    pub all: Duration,
    /// One a day; not less than `all`.
    pub daily: Duration,
}

impl DiscoveryConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let first_run_limit = values.read("discovery.first_run_limit", kinds::number(0..=MOST_REPOSITORIES));
        Self {
            is_enabled: values.read("discovery.enabled", kinds::truth),
            queries: values.read("discovery.queries", kinds::list),
            repositories: values.read("discovery.repositories", kinds::list),
            local: values.read("discovery.local", kinds::list).into_iter().map(PathBuf::from).collect(),
            first_run_limit: Some(first_run_limit).filter(|limit| *limit > 0),
            forks: values.read("discovery.forks", kinds::truth),
            archived: values.read("discovery.archived", kinds::truth),
            approval_size_kb: values.read("discovery.approval_size_mb", kinds::number(0..=MOST_MB)) << 10,
        }
    }
}

impl GitHubConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let url = values.read("github.url", kinds::http_url);
        let url = url.unwrap_or_else(|| {
            values.refuse("github.url", "it is empty; GitHub's own is https://api.github.com");
            Url::parse("https://api.github.com").expect("it is a URL")
        });
        let token = secret(values, "github.token", "github.token_file");
        let webhook_secret = secret(values, "github.webhook_secret", "github.webhook_secret_file");
        Self { url, token, webhook_secret }
    }
}

impl SyncConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let minutes = values.read("sync.shortest_minutes", kinds::number(1..=MINUTES_OF_A_DAY));
        let days = values.read("sync.longest_days", kinds::number(1..=MOST_DAYS));
        let mirrors_mb = values.read("mirrors.disk_mb", kinds::number(0..=MOST_MB));
        Self {
            shortest: Duration::from_secs(minutes * 60),
            longest: Duration::from_secs(days * MINUTES_OF_A_DAY * 60),
            per_hour: values.read("sync.per_hour", kinds::number(1..=MOST_REPOSITORIES)),
            mirrors_bytes: Some(mirrors_mb << 20).filter(|bytes| *bytes > 0),
        }
    }
}

impl MetricsConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let all = values.read("metrics.all_days", kinds::number(1..=FOR_EVER_DAYS));
        let daily = values.read("metrics.daily_days", kinds::number(1..=FOR_EVER_DAYS));
        if daily < all {
            values.refuse("metrics.daily_days", &format!("it is less than metrics.all_days, which is {all}"));
        }
        let days = |days: u64| Duration::from_secs(days * MINUTES_OF_A_DAY * 60);
        Self { all: days(all), daily: days(daily) }
    }
}

/// A secret that stands in the configuration or in a file of its own.
fn secret(values: &mut Values, key: &'static str, file_key: &'static str) -> Option<String> {
    let given = values.read(key, kinds::text);
    let file = values.read(file_key, kinds::path);
    let secret = match file {
        Some(_) if !given.is_empty() => {
            values.refuse(file_key, &format!("{key} is set, too; set one of them"));
            String::new()
        }
        Some(file) => read_secret(&file).unwrap_or_else(|reason| {
            values.refuse(file_key, &reason);
            String::new()
        }),
        None => given,
    };
    Some(secret).filter(|secret| !secret.is_empty())
}

fn read_secret(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    // Editors end a file with a line break, secrets of containers mostly do not.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
