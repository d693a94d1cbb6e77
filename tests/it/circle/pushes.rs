//! From a forge to whoever listens: found, fetched, scanned, counted; then a push, and its event is there.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::world::{Forge, World, eventually};
use crate::support::http::{self, Response};
use crate::support::socket::Subscription;

const SECRET: &str = "a secret of the webhook";

/// The header that signs a body.
fn signature(body: &str) -> String {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let digest = key.chain_update(body).finalize().into_bytes();
    digest.iter().fold("X-Hub-Signature-256: sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// What GitHub posts after a push.
fn deliver(world: &World, id: u64, signature_of: impl Fn(&str) -> String) -> Response {
    let full_name = world.forge.github.state().repos[&id].full_name();
    let page = format!("http://{}/{full_name}", world.forge.github.host());
    let subject = json!({ "id": id, "html_url": page, "default_branch": "main" });
    let body = json!({ "ref": "refs/heads/main", "repository": subject }).to_string();
    let signature = signature_of(&body);
    let headers = [
        "Content-Type: application/json",
        "X-GitHub-Event: push",
        "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958",
        &signature,
    ];
    http::send(world.server.address, "POST", "/webhooks/github", &headers, &body)
}

/// The events by kind of resource, as a trend counts them.
fn trend(world: &World) -> Vec<(String, f64)> {
    let answer = world.server.query("{ eventTrend(bucket: YEAR, groupBy: [KIND]) { rows { series value } } }");
    let rows = answer["eventTrend"]["rows"].as_array().unwrap();
    let mut sums = std::collections::BTreeMap::<String, f64>::new();
    for row in rows {
        *sums.entry(row["series"].as_str().unwrap().to_owned()).or_default() += row["value"].as_f64().unwrap();
    }
    sums.into_iter().filter(|(_, sum)| *sum > 0.0).collect()
}

fn expected(counts: &[(&str, f64)]) -> Vec<(String, f64)> {
    counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

const EVENT: &str = "nodes { type kind name path repository { fullName } }";

/// What a reader sees of the newest event, who asks.
fn newest_event(world: &World) -> Value {
    let document = format!("{{ events(first: 1) {{ {EVENT} }} }}");
    world.server.query(&document)["events"]["nodes"][0].take()
}

/// Listens to events of one kind of resource.
fn listen(world: &World) -> Subscription {
    let filter = "filter: {kind: {eq: \"A\"}}";
    world.subscribe(&format!("subscription {{ eventsRecorded({filter}) {{ events(first: 10) {{ {EVENT} }} }} }}"))
}

/// The event of the push is told to whoever listens, and nothing else is; then it is there for whoever asks.
#[track_caller]
fn arrives(world: &World, events: &mut Subscription) {
    let told = events.next()["eventsRecorded"]["events"]["nodes"].take();
    assert_eq!(told, json!([pushed_event()]));
    assert_eq!(newest_event(world), pushed_event());
}

/// A server that is through with what it found.
fn settled(world: &World) {
    world.is_scanned("owner/name", 3);
    world.is_scanned("other/cluster", 3);
    world.settle();
    assert_eq!(trend(world), expected(&[("ConfigMap", 6.0)]));
}

fn pushed_event() -> Value {
    json!({ "type": "CREATED", "kind": "A", "name": "one", "path": "one.yaml", "repository": { "fullName": "owner/name" } })
}

fn forge() -> Forge {
    let mut forge = Forge::new();
    let now = chrono::Utc::now().timestamp();
    forge.publish(7, "owner/name", |repo| repo.pushed_at = now);
    forge.publish(8, "other/cluster", |_| ());
    forge
}

#[test]
fn a_webhook_brings_the_event_of_a_push_to_whoever_listens() {
    let forge = forge();
    let data = forge.data().with("KUBESTATS_GITHUB__WEBHOOK_SECRET", SECRET);
    let world = forge.serve(data);
    settled(&world);
    let fetched = world.forge.git.requests().len();

    let mut events = listen(&world);
    let mut jobs = world.subscribe("subscription { jobUpdated(kind: SCAN) { id state repository { fullName } } }");
    world.forge.push(7, "one");
    assert_eq!(deliver(&world, 7, |_| signature("another body")).status, 401);
    let accepted = deliver(&world, 7, signature);
    assert!(accepted.status == 202 && accepted.json()["job"].is_string(), "{}", accepted.body);
    let sync = world.ended(&json!({ "id": accepted.json()["job"] }));
    assert_eq!(sync["state"], "SUCCEEDED", "{sync:#}");

    let ended = jobs.wait_for(|data| data["jobUpdated"]["state"] == "SUCCEEDED");
    assert_eq!(ended["jobUpdated"]["repository"]["fullName"], "owner/name");
    // Whoever was told so finds what was scanned.
    assert_eq!(newest_event(&world), pushed_event());
    arrives(&world, &mut events);
    assert_eq!(trend(&world), expected(&[("A", 1.0), ("ConfigMap", 6.0)]));
    world.settle();
    let fetches = world.forge.git.requests().split_off(fetched);
    assert!(fetches.iter().all(|target| target.starts_with("/owner/name.git/")), "{fetches:?}");

    // The same delivery once more, as GitHub's page sends it: the job is done again, and whoever is blocked is left alone.
    let job = |accepted: &Response| {
        let document = "query One($id: ID!) { job(id: $id) { kind requestedBy arguments { fetch } } }";
        world.server.query_with(document, json!({ "id": accepted.json()["job"] }))["job"].take()
    };
    let again = deliver(&world, 7, signature);
    assert_ne!(again.json()["job"], accepted.json()["job"]);
    for delivery in [&accepted, &again] {
        let expected = json!({ "kind": "SYNC", "requestedBy": "webhook", "arguments": { "fetch": true } });
        assert_eq!(job(delivery), expected);
    }
    world.settle();
    let id = world.repository("owner/name", "id")["id"].take();
    world.mutate(&format!("blockRepository(id: {id})"));
    let ignored = deliver(&world, 7, signature);
    assert_eq!((ignored.status, ignored.json()), (202, json!({ "ignored": "the repository is blocked" })));
    assert!(!world.server.log().contains(SECRET));
}

#[test]
fn the_clock_brings_the_event_of_a_push_without_a_webhook() {
    let forge = forge();
    // It holds something, or it would be left alone for weeks.
    forge.push(7, "zero");
    // A repository is visited again after a minute at the earliest: this one was pushed to just now.
    let data =
        forge.data().with("KUBESTATS_SCHEDULES__SYNC", "* * * * * *").with("KUBESTATS_SYNC__SHORTEST_MINUTES", "1");
    let world = forge.serve(data);
    world.is_scanned("owner/name", 4);
    world.is_scanned("other/cluster", 3);
    world.settle();

    let mut events = listen(&world);
    world.forge.push(7, "one");
    arrives(&world, &mut events);
    let scans = "{ jobs(filter: {kind: {eq: SCAN}}) { totalCount } }";
    eventually("it is scanned once", || world.server.query(scans)["jobs"]["totalCount"] == 3);
    let of_the_clock = "{ jobs(filter: {kind: {eq: SYNC}}) { nodes { requestedBy } } }";
    assert!(world.server.query(of_the_clock).to_string().contains("schedule sync"));
}
