use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Budget, Share};

fn held(budget: &Budget) -> u64 {
    budget.shared.lock().bytes
}

fn waiting(budget: &Budget) -> usize {
    budget.shared.lock().waiting.len()
}

/// Starts a request that has to wait, and returns when it does.
fn ask<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    budget: &Budget,
    share: &'scope Share,
    bytes: u64,
    granted: impl FnOnce() + Send + 'scope,
) {
    let before = waiting(budget);
    scope.spawn(move || {
        let _reserved = share.chunk(bytes);
        granted();
    });
    while waiting(budget) == before {
        thread::yield_now();
    }
}

#[test]
fn what_is_held_is_what_was_reserved_and_not_given_back() {
    let budget = Budget::new(100);
    let share = budget.share();
    let (mut one, two) = (share.chunk(40), share.chunk(50));
    assert_eq!(held(&budget), 90);
    one.resize(10);
    let rows = one.into_rows();
    assert_eq!(held(&budget), 60);
    share.count_alive(30);
    share.count_alive(20);
    assert_eq!(held(&budget), 80);
    drop(two);
    assert_eq!(held(&budget), 30);
    drop(share);
    assert_eq!(held(&budget), 10, "rows outlive the walk");
    drop(rows);
    assert_eq!(held(&budget), 0);
}

#[test]
fn a_scan_without_a_chunk_gets_one_whatever_the_others_hold() {
    let budget = Budget::new(100);
    let (huge, small) = (budget.share(), budget.share());
    let _held = huge.chunk(5_000);
    let first = small.chunk(5_000);
    assert_eq!(held(&budget), 10_000);
    // What somebody stores is no chunk in hand, although it still takes memory.
    let _rows = first.into_rows();
    let _second = small.chunk(10);
    assert_eq!(held(&budget), 10_010);
}

#[test]
fn who_waits_goes_on_when_its_own_chunk_is_taken_over() {
    let budget = Budget::new(100);
    let (other, share) = (budget.share(), budget.share());
    let _never_given_back = other.chunk(100);
    let first = share.chunk(10);
    thread::scope(|scope| {
        ask(scope, &budget, &share, 10, || {});
        assert!(budget.is_short());
        // The other scan holds everything still.
        drop(first.into_rows());
    });
    assert!(!budget.is_short());
    assert_eq!(held(&budget), 100);
}

#[test]
fn requests_are_served_in_the_order_in_which_they_came() {
    let budget = Budget::new(100);
    let holder = budget.share();
    let held_back = holder.chunk(100);
    let shares: Vec<Share> = (0..8).map(|_| budget.share()).collect();
    let firsts: Vec<_> = shares.iter().map(|share| share.chunk(0)).collect();
    let (sender, order) = mpsc::channel();
    thread::scope(|scope| {
        for (index, share) in shares.iter().enumerate() {
            let sender = sender.clone();
            // No two of them fit at once; later ones ask for less, and do not overtake.
            ask(scope, &budget, share, 90 - index as u64, move || sender.send(index).unwrap());
        }
        drop(held_back);
    });
    drop((sender, firsts));
    assert_eq!(order.iter().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
}

#[test]
fn many_scans_at_once_stay_within_the_limit_and_one_chunk_each() {
    const LIMIT: u64 = 1_000;
    const LARGEST: u64 = 300;
    const SCANS: u64 = 12;
    let budget = Budget::new(LIMIT);
    let most = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 1..=SCANS {
            let (budget, most) = (&budget, &most);
            scope.spawn(move || walk(budget, seed, LARGEST, most));
        }
    });
    assert_eq!((held(&budget), waiting(&budget)), (0, 0));
    assert!(budget.shared.lock().scans.is_empty());
    let most = most.into_inner();
    assert!(most > LIMIT / 2, "only {most} bytes were ever held");
    assert!(most <= LIMIT + SCANS * LARGEST, "{most} bytes were held");
}

/// Reads 400 chunks as a scan does: one thread reserves, another one turns chunks into rows and stores them.
fn walk(budget: &Budget, seed: u64, largest: u64, most: &AtomicU64) {
    let share = budget.share();
    let (sender, chunks) = mpsc::sync_channel(2);
    let random = |index: u64| (seed * 7_919 + index).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    thread::scope(|scope| {
        let share = &share;
        scope.spawn(move || {
            for index in 0..400 {
                sender.send(share.chunk(random(index) % largest + 1)).unwrap();
                most.fetch_max(held(budget), Ordering::Relaxed);
            }
        });
        let mut unstored = Vec::new();
        for (index, mut chunk) in (0..).zip(chunks) {
            chunk.resize(chunk.bytes / 2);
            unstored.push(chunk.into_rows());
            if budget.is_short() || index % 16 == 0 {
                unstored.clear();
            }
            thread::yield_now();
        }
    });
}
