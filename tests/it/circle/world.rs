//! A forge whose repositories git finds, and the server that feeds itself from it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use crate::support::data::{TestData, text};
use crate::support::git_http::GitServer;
use crate::support::github::{Emulator, Repo};
use crate::support::process;
use crate::support::repos::{TempRepo, fixture, run_git};
use crate::support::server::TestServer;
use crate::support::socket::Subscription;

pub const TOKEN: &str = "github_pat_right";
/// Between two questions of whoever waits for an answer: the server has other things to do.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks now and then until `condition` holds; panics with `what` when it never does.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    process::eventually(what, || {
        let holds = condition();
        if !holds {
            thread::sleep(PAUSE);
        }
        holds
    });
}

/// What the emulator and the git server have together.
pub struct Forge {
    pub github: Emulator,
    pub git: GitServer,
    /// Where repositories have their pages, and git finds them.
    pub pages: String,
    root: tempfile::TempDir,
    /// By their ids: where their owners work.
    sources: BTreeMap<u64, TempRepo>,
}

impl Forge {
    /// An empty one, that goes by the system's clock; everybody may clone.
    pub fn new() -> Self {
        Self::with(Emulator::start(), None)
    }

    /// The same with this emulator, and for whoever sends `user:password` to git.
    pub fn with(github: Emulator, credentials: Option<&str>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let git = GitServer::start(root.path().to_owned(), credentials);
        github.follow_the_system();
        Self { pages: git.url.clone(), github, git, root, sources: BTreeMap::new() }
    }

    /// Adds a repository of three commits, which make three events of one resource.
    pub fn publish(&mut self, id: u64, full_name: &str, change: impl FnOnce(&mut Repo)) {
        let source = fixture("create-modify-delete");
        run_git(&source.path(), &["clone", "--quiet", "--bare", ".", text(&self.served(full_name))]);
        self.describe(id, full_name, change);
        self.sources.insert(id, source);
    }

    /// Tells the emulator of a repository that the git server has.
    pub fn describe(&self, id: u64, full_name: &str, change: impl FnOnce(&mut Repo)) {
        let page = Some(format!("{}/{full_name}", self.pages));
        let mut repo = Repo { page, ..Repo::new(id, full_name) };
        change(&mut repo);
        self.github.add(repo);
    }

    /// Where the git server finds it.
    pub fn served(&self, full_name: &str) -> PathBuf {
        self.root.path().join(format!("{full_name}.git"))
    }

    /// Commits a resource of the kind `A` and pushes it.
    pub fn push(&self, id: u64, name: &str) {
        let source = &self.sources[&id];
        let manifest = format!("apiVersion: v1\nkind: A\nmetadata: {{name: {name}}}\n");
        source.commit_file(&format!("{name}.yaml"), &manifest, "new");
        let full_name = self.github.state().repos[&id].former.first().cloned();
        let full_name = full_name.unwrap_or_else(|| self.github.state().repos[&id].full_name());
        let served = self.served(&full_name);
        run_git(&served, &["fetch", "--quiet", text(&source.path()), "main:main"]);
        // A forge's times have seconds: two pushes of one second differ, too.
        let now = Utc::now().timestamp();
        self.github.change(id, |repo| repo.pushed_at = now.max(repo.pushed_at + 1));
    }

    /// What a server that feeds itself from here is told.
    pub fn data(&self) -> TestData {
        TestData::new()
            .with("KUBESTATS_DISCOVERY__ENABLED", "true")
            .with("KUBESTATS_DISCOVERY__QUERIES", "topic:kubesearch")
            .with("KUBESTATS_GITHUB__URL", self.github.url().as_str())
            .with("KUBESTATS_GITHUB__TOKEN", TOKEN)
    }

    /// Starts the server, which begins to discover.
    #[track_caller]
    pub fn serve(self, data: TestData) -> World {
        let server = TestServer::start(&data);
        World { forge: self, data, server }
    }
}

/// A forge and its server.
pub struct World {
    // The server ends first.
    pub server: TestServer,
    pub data: TestData,
    pub forge: Forge,
}

impl World {
    /// The fields of the repository of this name; null when there is none.
    pub fn repository(&self, full_name: &str, fields: &str) -> Value {
        let document = format!("query One($name: String!) {{ repository(by: {{fullName: $name}}) {{ {fields} }} }}");
        self.server.query_with(&document, json!({ "name": full_name }))["repository"].take()
    }

    /// Waits until it is scanned, with so many events.
    #[track_caller]
    pub fn is_scanned(&self, full_name: &str, events: u64) {
        let wanted = json!({ "scanStatus": "SUCCEEDED", "eventCount": events });
        let what = format!("{full_name} is scanned, with {events} events");
        eventually(&what, || self.repository(full_name, "scanStatus eventCount") == wanted);
    }

    /// Runs a mutation that the caller could not have mended; answers its job.
    #[track_caller]
    pub fn mutate(&self, mutation: &str) -> Value {
        let document =
            format!("mutation {{ done: {mutation} {{ job {{ id kind state }} userErrors {{ code message }} }} }}");
        let mut payload = self.server.query(&document)["done"].take();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload["job"].take()
    }

    /// A job as it is now.
    #[track_caller]
    pub fn job(&self, job: &Value) -> Value {
        let document = "query One($id: ID!) { job(id: $id) { state attempts error { code message } log { text } } }";
        self.server.query_with(document, json!({ "id": job["id"] }))["job"].take()
    }

    /// Waits until a job has ended; answers it.
    #[track_caller]
    pub fn ended(&self, job: &Value) -> Value {
        let mut now = Value::Null;
        eventually("the job has ended", || {
            now = self.job(job);
            ["SUCCEEDED", "FAILED", "CANCELLED"].contains(&now["state"].as_str().unwrap())
        });
        now
    }

    /// Waits until nothing is asked for any more.
    #[track_caller]
    pub fn settle(&self) {
        let open = "{ jobs(filter: {state: {in: [QUEUED, RUNNING, PARKED]}}) { totalCount } }";
        eventually("all jobs have ended", || self.server.query(open)["jobs"]["totalCount"] == 0);
    }

    /// Listens from now on.
    #[track_caller]
    pub fn subscribe(&self, document: &str) -> Subscription {
        Subscription::start(self.server.address, document)
    }
}
