//! What only a server answers, asked of one that has something to tell: every field, every mutation, every subscription, every example.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::world::{Forge, World};
use crate::graphql::answers::{OF_A_SERVER, all_fields, fields, named, whole};
use crate::graphql::examples::{self, rows};
use crate::graphql::schema::introspection;

/// From a payload over its job to that one's repository.
const DEPTH: usize = 2;

fn world() -> World {
    let mut forge = Forge::new();
    forge.publish(7, "owner/name", |_| ());
    forge.publish(8, "owner/other", |repo| repo.topics.clear());
    let data = forge.data().with("KUBESTATS_SCHEDULES__SYNC", "0 0 0 1 1 *");
    let world = forge.serve(data);
    world.is_scanned("owner/name", 3);
    world.settle();
    world
}

/// Runs a mutation and asks for all of its payload.
#[track_caller]
fn run(world: &World, types: &[Value], seen: &mut BTreeSet<String>, mutation: &str) -> Value {
    let name = mutation.split('(').next().unwrap();
    let field = fields(types, "Mutation").find(|field| field["name"] == name).unwrap();
    seen.insert(format!("Mutation.{name}"));
    let selection = whole(types, named(&field["type"]), DEPTH, seen);
    world.server.query(&format!("mutation {{ {mutation} {selection} }}"))[name].take()
}

#[test]
fn every_field_of_a_server_answers_with_data() {
    let (world, types) = (world(), introspection());
    let mut seen = BTreeSet::new();
    let id = world.repository("owner/name", "id")["id"].take();
    let other = json!(format!("{}/owner/other", world.forge.pages));
    let ended = world.mutate(&format!("sync(repository: {id})"))["id"].take();
    world.settle();

    for mutation in [
        "runSchedule(name: \"sync\")".to_owned(),
        "discover(queries: [\"topic:kubesearch\"])".to_owned(),
        format!("sync(repository: {id})"),
        format!("scan(repository: {id})"),
        "syncAll".to_owned(),
        format!("retryJob(id: {ended})"),
        format!("addRepository(url: {other})"),
        format!("blockRepository(id: {id})"),
        format!("approveRepository(id: {id})"),
    ] {
        let payload = run(&world, &types, &mut seen, &mutation);
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        let is_of_one = ["(repository:", "Repository(", "retryJob("].iter().any(|part| mutation.contains(part));
        assert_eq!(payload["repository"].is_object(), is_of_one, "{mutation}: {payload:#}");
        let has_job = !mutation.starts_with("blockRepository");
        assert_eq!(payload["job"]["requestedBy"].is_string(), has_job, "{mutation}: {payload:#}");
        world.settle();
    }
    let paused = run(&world, &types, &mut seen, "pauseSchedule(name: \"sync\")");
    assert_eq!((&paused["schedule"]["isEnabled"], &paused["userErrors"]), (&json!(false), &json!([])), "{paused:#}");
    let late = run(&world, &types, &mut seen, &format!("cancelJob(id: {ended})"));
    let error = &late["userErrors"][0];
    assert!(error["code"].is_string() && error["message"].is_string() && error["path"][0] == "id", "{late:#}");

    let mut roots = String::new();
    for root in ["schedules", "workers", "rateLimits"] {
        let field = fields(&types, "Query").find(|field| field["name"] == root).unwrap();
        roots += &format!("{root} {} ", whole(&types, named(&field["type"]), DEPTH, &mut seen));
        seen.insert(format!("Query.{root}"));
    }
    let answer = world.server.query(&format!("{{ {roots} }}"));
    assert!(["schedules", "workers", "rateLimits"].iter().all(|root| rows(&answer[root]) > 0), "{answer:#}");
    let sync = answer["schedules"].as_array().unwrap().iter().find(|schedule| schedule["name"] == "sync").unwrap();
    assert_eq!((&sync["lastJob"]["state"], &sync["cron"]), (&json!("SUCCEEDED"), &json!("0 0 0 1 1 *")), "{sync:#}");
    assert!(sync["lastRunAt"].is_string(), "{sync:#}");
    let told = answer["rateLimits"].as_array().unwrap().iter().find(|limit| limit["resource"] == "search").unwrap();
    assert_eq!((&told["forge"], &told["limit"]), (&json!(world.forge.github.host()), &json!(30)));

    every_subscription_tells(&world, &types, &mut seen, &id);
    let removed = run(&world, &types, &mut seen, &format!("deleteRepository(id: {id})"));
    assert_eq!((&removed["job"]["kind"], &removed["userErrors"]), (&json!("DELETE"), &json!([])), "{removed:#}");
    let of_a_server = |field: &&String| OF_A_SERVER.iter().any(|of| field.starts_with(of));
    let all = all_fields(&types);
    let never: Vec<&String> = all.difference(&seen).filter(of_a_server).collect();
    assert_eq!(never, Vec::<&String>::new(), "never asked");
}

/// A push leads to jobs and to events: whatever can be subscribed to tells of it.
#[track_caller]
fn every_subscription_tells(world: &World, types: &[Value], seen: &mut BTreeSet<String>, id: &Value) {
    let mut subscriptions = Vec::new();
    for field in fields(types, "Subscription") {
        let name = field["name"].as_str().unwrap();
        seen.insert(format!("Subscription.{name}"));
        let selection = whole(types, named(&field["type"]), DEPTH, seen);
        subscriptions.push((name, world.subscribe(&format!("subscription {{ {name} {selection} }}"))));
    }
    world.forge.push(7, "one");
    world.mutate(&format!("sync(repository: {id})"));
    for (name, subscription) in &mut subscriptions {
        assert!(subscription.next()[*name].is_object(), "{name}");
    }
    world.settle();
}

#[test]
fn every_example_of_a_server_answers_with_data() {
    let world = world();
    let id = world.repository("owner/name", "id")["id"].take();
    world.mutate("runSchedule(name: \"sync\")");
    world.settle();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/queries");
    for (index, name) in examples::OF_A_SERVER.into_iter().enumerate() {
        let document = fs::read_to_string(folder.join(format!("{name}.graphql"))).unwrap();
        if document.contains("\nsubscription ") {
            let mut subscription = world.subscribe(&document);
            world.forge.push(7, &format!("new-{index}"));
            world.mutate(&format!("sync(repository: {id})"));
            let told = subscription.next();
            assert!(told.as_object().unwrap().values().all(Value::is_object), "{name}: {told:#}");
            world.settle();
        } else {
            let answer = world.server.query(&document);
            for field in ["schedules", "workers", "rateLimits"] {
                assert!(rows(&answer[field]) > 0, "{name}: {answer:#}");
            }
            assert!(answer["schedules"].to_string().contains("SUCCEEDED"), "{name}: {answer:#}");
        }
    }
}
