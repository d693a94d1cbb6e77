//! The part of GitHub's APIs that we use, on loopback, with a clock, budgets and troubles that tests set.
//!
//! What it answers is held against the service's published schemas (`forge/openapi.rs`, `forge/schema.rs`).

mod graphql;
mod repository;
mod search;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::serve::ListenerExt;
use chrono::Utc;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use url::Url;

pub use repository::Repo;

/// Noon of the first of January 2026, unless a test sets another time.
pub const NOON: i64 = 1_767_268_800;
/// In place of a time: the system's.
const SYSTEM_TIME: i64 = i64::MIN;
/// Between two bytes of a body that trickles.
const DRIP: Duration = Duration::from_millis(100);
const WALL: usize = 1_000;
/// Where errors point to.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// A running emulator; it ends with this value.
pub struct Emulator {
    address: String,
    state: Arc<Mutex<State>>,
    now: Arc<AtomicI64>,
    _runtime: Runtime,
}

pub struct State {
    pub repos: BTreeMap<u64, Repo>,
    /// The one token that is accepted; requests without a token are, too.
    pub token: String,
    /// By `core`, `search`, `graphql`. Without an entry no limits are told, as Enterprise Servers do.
    pub budgets: HashMap<&'static str, Budget>,
    /// What the next requests get instead of their answers.
    pub troubles: VecDeque<Trouble>,
    /// So many of the next searches say that they are incomplete.
    pub incomplete: u32,
    /// Where it stands: `` or `/api/v3`.
    base: &'static str,
    requests: Vec<Request>,
}

#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub limit: u64,
    pub remaining: u64,
    pub resets_at: i64,
    /// Seconds between two resets.
    pub window: i64,
}

pub enum Trouble {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// No answer, ever.
    Silence,
    /// The head of an answer at once, and its body byte by byte, for hours.
    Trickle,
    /// The answer as it would be, and something else first.
    Meanwhile(Box<dyn FnOnce(&mut State) + Send>),
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Emulator {
    /// With GitHub's own paths.
    pub fn start() -> Self {
        Self::at("")
    }

    /// As an Enterprise Server: REST under `/api/v3`, GraphQL at `/api/graphql`.
    pub fn enterprise() -> Self {
        Self::at("/api/v3")
    }

    fn at(base: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let budgets = [("core", 5_000, 3600), ("search", 30, 60), ("graphql", 5_000, 3600)];
        let budget =
            |(name, limit, window)| (name, Budget { limit, remaining: limit, resets_at: NOON + window, window });
        let state = Arc::new(Mutex::new(State {
            repos: BTreeMap::new(),
            token: "github_pat_right".to_owned(),
            budgets: budgets.map(budget).into(),
            troubles: VecDeque::new(),
            incomplete: 0,
            base,
            requests: Vec::new(),
        }));
        let now = Arc::new(AtomicI64::new(NOON));
        let web = format!("http://{address}");
        let (shared, clock) = (state.clone(), now.clone());
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let request = Request {
                method: method.to_string(),
                target: uri.to_string(),
                headers,
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            let answer = shared.lock().unwrap().answer(&web, read(&clock), &request);
            async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        };
        runtime.spawn(async move {
            axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), Router::new().fallback(answer)).await
        });
        Self { address, state, now, _runtime: runtime }
    }

    /// What `github.url` is set to.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}{}", self.address, self.state().base)).unwrap()
    }

    pub fn host(&self) -> &str {
        &self.address
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn add(&self, repo: Repo) {
        self.state().repos.insert(repo.id, repo);
    }

    /// Changes a repository: archived, pushed to, deleted.
    pub fn change(&self, id: u64, change: impl FnOnce(&mut Repo)) {
        change(self.state().repos.get_mut(&id).unwrap());
    }

    /// Renames a repository, or gives it to another owner; its former name leads to it.
    pub fn rename(&self, id: u64, full_name: &str) {
        let (owner, name) = full_name.split_once('/').unwrap();
        self.change(id, |repo| {
            repo.former.push(repo.full_name());
            repo.owner = owner.to_owned();
            repo.name = name.to_owned();
        });
    }

    pub fn trouble(&self, trouble: Trouble) {
        self.state().troubles.push_back(trouble);
    }

    /// The next request gets this answer.
    pub fn next_answer(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.trouble(Trouble::Answer { status, headers, body: body.to_owned() });
    }

    /// Requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    pub fn set_now(&self, now: i64) {
        self.now.store(now, Ordering::SeqCst);
    }

    /// Goes by the system's clock from now on, as a whole server does; budgets begin anew.
    pub fn follow_the_system(&self) {
        self.set_now(SYSTEM_TIME);
        let now = read(&self.now);
        for budget in self.state().budgets.values_mut() {
            *budget = Budget { remaining: budget.limit, resets_at: now + budget.window, ..*budget };
        }
    }

    /// The emulator's clock, for the one who asks it.
    pub fn clock(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        let now = self.now.clone();
        Arc::new(move || read(&now))
    }
}

fn read(clock: &AtomicI64) -> i64 {
    match clock.load(Ordering::SeqCst) {
        SYSTEM_TIME => Utc::now().timestamp(),
        set => set,
    }
}

impl State {
    /// None: silence.
    fn answer(&mut self, web: &str, now: i64, request: &Request) -> Option<Response<Body>> {
        self.requests.push(request.clone());
        match self.troubles.pop_front() {
            Some(Trouble::Silence) => return None,
            Some(Trouble::Trickle) => return Some(trickle()),
            Some(Trouble::Answer { status, headers, body }) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                return Some(response.body(Body::from(body)).unwrap());
            }
            Some(Trouble::Meanwhile(change)) => change(self),
            None => {}
        }
        let given = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        if given.is_some_and(|given| given != format!("Bearer {}", self.token)) {
            return Some(plain(401, problem(401, "Bad credentials")));
        }
        let url = Url::parse(web).unwrap().join(&request.target).unwrap();
        let graphql = if self.base.is_empty() { "/graphql" } else { "/api/graphql" };
        if url.path() == graphql {
            return Some(self.charged("graphql", now, false, |state| match given {
                None => (401, problem(401, "This endpoint requires you to be authenticated.")),
                Some(_) => (200, graphql::answer(state, web, &serde_json::from_str(&request.body).unwrap())),
            }));
        }
        let Some(path) = url.path().strip_prefix(self.base) else { return Some(plain(404, problem(404, "Not Found"))) };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["search", "repositories"] => {
                let parameters: HashMap<String, String> = url.query_pairs().into_owned().collect();
                Some(self.charged("search", now, false, |state| state.search(web, &parameters)))
            }
            ["repositories", id] => {
                let repo = id.parse().ok().and_then(|id| self.repos.get(&id)).cloned();
                Some(self.repository(web, now, repo, request))
            }
            ["repos", owner, name] => {
                let full_name = format!("{owner}/{name}");
                let named = |repo: &&Repo| repo.full_name().eq_ignore_ascii_case(&full_name);
                if let Some(repo) = self.repos.values().find(named).cloned() {
                    return Some(self.repository(web, now, Some(repo), request));
                }
                let former = self.repos.values().find(|repo| repo.former.contains(&full_name));
                match former.filter(|repo| !repo.is_gone).map(|repo| repo.id) {
                    None => Some(self.repository(web, now, None, request)),
                    Some(id) => {
                        let location = format!("{web}{}/repositories/{id}", self.base);
                        let body = json!({
                            "message": "Moved Permanently", "url": location, "documentation_url": DOCUMENTATION,
                        });
                        let mut response = self.charged("core", now, false, |_| (301, body));
                        response.headers_mut().insert("location", location.parse().unwrap());
                        Some(response)
                    }
                }
            }
            _ => Some(plain(404, problem(404, "Not Found"))),
        }
    }

    fn repository(&mut self, web: &str, now: i64, repo: Option<Repo>, request: &Request) -> Response<Body> {
        // A private one is hidden from those who do not say who they are.
        let is_known = request.headers.contains_key("authorization");
        let Some(repo) = repo.filter(|repo| !repo.is_gone && (is_known || !repo.is_private)) else {
            return self.charged("core", now, false, |_| (404, problem(404, "Not Found")));
        };
        if repo.is_taken_down {
            let block = json!({ "reason": "dmca", "created_at": "2025-01-01T00:00:00Z", "html_url": DOCUMENTATION });
            let body = json!({ "message": "Repository access blocked", "block": block });
            return self.charged("core", now, false, |_| (451, body));
        }
        let body = repo.full(web);
        let mut hasher = DefaultHasher::new();
        body.to_string().hash(&mut hasher);
        let etag = format!("W/\"{:x}\"", hasher.finish());
        let is_same = request.headers.get("if-none-match").is_some_and(|given| given.as_bytes() == etag.as_bytes());
        // An unchanged answer is free for those who say who they are.
        let is_free = is_same && is_known;
        let mut response = self.charged("core", now, is_free, |_| match is_same {
            true => (304, Value::Null),
            false => (200, body),
        });
        response.headers_mut().insert("etag", etag.parse().unwrap());
        response
    }

    fn search(&mut self, web: &str, parameters: &HashMap<String, String>) -> (u16, Value) {
        let number = |name: &str, default: usize| parameters.get(name).map_or(default, |text| text.parse().unwrap());
        let (page, per_page) = (number("page", 1), number("per_page", 30).min(100));
        let invalid = |message: &str| {
            let error = json!({ "message": message, "resource": "Search", "field": "q", "code": "invalid" });
            (422, json!({ "message": "Validation Failed", "errors": [error], "documentation_url": DOCUMENTATION }))
        };
        if (page - 1) * per_page >= WALL {
            let message = "Only the first 1000 search results are available";
            return (422, json!({ "message": message, "documentation_url": DOCUMENTATION }));
        }
        let mut found = Vec::new();
        for repo in self.repos.values() {
            match search::matches(repo, &parameters["q"]) {
                Err(message) => return invalid(&message),
                Ok(true) => found.push(repo),
                Ok(false) => {}
            }
        }
        if parameters.get("sort").is_some_and(|sort| sort == "stars") {
            found.sort_by_key(|repo| (std::cmp::Reverse(repo.stars), repo.id));
        }
        let seen = found.iter().take(WALL).skip((page - 1) * per_page).take(per_page);
        let items: Vec<Value> = seen.map(|repo| repo.item(web)).collect();
        let is_incomplete = self.incomplete > 0;
        let body = json!({ "total_count": found.len(), "incomplete_results": is_incomplete, "items": items });
        self.incomplete = self.incomplete.saturating_sub(1);
        (200, body)
    }

    /// An answer that costs one of a budget; or the refusal.
    fn charged(
        &mut self,
        resource: &'static str,
        now: i64,
        is_free: bool,
        answer: impl FnOnce(&mut Self) -> (u16, Value),
    ) -> Response<Body> {
        let mut budget = self.budgets.get(resource).copied();
        let mut is_refused = false;
        if let Some(budget) = &mut budget {
            if now >= budget.resets_at {
                budget.remaining = budget.limit;
                budget.resets_at = now + budget.window;
            }
            is_refused = budget.remaining == 0;
            budget.remaining = budget.remaining.saturating_sub(u64::from(!is_free));
            self.budgets.insert(resource, *budget);
        }
        let (status, body) = match is_refused {
            true if resource == "graphql" => (200, graphql::rate_limited()),
            true => (403, problem(403, "API rate limit exceeded for 127.0.0.1.")),
            false => answer(self),
        };
        let mut response = plain(status, body);
        if let Some(budget) = budget {
            let mut tell =
                |name: &'static str, value: String| response.headers_mut().insert(name, value.parse().unwrap());
            tell("x-ratelimit-limit", budget.limit.to_string());
            tell("x-ratelimit-remaining", budget.remaining.to_string());
            tell("x-ratelimit-used", (budget.limit - budget.remaining).to_string());
            tell("x-ratelimit-reset", budget.resets_at.to_string());
            tell("x-ratelimit-resource", resource.to_owned());
        }
        response
    }
}

/// The body of an error.
fn problem(status: u16, message: &str) -> Value {
    json!({ "message": message, "documentation_url": DOCUMENTATION, "status": status.to_string() })
}

fn trickle() -> Response<Body> {
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(DRIP).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    });
    Response::builder().header("content-type", "application/json").body(Body::from_stream(drops)).unwrap()
}

fn plain(status: u16, body: Value) -> Response<Body> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("content-type", "application/json").body(Body::from(text)).unwrap()
}
