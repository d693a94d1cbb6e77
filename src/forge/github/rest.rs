//! Repositories as the REST API describes them.

use chrono::DateTime;
use serde::Deserialize;
use url::Url;

use super::client::Client;
use crate::forge::ForgeError;
use crate::model::{ForgeId, ForgeMetrics, ForgeRepository, Profile};

/// A name that is none.
pub(super) const NAMELESS: &str = "a repository without a name of the form owner/name";

/// `/repos/OWNER/NAME`, `/repositories/ID`, and an item of a search, which leaves some of it out.
#[derive(Deserialize)]
pub(super) struct Repository {
    pub id: u64,
    node_id: Option<String>,
    full_name: String,
    clone_url: String,
    private: bool,
    description: Option<String>,
    license: Option<License>,
    language: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    default_branch: String,
    archived: bool,
    fork: bool,
    #[serde(default)]
    is_template: bool,
    stargazers_count: u64,
    forks_count: u64,
    /// `watchers_count` are stars.
    subscribers_count: Option<u64>,
    open_issues_count: u64,
    size: u64,
    created_at: Option<String>,
    pushed_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct License {
    spdx_id: Option<String>,
}

impl Repository {
    /// # Errors
    /// When the name or the URL is none that GitHub gives.
    pub fn described(self, client: &Client) -> Result<ForgeRepository, ForgeError> {
        let Some((owner, name)) = owner_and_name(&self.full_name) else {
            return Err(client.unexpected(NAMELESS));
        };
        Ok(ForgeRepository {
            id: Some(ForgeId { forge: client.forge.clone(), id: self.id.to_string() }),
            node_id: self.node_id,
            clone_url: cloneable(client, &self.clone_url)?,
            profile: Profile {
                description: self.description,
                license: self.license.and_then(|license| license.spdx_id),
                language: self.language,
                topics: self.topics,
                default_branch: self.default_branch,
                created_at: self.created_at.as_deref().and_then(seconds),
                is_archived: self.archived,
                is_fork: self.fork,
                is_template: self.is_template,
            },
            metrics: ForgeMetrics {
                stars: self.stargazers_count,
                forks: self.forks_count,
                watchers: self.subscribers_count,
                open_issues: self.open_issues_count,
                size_kb: self.size,
                languages: None,
                pushed_at: self.pushed_at.as_deref().and_then(seconds),
                updated_at: self.updated_at.as_deref().and_then(seconds),
            },
            is_private: self.private,
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// `owner/name`, when both are such as GitHub gives: they become parts of URLs and of paths.
pub(super) fn owner_and_name(full_name: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        is_plain && !["", ".", ".."].contains(&name)
    };
    full_name.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name))
}

/// A URL that git may be given: https, or http, on the forge's own host, and without credentials.
///
/// # Errors
/// For any other one: git understands URLs that run programs, and a forge must not speak for others or for machines behind a firewall.
pub(super) fn cloneable(client: &Client, url: &str) -> Result<String, ForgeError> {
    let parsed = Url::parse(url).ok();
    let parsed = parsed.filter(|url| ["https", "http"].contains(&url.scheme()) && url.username().is_empty());
    match parsed.filter(|url| url.password().is_none()) {
        Some(url) if url.host_str() == Some(client.host()) => Ok(url.into()),
        Some(_) => Err(client.unexpected("a repository on another host")),
        None => Err(client.unexpected("a repository with a URL that is not https")),
    }
}

/// RFC 3339 to seconds since 1970. A time that is none is unknown.
pub(super) fn seconds(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}
