//! Requests to GitHub: through the gate, to one host alone, within limits of time and size.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, USER_AGENT};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use octocrab::Octocrab;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::transport::{innermost, octocrab};
use super::{CORE, GRAPHQL, GitHubOptions, SEARCH};
use crate::forge::ForgeError;
use crate::forge::gate::{Gate, Refusal, Told};

/// A page of 100 repositories takes less than one MiB.
const MOST_BYTES: usize = 8 << 20;
const MOST_REDIRECTS: usize = 5;
/// What of a forge's own message is shown.
const MOST_CHARACTERS: usize = 300;

pub(super) struct Client {
    pub forge: String,
    pub gate: Gate,
    api: Url,
    graphql: Url,
    octocrab: Octocrab,
    user_agent: HeaderValue,
    token: Option<String>,
    timeout: Duration,
}

/// An answer that is no refusal: 2xx, 304, or one that says that something is not there (404, 410, 451).
pub(super) struct Answer {
    pub status: StatusCode,
    pub etag: Option<HeaderValue>,
    body: Bytes,
}

/// What GitHub says of an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    errors: Vec<Value>,
    /// Why a repository is blocked.
    block: Option<Value>,
}

impl Client {
    /// Has to be called within a Tokio runtime, which then sends the requests.
    ///
    /// # Errors
    /// When a header cannot hold token or user agent, or the system has no usable TLS.
    pub fn new(options: GitHubOptions) -> Result<Self, ForgeError> {
        let forge = host_of(&options.url);
        let failed = |reason: String| ForgeError::Unexpected { forge: forge.clone(), reason };
        let token = options.token.filter(|token| !token.is_empty());
        let authorization = token.as_ref().map(|token| {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ForgeError::Unauthorized {
                    forge: forge.clone(),
                    reason: "it holds characters that no token has".to_owned(),
                })?;
            value.set_sensitive(true);
            Ok(value)
        });
        let user_agent = HeaderValue::from_str(&options.user_agent);
        let user_agent = user_agent.map_err(|_| failed("the user agent holds control characters".to_owned()))?;
        let api: Uri = options.url.as_str().parse().map_err(|error| failed(format!("{error}")))?;
        Ok(Self {
            gate: Gate::new(&forge, options.clock),
            octocrab: octocrab(authorization.transpose()?, api, options.proxy.as_ref(), &failed)?,
            graphql: graphql_of(&options.url),
            api: options.url,
            user_agent,
            token,
            timeout: options.timeout,
            forge,
        })
    }

    /// The forge's host without its port: git may be served at another one.
    pub fn host(&self) -> &str {
        self.forge.rsplit_once(':').filter(|_| self.api.port().is_some()).map_or(&self.forge, |(host, _)| host)
    }

    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The URL of something under the API's base, its parts escaped.
    pub fn url(&self, parts: &[&str]) -> Url {
        extended(&self.api, parts)
    }

    /// Asks the REST API. Redirects of its own host are followed.
    ///
    /// # Errors
    /// As [`ForgeError`] says.
    pub async fn get(
        &self,
        resource: &'static str,
        mut url: Url,
        etag: Option<&HeaderValue>,
    ) -> Result<Answer, ForgeError> {
        for _ in 0..=MOST_REDIRECTS {
            let mut headers = HeaderMap::new();
            if let Some(etag) = etag {
                headers.insert(IF_NONE_MATCH, etag.clone());
            }
            let (status, headers, body) = self.send(resource, Method::GET, &url, headers, None).await?;
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                url = self.redirected(&url, &headers)?;
                continue;
            }
            return Ok(Answer { status, etag: headers.get(ETAG).cloned(), body });
        }
        Err(self.unexpected("it redirects in a circle"))
    }

    /// Asks the GraphQL API; answers `data` and `errors` as they stand.
    ///
    /// # Errors
    /// As [`ForgeError`] says.
    pub async fn graphql(&self, request: &Value) -> Result<Answer, ForgeError> {
        let (status, headers, body) =
            self.send(GRAPHQL, Method::POST, &self.graphql, HeaderMap::new(), Some(request)).await?;
        match status.is_success() {
            true => Ok(Answer { status, etag: headers.get(ETAG).cloned(), body }),
            false => Err(self.unexpected(&format!("{status} to a GraphQL request"))),
        }
    }

    /// Sends one request through the gate.
    async fn send(
        &self,
        resource: &'static str,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ForgeError> {
        let pass = self.gate.enter(resource).await?;
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        let mut request = http::Request::builder().method(method).uri(url.as_str());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let exchange = async {
            let request = self.octocrab.build_request(request, body)?;
            self.octocrab.execute(request).await
        };
        let answered = async {
            let answer = exchange.await.map_err(|error| self.unreachable(&error))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await;
            let body = body.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
                true => self.unexpected(&format!("more than {} MiB", MOST_BYTES >> 20)),
                false => self.unreachable(error.as_ref()),
            })?;
            Ok((parts.status, parts.headers, body.to_bytes()))
        };
        let answered = tokio::time::timeout(self.timeout, answered).await;
        let (status, headers, body) = answered.unwrap_or_else(|_| {
            let reason = format!("no answer within {} seconds", self.timeout.as_secs());
            Err(ForgeError::Unreachable { forge: self.forge.clone(), reason })
        })?;
        let told = told(resource, &headers);
        let refusal = refusal(status, &headers, &body).or_else(|| refusal_of_graphql(resource, &headers, &body));
        if let Some(refusal) = refusal {
            pass.answered(told);
            return Err(self.gate.refused(told.map_or(resource, |told| told.resource), refusal));
        }
        pass.welcomed(told);
        self.check(status, &body)?;
        Ok((status, headers, body))
    }

    /// Whether an answer that is no refusal can be used.
    fn check(&self, status: StatusCode, body: &[u8]) -> Result<(), ForgeError> {
        let problem = || serde_json::from_slice::<Problem>(body).unwrap_or_default();
        match status {
            StatusCode::UNAUTHORIZED if !self.has_token() => Err(ForgeError::NeedsToken { forge: self.forge.clone() }),
            StatusCode::UNAUTHORIZED => Err(self.unauthorized(&problem().message)),
            // The forge blocked a repository: for us it is gone.
            StatusCode::FORBIDDEN if problem().block.is_some() => Ok(()),
            StatusCode::FORBIDDEN => {
                Err(ForgeError::Forbidden { forge: self.forge.clone(), reason: self.shown(&problem().message) })
            }
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
                let problem = problem();
                let details = problem.errors.iter().filter_map(|error| match error {
                    Value::String(text) => Some(text.as_str()),
                    error => error.get("message")?.as_str(),
                });
                let reason: Vec<&str> = std::iter::once(problem.message.as_str()).chain(details).collect();
                Err(self.not_understood("", &reason.join(": ")))
            }
            // A web server that is no GitHub has no such page either: its repositories are not gone.
            status if is_absence(status) && problem().message.is_empty() => {
                Err(self.unexpected(&format!("{status} without GitHub's explanation: is it the URL of its API?")))
            }
            status if status.is_success() || status.is_redirection() || is_absence(status) => Ok(()),
            status => Err(self.unexpected(&status.to_string())),
        }
    }

    fn redirected(&self, from: &Url, headers: &HeaderMap) -> Result<Url, ForgeError> {
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let to = location.and_then(|location| from.join(location).ok());
        let to = to.ok_or_else(|| self.unexpected("a redirect to nowhere"))?;
        match to.origin() == self.api.origin() {
            true => Ok(to),
            false => Err(self.unexpected("a redirect to another host")),
        }
    }

    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ForgeError> {
        // The error's text would quote what the forge sent.
        serde_json::from_slice(&answer.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            self.unexpected(&format!("JSON of another form, at line {line}, column {column}"))
        })
    }

    pub fn unexpected(&self, reason: &str) -> ForgeError {
        ForgeError::Unexpected { forge: self.forge.clone(), reason: self.shown(reason) }
    }

    pub fn not_understood(&self, expression: &str, reason: &str) -> ForgeError {
        let expression = self.shown(expression);
        ForgeError::BadQuery { forge: self.forge.clone(), expression, reason: self.shown(reason) }
    }

    pub fn unauthorized(&self, reason: &str) -> ForgeError {
        ForgeError::Unauthorized { forge: self.forge.clone(), reason: self.shown(reason) }
    }

    fn unreachable(&self, error: &(dyn Error + 'static)) -> ForgeError {
        // Connection refused, no such host, a certificate.
        let mut reason = self.shown(&innermost(error).to_string());
        if reason.ends_with("UnknownIssuer") {
            reason += "; SSL_CERT_FILE names the file of a private authority";
        }
        ForgeError::Unreachable { forge: self.forge.clone(), reason }
    }

    /// A text of the forge's, fit to be shown: short, on one line, and without the token, which a server may send back.
    fn shown(&self, text: &str) -> String {
        let text = match &self.token {
            Some(token) => text.replace(token.as_str(), "…"),
            None => text.to_owned(),
        };
        text.chars().take(MOST_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// Whether a status says that something is deleted, blocked, or to be seen by others only.
pub(super) fn is_absence(status: StatusCode) -> bool {
    let absences =
        [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS];
    absences.contains(&status)
}

/// The host that repositories live on: `github.com` for `api.github.com`, and a port that is not the scheme's own.
fn host_of(api: &Url) -> String {
    let host = api.host_str().unwrap_or_default();
    let host = if api.path() == "/" { host.strip_prefix("api.").unwrap_or(host) } else { host };
    api.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// `https://api.github.com/graphql`; an Enterprise Server's `https://HOST/api/graphql` stands beside `https://HOST/api/v3`.
fn graphql_of(api: &Url) -> Url {
    let mut base = api.clone();
    if let Some(path) = api.path().trim_end_matches('/').strip_suffix("/v3") {
        base.set_path(path);
    }
    extended(&base, &["graphql"])
}

fn extended(base: &Url, parts: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(parts);
    }
    url
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &'static str) -> Option<T> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.trim().parse().ok()
}

fn told(asked: &'static str, headers: &HeaderMap) -> Option<Told> {
    let named = headers.get("x-ratelimit-resource").and_then(|name| name.to_str().ok());
    let resource = [CORE, SEARCH, GRAPHQL].into_iter().find(|resource| Some(*resource) == named).unwrap_or(asked);
    let remaining = number(headers, "x-ratelimit-remaining")?;
    let resets_at = number(headers, "x-ratelimit-reset")?;
    Some(Told { resource, limit: number(headers, "x-ratelimit-limit").unwrap_or(remaining), remaining, resets_at })
}

/// Whether an answer refuses the request for now: `retry-after` counts first, then a budget that is used up.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Refusal> {
    let limited = [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    if let Some(seconds) = number(headers, "retry-after")
        && (limited.contains(&status) || status == StatusCode::SERVICE_UNAVAILABLE)
    {
        return Some(Refusal::Wait(seconds));
    }
    if !limited.contains(&status) {
        return None;
    }
    if number(headers, "x-ratelimit-remaining") == Some(0) {
        return Some(Refusal::UsedUp);
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let message = problem.message.to_lowercase();
    let says_so = ["rate limit", "abuse"].iter().any(|words| message.contains(words));
    (status == StatusCode::TOO_MANY_REQUESTS || says_so).then_some(Refusal::Unexplained)
}

/// The GraphQL API refuses in answers that succeed, some of which hold a part of the data.
fn refusal_of_graphql(resource: &str, headers: &HeaderMap, body: &[u8]) -> Option<Refusal> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        errors: Vec<Stated>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Stated {
        #[serde(rename = "type")]
        kind: String,
        message: String,
    }
    if resource != GRAPHQL {
        return None;
    }
    let Answer { errors } = serde_json::from_slice(body).unwrap_or_default();
    let is_used_up = errors.iter().any(|error| ["RATE_LIMIT", "RATE_LIMITED"].contains(&error.kind.as_str()));
    let is_limited = errors.iter().any(|error| error.message.to_lowercase().contains("rate limit"));
    match number(headers, "retry-after") {
        Some(seconds) if is_used_up || is_limited => Some(Refusal::Wait(seconds)),
        _ if is_used_up => Some(Refusal::UsedUp),
        _ => is_limited.then_some(Refusal::Unexplained),
    }
}
