use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

const NOON: i64 = 1_767_268_800;

struct Bench {
    now: Arc<AtomicI64>,
    gate: Gate,
    runtime: tokio::runtime::Runtime,
}

fn bench() -> Bench {
    let now = Arc::new(AtomicI64::new(NOON));
    let clock = now.clone();
    let gate = Gate::new("forge.example", Arc::new(move || clock.load(Ordering::SeqCst)));
    Bench { now, gate, runtime: tokio::runtime::Builder::new_current_thread().build().unwrap() }
}

impl Bench {
    fn set(&self, now: i64) {
        self.now.store(now, Ordering::SeqCst);
    }

    fn enter(&self, resource: &'static str) -> Pass<'_> {
        self.runtime.block_on(self.gate.enter(resource)).unwrap()
    }

    #[track_caller]
    fn check_refused(&self, resource: &'static str, expected: (&str, i64)) {
        let error = self.runtime.block_on(self.gate.enter(resource)).err().expect("it is refused");
        check(&error, expected);
    }
}

#[track_caller]
fn check(error: &ForgeError, (expected, at): (&str, i64)) {
    let ForgeError::OutOfBudget { resource, until, .. } = error else { panic!("{error:?}") };
    assert_eq!((resource.as_str(), *until), (expected, at));
}

fn told(remaining: u64, resets_at: i64) -> Option<Told> {
    Some(Told { resource: "search", limit: 30, remaining, resets_at })
}

#[test]
fn a_used_up_budget_refuses_until_it_is_renewed_and_holds_for_its_resource_alone() {
    let bench = bench();
    bench.enter("search").welcomed(told(0, NOON + 40));
    bench.check_refused("search", ("search", NOON + 40));
    bench.enter("core").welcomed(None);
    bench.set(NOON + 39);
    bench.check_refused("search", ("search", NOON + 40));
    bench.set(NOON + 40);
    bench.enter("search").welcomed(told(29, NOON + 100));
}

#[test]
fn requests_under_way_count_before_they_are_answered() {
    let bench = bench();
    bench.enter("search").welcomed(told(2, NOON + 40));
    let (one, two) = (bench.enter("search"), bench.enter("search"));
    bench.check_refused("search", ("search", NOON + 40));
    // The older answer comes last: it does not give back what the newer one counted.
    two.welcomed(told(0, NOON + 40));
    one.welcomed(told(1, NOON + 40));
    bench.check_refused("search", ("search", NOON + 40));
}

#[test]
fn a_request_without_an_answer_counts() {
    let bench = bench();
    bench.enter("search").welcomed(told(1, NOON + 40));
    drop(bench.enter("search"));
    bench.check_refused("search", ("search", NOON + 40));
}

#[test]
fn a_named_wait_holds_for_everything() {
    let bench = bench();
    check(&bench.gate.refused("search", Refusal::Wait(17)), ("secondary", NOON + 17));
    bench.check_refused("core", ("secondary", NOON + 17));
    bench.set(NOON + 17);
    bench.enter("core").welcomed(None);
    // A forge that wants us to wait for years gets a day.
    check(&bench.gate.refused("core", Refusal::Wait(i64::MAX)), ("secondary", NOON + 17 + LONGEST_WAIT));
}

#[test]
fn waits_without_an_explanation_grow_until_an_answer_comes() {
    let bench = bench();
    let mut now = NOON;
    for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        check(&bench.gate.refused("core", Refusal::Unexplained), ("secondary", now + wait));
        now += wait;
        bench.set(now);
    }
    bench.enter("core").welcomed(None);
    check(&bench.gate.refused("core", Refusal::Unexplained), ("secondary", now + 60));
}

#[test]
fn a_window_that_is_over_by_our_clock_is_no_reason_to_ask_at_once() {
    let bench = bench();
    bench.enter("search").answered(told(0, NOON - 5));
    check(&bench.gate.refused("search", Refusal::UsedUp), ("secondary", NOON + 60));
}

#[test]
fn bursts_end_before_the_forge_ends_them() {
    let bench = bench();
    for _ in 0..A_MINUTE {
        bench.enter("core").welcomed(None);
    }
    bench.check_refused("core", ("secondary", NOON + 60));
    bench.set(NOON + 60);
    bench.enter("core").welcomed(None);
}

#[test]
fn what_is_left_is_told() {
    let bench = bench();
    bench.enter("search").welcomed(told(12, NOON + 40));
    let left = |bench: &Bench| -> Vec<(String, u64, i64)> {
        let limits = bench.gate.rate_limits().into_iter();
        limits.map(|limit| (limit.resource, limit.remaining, limit.resets_at)).collect()
    };
    assert_eq!(left(&bench), [("search".into(), 12, NOON + 40), ("secondary".into(), 899, NOON + 60)]);
    bench.set(NOON + 60);
    assert_eq!(left(&bench), [("search".into(), 30, NOON + 40), ("secondary".into(), 900, NOON + 60)]);
}
