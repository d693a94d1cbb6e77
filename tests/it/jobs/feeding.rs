//! A server that feeds itself: it finds repositories, visits and scans them, and what changes on their forge reaches its answers.

use serde_json::{Value, json};

use crate::support::data::{TestData, text};
use crate::support::git_http;
use crate::support::github::{Emulator, Repo};
use crate::support::http;
use crate::support::process::eventually;
use crate::support::repos::{TempRepo, fixture, run_git};
use crate::support::server::TestServer;

const TOKEN: &str = "github_pat_right";
const REPOSITORY: &str = "nodes { id fullName status description topics license isArchived scanStatus scanError syncStatus syncError \
    eventCount discoveryTags metrics { stars watchers openIssues resourceCount } languages { name share } \
    quality { score parts { name points } } changes { field before after } }";

/// A forge with one repository that git finds, and the server that is to find it.
struct World {
    source: TempRepo,
    served: std::path::PathBuf,
    github: Emulator,
    data: TestData,
    server: TestServer,
}

impl World {
    fn new() -> Self {
        let source = fixture("create-modify-delete");
        let root = source.beside("served");
        let served = root.join("owner/name.git");
        run_git(&source.path(), &["clone", "--quiet", "--bare", ".", text(&served)]);
        let git = git_http::serve(root, None);
        let github = Emulator::start();
        github.add(Repo { page: Some(format!("{git}/owner/name")), ..Repo::new(7, "owner/name") });
        github.add(Repo { is_archived: true, ..Repo::new(8, "owner/old") });
        let data = TestData::new()
            .with("KUBESTATS_DISCOVERY__ENABLED", "true")
            .with("KUBESTATS_DISCOVERY__QUERIES", "topic:kubesearch")
            .with("KUBESTATS_GITHUB__URL", github.url().as_str())
            .with("KUBESTATS_GITHUB__TOKEN", TOKEN);
        let server = TestServer::start(&data);
        let world = Self { source, served, github, data, server };
        eventually("what was found is scanned", || world.repository()["scanStatus"] == "SUCCEEDED");
        world
    }

    /// The only repository; null when there is none.
    fn repository(&self) -> Value {
        let answer = self.server.query(&format!("{{ repositories {{ {REPOSITORY} }} }}"));
        let nodes = answer["repositories"]["nodes"].as_array().unwrap().clone();
        assert!(nodes.len() < 2, "{nodes:#?}");
        nodes.into_iter().next().unwrap_or_default()
    }

    /// Runs a mutation that the caller could not have mended; answers its payload.
    #[track_caller]
    fn mutate(&self, mutation: &str) -> Value {
        let document =
            format!("mutation {{ done: {mutation} {{ job {{ id kind state }} userErrors {{ code message }} }} }}");
        let payload = self.server.query(&document)["done"].clone();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload
    }

    /// Waits until nothing is asked for any more.
    fn settle(&self) {
        eventually("all jobs have ended", || {
            let open =
                "{ jobs(filter: {state: {in: [QUEUED, RUNNING, PARKED]}}) { nodes { kind state error { message } } } }";
            self.server.query(open)["jobs"]["nodes"] == json!([])
        });
    }
}

#[test]
fn what_a_forge_tells_of_a_repository_is_answered_and_kept_current() {
    let world = World::new();
    world.settle();
    let found = world.repository();
    assert_eq!(
        [&found["fullName"], &found["status"], &found["syncStatus"], &found["license"], &found["eventCount"]],
        [&json!("owner/name"), &json!("ACTIVE"), &json!("SUCCEEDED"), &json!("MIT"), &json!(3)],
        "{found:#}"
    );
    assert_eq!(found["metrics"]["stars"], 7);
    assert!(found["quality"]["score"].as_i64().unwrap() > 0, "{found:#}");
    assert!(found["discoveryTags"].to_string().contains("topic:kubesearch"), "{found:#}");

    // Renamed and starred: the same repository, with its old name among its changes.
    world.github.rename(7, "other/cluster");
    world.github.change(7, |repo| repo.stars = 70);
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("the new name is known", || world.repository()["fullName"] == "other/cluster");
    world.settle();
    let renamed = world.repository();
    assert_eq!(
        (&renamed["id"], &renamed["metrics"]["stars"], &renamed["eventCount"]),
        (&found["id"], &json!(70), &json!(3))
    );
    // What a search does not tell, a visit does.
    assert_eq!((&renamed["metrics"]["watchers"], &renamed["languages"][0]["name"]), (&json!(3), &json!("YAML")));
    assert_eq!(
        renamed["changes"][0],
        json!({ "field": "FULL_NAME", "before": "owner/name", "after": "other/cluster" })
    );

    // Pushed to: fetched and scanned.
    world.source.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "new");
    run_git(&world.served, &["fetch", "--quiet", text(&world.source.path()), "main:main"]);
    world.github.change(7, |repo| repo.pushed_at += 60);
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("the push is scanned", || world.repository()["eventCount"] == 4);

    // Gone: what is stored stays.
    world.github.change(7, |repo| repo.is_gone = true);
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("it is gone", || world.repository()["status"] == "GONE");
    assert_eq!(world.repository()["eventCount"], 4);
    assert!(!world.server.log().contains(TOKEN), "{}", world.server.log());
}

#[test]
fn what_was_removed_stays_away_until_it_is_added() {
    let world = World::new();
    world.settle();
    let found = world.repository();
    world.mutate(&format!("blockRepository(id: {})", found["id"]));
    assert_eq!(world.repository()["status"], "BLOCKED");
    world.mutate(&format!("deleteRepository(id: {})", found["id"]));
    eventually("it is removed", || world.repository() == Value::Null);
    world.settle();
    assert_eq!(world.server.query("{ events { totalCount } }")["events"]["totalCount"], 0);
    assert!(std::fs::read_dir(world.data.path().join("mirrors")).unwrap().next().is_none(), "the mirror is gone");

    world.mutate("discover(queries: [\"topic:kubesearch\"])");
    world.settle();
    assert_eq!(world.repository(), Value::Null);
    let stats = world.server.query("{ discoveryStats { query rejected { reason count } } }");
    assert!(stats.to_string().contains("removed"), "{stats:#}");

    let url = world.github.state().repos[&7].page.clone().unwrap();
    world.mutate(&format!("addRepository(url: {})", json!(url)));
    eventually("it is back", || world.repository()["scanStatus"] == "SUCCEEDED");
}

#[test]
fn strangers_cannot_change_anything() {
    let server = TestServer::start(&TestData::new());
    let mutation = json!({ "query": "mutation { discover { job { id } } }" }).to_string();
    for header in ["X-Forwarded-For: 203.0.113.9", "Origin: https://evil.example.org"] {
        let headers = ["Content-Type: application/json", header];
        let answer = http::send(server.address, "POST", "/graphql", &headers, &mutation);
        assert!(answer.body.contains("FORBIDDEN"), "{header}: {}", answer.body);
    }
    let answer = http::send(server.address, "POST", "/graphql", &["Content-Type: application/json"], &mutation);
    assert!(answer.body.contains("\"job\""), "{}", answer.body);
}
