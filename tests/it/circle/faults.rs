//! What breaks on the other side: every fault ends with the repository scanned, or with an error that says what is wrong, and leaves
//! the other repositories alone.

use serde_json::{Value, json};

use super::world::{Forge, World, eventually};
use crate::support::git_http::Breakage;
use crate::support::github::{Budget, Trouble};

/// Seconds of the emulator's window for searches, and of what it says to wait for.
const SOON: i64 = 3;

/// What the next search meets with.
enum Fault {
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// The budget of searches is used up.
    UsedUp,
    /// So many answers say that they are incomplete.
    Incomplete(u32),
}

/// How the job of that search ends.
enum End {
    /// At once, with this code, and words of the message.
    Failed(&'static str, &'static str),
    /// After a rest.
    Parked,
    Succeeded {
        is_incomplete: bool,
    },
}

const SECONDARY: &str = r#"{ "message": "You have exceeded a secondary rate limit. Please wait a few minutes." }"#;

const FAULTS: [(&str, Fault, End); 10] = [
    ("error", Fault::Answer(500, &[], "{}"), End::Failed("FORGE_UNEXPECTED", "500 Internal Server Error")),
    ("gateway", Fault::Answer(502, &[], "<html>"), End::Failed("FORGE_UNEXPECTED", "502 Bad Gateway")),
    ("garbage", Fault::Answer(200, &[], "<html>"), End::Failed("FORGE_UNEXPECTED", "JSON of another form")),
    ("empty", Fault::Answer(200, &[], ""), End::Failed("FORGE_UNEXPECTED", "JSON of another form")),
    (
        "token",
        Fault::Answer(401, &[], r#"{ "message": "no" }"#),
        End::Failed("FORGE_UNAUTHORIZED", "refuses the token"),
    ),
    ("maintenance", Fault::Answer(503, &[("retry-after", "1")], "<html>"), End::Parked),
    ("secondary", Fault::Answer(403, &[("retry-after", "1")], SECONDARY), End::Parked),
    ("primary", Fault::UsedUp, End::Parked),
    ("once", Fault::Incomplete(1), End::Succeeded { is_incomplete: false }),
    ("incomplete", Fault::Incomplete(3), End::Succeeded { is_incomplete: true }),
];

/// Searches of a query so far.
fn searches(world: &World, topic: &str) -> usize {
    let requests = world.forge.github.requests();
    requests.iter().filter(|request| request.target.contains(&format!("topic%3A{topic}&"))).count()
}

/// The newest run of a query.
fn run(world: &World, topic: &str) -> Value {
    let document = "{ discoveryRuns { query isIncomplete error } }";
    let runs = world.server.query(document)["discoveryRuns"].take();
    let of_it = |run: &&Value| run["query"] == format!("topic:{topic}");
    runs.as_array().unwrap().iter().find(of_it).cloned().unwrap_or_default()
}

#[track_caller]
fn check(world: &World, topic: &str, fault: &Fault, end: &End) {
    match fault {
        Fault::Answer(status, headers, body) => world.forge.github.next_answer(*status, headers, body),
        Fault::Incomplete(count) => world.forge.github.state().incomplete = *count,
        Fault::UsedUp => {
            let resets_at = chrono::Utc::now().timestamp() + SOON;
            let budget = Budget { limit: 30, remaining: 0, resets_at, window: SOON };
            world.forge.github.state().budgets.insert("search", budget);
        }
    }
    let discover = format!("discover(queries: [\"topic:{topic}\"])");
    let job = world.ended(&world.mutate(&discover));
    let sent = searches(world, topic);
    match end {
        End::Failed(code, words) => {
            assert_eq!((&job["state"], &job["error"]["code"], sent), (&json!("FAILED"), &json!(code), 1), "{topic}");
            let stored = run(world, topic)["error"].take();
            for message in [&job["error"]["message"], &stored] {
                assert!(message.as_str().is_some_and(|text| text.contains(words)), "{topic}: {message}");
            }
            // Whoever asks again finds it.
            world.mutate(&discover);
        }
        End::Parked => {
            assert_eq!((&job["state"], sent), (&json!("SUCCEEDED"), 2), "{topic}: {job:#}");
            assert!(job["log"].to_string().contains("waits for its forge"), "{topic}: {job:#}");
        }
        End::Succeeded { is_incomplete } => {
            assert_eq!(
                (&job["state"], &run(world, topic)["isIncomplete"]),
                (&json!("SUCCEEDED"), &json!(is_incomplete))
            );
            assert_eq!(sent, if *is_incomplete { 3 } else { 2 }, "{topic}");
        }
    }
    world.is_scanned(&format!("sick/{topic}"), 3);
}

#[test]
fn faults_of_the_forge_end_well_or_with_an_error() {
    let mut forge = Forge::new();
    forge.publish(1, "owner/well", |_| ());
    let budget = Budget { limit: 30, remaining: 30, resets_at: chrono::Utc::now().timestamp() + SOON, window: SOON };
    forge.github.state().budgets.insert("search", budget);
    for (id, (topic, ..)) in (2..).zip(&FAULTS) {
        forge.publish(id, &format!("sick/{topic}"), |repo| repo.topics = vec![(*topic).to_owned()]);
    }
    let data = forge.data().with("KUBESTATS_JOBS__ATTEMPTS", "1");
    let world = forge.serve(data);
    world.is_scanned("owner/well", 3);
    world.settle();
    for (topic, fault, end) in &FAULTS {
        check(&world, topic, fault, end);
    }
    world.settle();
    let all = world.server.query("{ repositories { totalCount nodes { syncStatus syncError scanStatus } } }");
    assert_eq!(all["repositories"]["totalCount"], FAULTS.len() + 1);
    let well = json!({ "syncStatus": "SUCCEEDED", "syncError": null, "scanStatus": "SUCCEEDED" });
    for repository in all["repositories"]["nodes"].as_array().unwrap() {
        assert_eq!(*repository, well);
    }
}

/// How visits fail, and what is stored of it.
const BAD_VISITS: [(u16, &str, &str, &str); 4] = [
    (500, "{}", "FORGE_UNEXPECTED", "500 Internal Server Error"),
    (200, "<html>", "FORGE_UNEXPECTED", "JSON of another form"),
    (200, r#"{ "data": null, "errors": [{ "message": "Something went wrong." }] }"#, "FORGE_UNEXPECTED", "went wrong"),
    (401, r#"{ "message": "Bad credentials" }"#, "FORGE_UNAUTHORIZED", "refuses the token"),
];

#[test]
fn a_visit_that_fails_says_so_until_the_next_one_and_one_out_of_budget_waits() {
    let mut forge = Forge::new();
    forge.publish(7, "owner/name", |_| ());
    let data = forge.data().with("KUBESTATS_JOBS__ATTEMPTS", "1");
    let world = forge.serve(data);
    world.is_scanned("owner/name", 3);
    world.settle();
    let id = world.repository("owner/name", "id")["id"].take();
    let visit = || world.ended(&world.mutate(&format!("sync(repository: {id}, fetch: false)")));
    let now = || world.repository("owner/name", "status syncStatus syncError eventCount metrics { stars }");
    let well = |stars: u64| {
        let metrics = json!({ "stars": stars });
        json!({ "status": "ACTIVE", "syncStatus": "SUCCEEDED", "syncError": null, "eventCount": 3, "metrics": metrics })
    };
    let mut stars = 7;
    for (status, body, code, words) in BAD_VISITS {
        world.forge.github.change(7, |repo| repo.stars += 1);
        world.forge.github.next_answer(status, &[], body);
        let job = visit();
        assert_eq!((&job["state"], &job["error"]["code"]), (&json!("FAILED"), &json!(code)), "{job:#}");
        let failed = now();
        assert!(failed["syncError"].as_str().is_some_and(|text| text.contains(words)), "{failed:#}");
        let mut expected = well(stars);
        (expected["syncStatus"], expected["syncError"]) = (json!("FAILED"), failed["syncError"].clone());
        assert_eq!(failed, expected, "what is known stays");
        assert_eq!(visit()["state"], "SUCCEEDED");
        stars += 1;
        assert_eq!(now(), well(stars));
    }
    let asked = world.forge.github.requests().len();
    world.forge.github.change(7, |repo| repo.stars += 1);
    world.forge.github.next_answer(403, &[("retry-after", "1")], SECONDARY);
    let job = visit();
    assert!(job["state"] == "SUCCEEDED" && job["log"].to_string().contains("waits for its forge"), "{job:#}");
    assert_eq!((now(), world.forge.github.requests().len()), (well(stars + 1), asked + 2));
}

#[test]
fn faults_of_the_git_server_end_with_an_error_and_the_next_sync_mends_all() {
    let faults = [
        ("error", Breakage::Status(500), "GIT", "500"),
        ("refusal", Breakage::Status(401), "GIT_UNAUTHORIZED", "refuses access"),
        ("absence", Breakage::Status(404), "GIT", "not found"),
        ("cut", Breakage::CutPack, "GIT", "cannot be fetched"),
        ("page", Breakage::Page, "GIT", "cannot be fetched"),
        ("silence", Breakage::Silence, "TIMEOUT", "not fetched within 20 s"),
    ];
    let mut forge = Forge::new();
    for (id, (name, breakage, ..)) in (2..).zip(&faults) {
        forge.publish(id, &format!("sick/{name}"), |_| ());
        forge.git.break_down(&format!("sick/{name}"), *breakage);
    }
    forge.publish(1, "owner/well", |_| ());
    let data = forge.data().with("KUBESTATS_JOBS__ATTEMPTS", "1").with("KUBESTATS_GIT__FETCH_TIMEOUT_SECONDS", "20");
    let world = forge.serve(data);
    world.is_scanned("owner/well", 3);
    world.settle();
    let failed = "{ jobs(filter: {state: {eq: FAILED}}) { nodes { repository { fullName } error { code message } } } }";
    let failed = world.server.query(failed)["jobs"]["nodes"].take();
    assert_eq!(failed.as_array().unwrap().len(), faults.len(), "{failed:#}");
    let mut ids = Vec::new();
    for (name, _, code, words) in &faults {
        let full_name = format!("sick/{name}");
        let of_it = |job: &&Value| job["repository"]["fullName"] == full_name;
        let job = failed.as_array().unwrap().iter().find(of_it).unwrap();
        assert_eq!(job["error"]["code"], *code, "{job:#}");
        let stored = world.repository(&full_name, "id syncStatus syncError scanStatus eventCount");
        assert_eq!((&stored["syncStatus"], &stored["eventCount"]), (&json!("FAILED"), &json!(0)), "{stored:#}");
        for message in [&job["error"]["message"], &stored["syncError"]] {
            assert!(message.as_str().is_some_and(|text| text.contains(words)), "{name}: {message}");
        }
        ids.push(stored["id"].clone());
    }
    world.forge.git.mend_all();
    for id in ids {
        world.mutate(&format!("sync(repository: {id})"));
    }
    for (name, ..) in &faults {
        world.is_scanned(&format!("sick/{name}"), 3);
    }
}

#[test]
fn what_may_pass_is_tried_again_after_a_rest() {
    let mut forge = Forge::new();
    forge.publish(1, "owner/name", |_| ());
    forge.publish(2, "owner/other", |repo| repo.topics.clear());
    // The first search is answered so slowly that it is given up.
    forge.github.trouble(Trouble::Trickle);
    forge.git.break_down("owner/other", Breakage::Status(503));
    let (other, data) = (format!("{}/owner/other", forge.pages), forge.data());
    let world = forge.serve(data);
    let added = world.mutate(&format!("addRepository(url: {})", json!(other)));
    eventually("git fails", || world.job(&added)["error"]["code"] == "GIT");
    world.forge.git.mend_all();

    // What is no business of the forge goes on.
    world.is_scanned("owner/other", 3);
    let added = world.ended(&added);
    assert_eq!((&added["state"], &added["attempts"]), (&json!("SUCCEEDED"), &json!(2)), "{added:#}");
    world.is_scanned("owner/name", 3);
    let document = "{ jobs(filter: {kind: {eq: DISCOVER}}) { nodes { id } } }";
    let discovery = world.ended(&world.server.query(document)["jobs"]["nodes"][0]);
    assert_eq!((&discovery["state"], &discovery["attempts"]), (&json!("SUCCEEDED"), &json!(2)), "{discovery:#}");
    assert!(discovery["log"].to_string().contains("no answer within 30 seconds"), "{discovery:#}");
}
