//! What the caller of a mutation can mend is told at once, with a code, and nothing is asked for in vain.

use serde_json::{Value, json};

use super::world::{Forge, World};

/// A mutation is refused with these words; answers the argument that is to blame.
#[track_caller]
fn refused(world: &World, mutation: &str, words: &str) -> String {
    let document =
        format!("mutation {{ done: {mutation} {{ job {{ id }} joined userErrors {{ code message path }} }} }}");
    let done = world.server.query(&document)["done"].take();
    let error = &done["userErrors"][0];
    assert_eq!((&done["job"], &error["code"]), (&Value::Null, &json!("WRONG_STATE")), "{mutation}: {done:#}");
    assert!(error["message"].as_str().unwrap().contains(words), "{mutation}: {error}");
    error["path"][0].as_str().unwrap().to_owned()
}

#[test]
fn what_a_repository_is_in_no_state_for_is_refused_at_once() {
    let mut forge = Forge::new();
    forge.publish(7, "owner/name", |repo| repo.size_kb = 100);
    forge.publish(8, "owner/large", |repo| repo.size_kb = 5 << 10);
    forge.publish(9, "owner/old", |repo| repo.size_kb = 100);
    let data = forge.data().with("KUBESTATS_DISCOVERY__APPROVAL_SIZE_MB", "1");
    let world = forge.serve(data);
    world.is_scanned("owner/name", 3);
    world.is_scanned("owner/old", 3);
    world.settle();
    let id = |name: &str| world.repository(name, "id")["id"].take();
    let url = |name: &str| json!(format!("{}/{name}", world.forge.pages));
    let total = || world.server.query("{ jobs { totalCount } }")["jobs"]["totalCount"].take();

    assert_eq!(world.repository("owner/large", "status")["status"], "PENDING_APPROVAL");
    let asked_for = total();
    let large = id("owner/large");
    assert_eq!(refused(&world, &format!("scan(repository: {large})"), "approveRepository"), "repository");
    assert_eq!(refused(&world, &format!("addRepository(url: {})", url("owner/large")), "approveRepository"), "url");

    let blocked = id("owner/name");
    world.mutate(&format!("blockRepository(id: {blocked})"));
    for mutation in ["scan", "sync"] {
        assert_eq!(refused(&world, &format!("{mutation}(repository: {blocked})"), "blocked"), "repository");
    }
    assert_eq!(refused(&world, &format!("addRepository(url: {})", url("owner/name")), "blocked"), "url");
    assert_eq!(total(), asked_for);

    // The removal of another one goes on.
    let process = world.server.query("{ workers { process } }")["workers"][0]["process"].take();
    let (process, name) = (process.as_str().unwrap(), "'owner', 'old'");
    let columns = "id, kind, repository_id, state, requested_by, worker_id, version";
    let repository = format!("(SELECT id FROM repositories FINAL WHERE (owner, name) = ({name}))");
    world.data.sql(&[&format!(
        "INSERT INTO jobs ({columns}) SELECT generateUUIDv4(), 'DELETE', {repository}, 'RUNNING', 'api', '{process}', 1"
    )]);
    assert_eq!(refused(&world, &format!("addRepository(url: {})", url("owner/old")), "being removed"), "url");
}
