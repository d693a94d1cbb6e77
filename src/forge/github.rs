//! GitHub, and GitHub Enterprise Server.
//!
//! Searches go to the REST API, which finds 1,000 repositories a query: larger ones are cut by time of creation (`search.rs`). With a
//! token, what is known of repositories is asked of the GraphQL API, 100 at a time; without one, of the REST API, one at a time, with the
//! ETag of the last answer.

mod client;
mod graphql;
mod rest;
mod search;
mod transport;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderValue;
use moka::future::Cache;
use url::Url;

use self::client::{Client, is_absence};
use self::search::Walk;
pub use self::transport::Proxy;
use super::gate::{Clock, system_clock};
use super::{Answers, Forge, ForgeError, Found, KnownAs, Pages, SearchQuery, Searched};
use crate::model::{ForgeRepository, RateLimit};

const CORE: &str = "core";
const SEARCH: &str = "search";
const GRAPHQL: &str = "graphql";

/// Repositories whose last answer is kept for the next question with its ETag.
const REMEMBERED: u64 = 10_000;
/// A request that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How GitHub is reached.
pub struct GitHubOptions {
    /// `https://api.github.com`, or `https://HOST/api/v3`.
    pub url: Url,
    pub token: Option<String>,
    /// GitHub wants to know who asks.
    pub user_agent: String,
    /// Of one request.
    pub timeout: Duration,
    /// On the way to an https URL.
    pub proxy: Option<Proxy>,
    pub clock: Clock,
}

impl GitHubOptions {
    pub fn new(url: Url, token: Option<String>, user_agent: &str) -> Self {
        Self { url, token, user_agent: user_agent.to_owned(), timeout: TIMEOUT, proxy: None, clock: system_clock() }
    }
}

pub struct GitHub {
    client: Client,
    /// By the URL that was asked.
    known: Cache<String, Remembered>,
    /// Searches that ended early, where they stand.
    paused: Mutex<HashMap<SearchQuery, Walk>>,
}

#[derive(Clone)]
struct Remembered {
    etag: HeaderValue,
    repository: Box<ForgeRepository>,
}

impl GitHub {
    /// Has to be called within a Tokio runtime, which then sends the requests.
    ///
    /// # Errors
    /// When token or user agent hold characters that a header cannot, or the system has no usable TLS.
    pub fn new(options: GitHubOptions) -> Result<Self, ForgeError> {
        let client = Client::new(options)?;
        Ok(Self { client, known: Cache::new(REMEMBERED), paused: Mutex::default() })
    }

    /// A repository by a URL of the REST API. A repository that was asked for before is sent again only when it changed.
    async fn ask(&self, url: Url) -> Result<Found, ForgeError> {
        let key = url.to_string();
        let known = self.known.get(&key).await;
        let answer = self.client.get(CORE, url, known.as_ref().map(|known| &known.etag)).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (answer.status, known) {
            return Ok(Found::Here(known.repository));
        }
        if is_absence(answer.status) {
            self.known.invalidate(&key).await;
            return Ok(Found::Gone);
        }
        let repository: rest::Repository = self.client.read(&answer)?;
        let repository = Box::new(repository.described(&self.client)?);
        if let Some(etag) = answer.etag {
            self.known.insert(key, Remembered { etag, repository: repository.clone() }).await;
        }
        Ok(Found::Here(repository))
    }

    /// Asks for each of `ids` that has no answer yet by itself.
    async fn ask_each(&self, ids: &[KnownAs], answers: &mut [Option<Found>]) -> Result<(), ForgeError> {
        for (known, answer) in ids.iter().zip(answers).filter(|(_, answer)| answer.is_none()) {
            *answer = Some(match self.ask(self.client.url(&["repositories", &known.id.id])).await {
                Err(error) if error.is_of_one() => Found::Unknown(error.to_string()),
                found => found?,
            });
        }
        Ok(())
    }
}

impl Forge for GitHub {
    fn host(&self) -> &str {
        &self.client.forge
    }

    async fn search<P: Pages>(&self, query: &SearchQuery, pages: &mut P) -> Searched {
        let now = self.client.gate.now();
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(query);
        let mut walk = paused.filter(|walk| walk.is_fresh(now)).unwrap_or_else(|| Walk::new(now));
        let ended = walk.go_on(&self.client, query, pages).await;
        let outcome = walk.outcome();
        if ended.as_ref().map_or_else(ForgeError::is_transient, ControlFlow::is_break) {
            let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
            paused.retain(|_, walk| walk.is_fresh(now));
            paused.insert(query.clone(), walk);
        }
        Searched { outcome, ended: ended.map(drop) }
    }

    async fn repositories(&self, ids: &[KnownAs]) -> Answers {
        let mut found: Vec<Option<Found>> = vec![None; ids.len()];
        let asked = match self.client.has_token() {
            true => graphql::ask(&self.client, ids, &mut found).await,
            false => Ok(()),
        };
        let ended = match asked {
            Ok(()) => self.ask_each(ids, &mut found).await,
            failed => failed,
        };
        Answers { found, ended }
    }

    fn batch_size(&self) -> usize {
        if self.client.has_token() { graphql::MOST_IDS } else { 1 }
    }

    async fn repository(&self, full_name: &str) -> Result<Found, ForgeError> {
        let Some((owner, name)) = rest::owner_and_name(full_name) else {
            return Err(self.client.not_understood(full_name, "a repository's name has the form owner/name"));
        };
        self.ask(self.client.url(&["repos", owner, name])).await
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        self.client.gate.rate_limits()
    }

    fn advice(&self) -> Option<&'static str> {
        let advice = "GitHub answers 60 requests an hour and 10 searches a minute without a token. With one (github.token; it needs no \
            rights) it answers 5,000 and 30, and tells metrics of 100 repositories at once, with watchers and languages.";
        (!self.client.has_token()).then_some(advice)
    }
}
