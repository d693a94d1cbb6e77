//! Budgets: what a refusal means, and that nothing is sent before its time.

use kubestats::forge::Forge;

use super::{Asked, check_out_of_budget, known};
use crate::support::github::{Budget, Emulator, NOON, Repo};

const LIMITED: &str = r#"{ "message": "You have exceeded a secondary rate limit. Please wait a few minutes." }"#;

fn emulator() -> Emulator {
    let emulator = Emulator::start();
    emulator.add(Repo::new(1, "ada/cluster"));
    emulator
}

/// The next request gets an answer; it and the one after it are refused until then, and the second one is never sent.
#[track_caller]
fn check(status: u16, headers: &[(&'static str, &str)], body: &str, resource: &str, until: i64) {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    emulator.next_answer(status, headers, body);
    check_out_of_budget(asked.repository("ada/cluster").unwrap_err(), (resource, until));
    emulator.set_now(until - 1);
    check_out_of_budget(asked.repository("ada/cluster").unwrap_err(), (resource, until));
    assert_eq!(emulator.requests().len(), 1, "{status} {headers:?}");
    emulator.set_now(until);
    asked.described("ada/cluster");
}

#[test]
fn the_reset_of_a_used_up_budget() {
    let reset = (NOON + 1_234).to_string();
    let headers = [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    check(403, &headers, "{}", "core", NOON + 1_234);
    check(429, &headers, "{}", "core", NOON + 1_234);
}

#[test]
fn retry_after_counts_first() {
    let reset = (NOON + 1_234).to_string();
    let headers = [("retry-after", "90"), ("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", reset.as_str())];
    check(403, &headers, LIMITED, "secondary", NOON + 90);
    check(429, &headers, LIMITED, "secondary", NOON + 90);
    check(503, &headers[..1], "<html>", "secondary", NOON + 90);
}

#[test]
fn a_refusal_without_a_time_is_a_minute() {
    check(429, &[], "", "secondary", NOON + 60);
    check(403, &[], LIMITED, "secondary", NOON + 60);
}

#[test]
fn refusals_in_a_row_wait_longer() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    for (now, until) in [(NOON, NOON + 60), (NOON + 60, NOON + 180), (NOON + 180, NOON + 420)] {
        emulator.set_now(now);
        emulator.next_answer(403, &[], LIMITED);
        check_out_of_budget(asked.repository("ada/cluster").unwrap_err(), ("secondary", until));
    }
}

#[test]
fn what_is_left_is_spent_and_no_more() {
    let emulator = emulator();
    let budget = Budget { limit: 60, remaining: 2, resets_at: NOON + 900, window: 3600 };
    emulator.state().budgets.insert("core", budget);
    let asked = Asked::without_a_token(&emulator);
    asked.described("ada/cluster");
    asked.described("ada/cluster");
    check_out_of_budget(asked.repository("ada/cluster").unwrap_err(), ("core", NOON + 900));
    assert_eq!(emulator.requests().len(), 2);
    // Searches have a budget of their own.
    assert_eq!(asked.find("topic:kubesearch").0, ["ada/cluster"]);
    emulator.set_now(NOON + 900);
    asked.described("ada/cluster");
    let left: Vec<_> = asked.forge.rate_limits().into_iter().map(|limit| (limit.resource, limit.remaining)).collect();
    assert_eq!(left, [("core".into(), 59), ("search".into(), 30), ("secondary".into(), 899)]);
}

#[test]
fn the_graphql_api_tells_its_limit_in_an_answer_that_succeeds() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    let reset = (NOON + 700).to_string();
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    let body = r#"{ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] }"#;
    emulator.next_answer(200, &headers, body);
    let ids = [known(&emulator, &Repo::new(1, "ada/cluster"))];
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), ("graphql", NOON + 700));
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), ("graphql", NOON + 700));
    assert_eq!(emulator.requests().len(), 1);
    emulator.set_now(NOON + 700);
    emulator.next_answer(200, &[], r#"{ "errors": [{ "message": "You have exceeded a secondary rate limit." }] }"#);
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), ("secondary", NOON + 760));
}

/// One refusal in an answer that succeeds; nothing is sent before its time.
#[track_caller]
fn check_graphql(headers: &[(&'static str, &str)], body: &str, resource: &str, until: i64) {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    let ids = [known(&emulator, &Repo::new(1, "ada/cluster"))];
    emulator.next_answer(200, headers, body);
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), (resource, until));
    emulator.set_now(until - 1);
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), (resource, until));
    assert_eq!(emulator.requests().len(), 1, "{headers:?} {body}");
}

#[test]
fn the_graphql_api_refuses_in_several_ways() {
    let reset = (NOON + 700).to_string();
    let headers = [("x-ratelimit-remaining", "37"), ("x-ratelimit-reset", reset.as_str())];
    let by_name = |name: &str| format!(r#"{{ "errors": [{{ "type": "{name}", "message": "no" }}] }}"#);
    check_graphql(&headers, &by_name("RATE_LIMITED"), "graphql", NOON + 700);
    check_graphql(&headers, &by_name("RATE_LIMIT"), "graphql", NOON + 700);
    let partial = r#"{ "data": { "nodes": [null] }, "errors": [{ "type": "RATE_LIMITED", "message": "no" }] }"#;
    check_graphql(&headers, partial, "graphql", NOON + 700);
    let secondary = r#"{ "errors": [{ "message": "You have exceeded a secondary rate limit." }] }"#;
    check_graphql(&[("retry-after", "600")], secondary, "secondary", NOON + 600);
}

#[test]
fn refusals_of_the_graphql_api_in_a_row_wait_longer() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    let ids = [known(&emulator, &Repo::new(1, "ada/cluster"))];
    for (now, until) in [(NOON, NOON + 60), (NOON + 60, NOON + 180), (NOON + 180, NOON + 420)] {
        emulator.set_now(now);
        emulator.next_answer(200, &[], r#"{ "errors": [{ "message": "You have exceeded a secondary rate limit." }] }"#);
        check_out_of_budget(asked.repositories(&ids).unwrap_err(), ("secondary", until));
    }
}

#[test]
fn a_server_without_limits_tells_none() {
    let emulator = emulator();
    emulator.state().budgets.clear();
    let asked = Asked::at(&emulator);
    asked.find("topic:kubesearch");
    let limits = asked.forge.rate_limits();
    assert_eq!(limits.iter().map(|limit| limit.resource.as_str()).collect::<Vec<_>>(), ["secondary"]);
}
