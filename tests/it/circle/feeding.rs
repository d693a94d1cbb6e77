//! A server that feeds itself: it finds repositories, visits and scans them, and what changes on their forge reaches its answers.

use serde_json::{Value, json};

use super::world::{Forge, TOKEN, World, eventually};
use crate::support::data::TestData;
use crate::support::http;
use crate::support::server::TestServer;

const REPOSITORY: &str = "nodes { id fullName status description topics license isArchived scanStatus scanError syncStatus syncError \
    eventCount discoveryTags metrics { stars watchers openIssues resourceCount } languages { name share } \
    quality { score parts { name points } } changes { field before after } }";

/// One repository that is taken, and one that is archived.
fn world() -> World {
    let mut forge = Forge::new();
    forge.publish(7, "owner/name", |_| ());
    forge.publish(8, "owner/old", |repo| repo.is_archived = true);
    let data = forge.data();
    let world = forge.serve(data);
    world.is_scanned("owner/name", 3);
    world
}

/// The only repository; null when there is none.
fn only(world: &World) -> Value {
    let answer = world.server.query(&format!("{{ repositories {{ {REPOSITORY} }} }}"));
    let nodes = answer["repositories"]["nodes"].as_array().unwrap().clone();
    assert!(nodes.len() < 2, "{nodes:#?}");
    nodes.into_iter().next().unwrap_or_default()
}

#[test]
fn what_a_forge_tells_of_a_repository_is_answered_and_kept_current() {
    let world = world();
    world.settle();
    let found = only(&world);
    assert_eq!(
        [&found["fullName"], &found["status"], &found["syncStatus"], &found["license"], &found["eventCount"]],
        [&json!("owner/name"), &json!("ACTIVE"), &json!("SUCCEEDED"), &json!("MIT"), &json!(3)],
        "{found:#}"
    );
    assert_eq!(found["metrics"]["stars"], 7);
    assert!(found["quality"]["score"].as_i64().unwrap() > 0, "{found:#}");
    assert!(found["discoveryTags"].to_string().contains("topic:kubesearch"), "{found:#}");

    // Renamed and starred: the same repository, with its old name among its changes.
    world.forge.github.rename(7, "other/cluster");
    world.forge.github.change(7, |repo| repo.stars = 70);
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("the new name is known", || only(&world)["fullName"] == "other/cluster");
    world.settle();
    let renamed = only(&world);
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
    world.forge.push(7, "one");
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("the push is scanned", || only(&world)["eventCount"] == 4);

    // Gone: what is stored stays.
    world.forge.github.change(7, |repo| repo.is_gone = true);
    world.mutate(&format!("sync(repository: {}, fetch: false)", found["id"]));
    eventually("it is gone", || only(&world)["status"] == "GONE");
    assert_eq!(only(&world)["eventCount"], 4);
    assert!(!world.server.log().contains(TOKEN), "{}", world.server.log());
}

#[test]
fn what_was_removed_stays_away_until_it_is_added() {
    let world = world();
    world.settle();
    let found = only(&world);
    world.mutate(&format!("blockRepository(id: {})", found["id"]));
    assert_eq!(only(&world)["status"], "BLOCKED");
    world.mutate(&format!("deleteRepository(id: {})", found["id"]));
    eventually("it is removed", || only(&world) == Value::Null);
    world.settle();
    assert_eq!(world.server.query("{ events { totalCount } }")["events"]["totalCount"], 0);
    assert!(std::fs::read_dir(world.data.path().join("mirrors")).unwrap().next().is_none(), "the mirror is gone");

    world.mutate("discover(queries: [\"topic:kubesearch\"])");
    world.settle();
    assert_eq!(only(&world), Value::Null);
    let stats = world.server.query("{ discoveryStats { query rejected { reason count } } }");
    assert!(stats.to_string().contains("removed"), "{stats:#}");

    let url = world.forge.github.state().repos[&7].page.clone().unwrap();
    world.mutate(&format!("addRepository(url: {})", json!(url)));
    eventually("it is back", || only(&world)["scanStatus"] == "SUCCEEDED");
}

#[test]
fn strangers_cannot_change_anything() {
    let data = TestData::new();
    let server = TestServer::start(&data);
    let mutation = json!({ "query": "mutation { discover { job { id } } }" }).to_string();
    for header in ["X-Forwarded-For: 203.0.113.9", "Origin: https://evil.example.org"] {
        let headers = ["Content-Type: application/json", header];
        let answer = http::send(server.address, "POST", "/graphql", &headers, &mutation);
        assert!(answer.body.contains("FORBIDDEN"), "{header}: {}", answer.body);
    }
    let answer = http::send(server.address, "POST", "/graphql", &["Content-Type: application/json"], &mutation);
    assert!(answer.body.contains("\"job\""), "{}", answer.body);
}
