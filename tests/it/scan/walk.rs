//! The walk: first parents from the root to the head, merges as one step, times as they stand.

use serde_json::json;

use super::check;

#[test]
fn a_merge_is_one_step_at_its_own_time() {
    let scanned = check(
        "merge",
        "2 commits, 2 created, 1 modified (0 moves), 0 deleted, 2 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "merge topic: CREATED ConfigMap added in added.yaml",
            "merge topic: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    // The two values on the branch are one change of the merge.
    assert_eq!(scanned.changes()[2], ["/data/key: 1 -> 3"]);
}

#[test]
fn a_merge_of_several_branches_is_one_step() {
    check(
        "octopus",
        "3 commits, 4 created, 1 modified (0 moves), 0 deleted, 4 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap base in base.yaml",
            "on main: MODIFIED ConfigMap base in base.yaml",
            "merge three branches: CREATED ConfigMap one in one.yaml",
            "merge three branches: CREATED ConfigMap three in three.yaml",
            "merge three branches: CREATED ConfigMap two in two.yaml",
        ],
    );
}

#[test]
fn only_first_parents_are_walked() {
    check(
        "foxtrot",
        "3 commits, 3 created, 0 modified (0 moves), 0 deleted, 3 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap base in base.yaml",
            "on the branch: CREATED ConfigMap topic in topic.yaml",
            "merge main into topic: CREATED ConfigMap settings in settings.yaml",
        ],
    );
}

#[test]
fn the_root_is_compared_with_the_empty_tree_and_deletion_is_an_event() {
    let scanned = check(
        "create-modify-delete",
        "3 commits, 1 created, 1 modified (0 moves), 1 deleted, 0 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "modify: MODIFIED ConfigMap settings in settings.yaml",
            "delete: DELETED ConfigMap settings in settings.yaml",
        ],
    );
    assert_eq!(scanned.changes(), [vec![], vec!["/data/key: 1 -> 2".to_owned()], vec![]]);
    assert_eq!(scanned.field("content(pointer: \"/data/key\")"), json!(2));
    assert_eq!(scanned.field("createdAt"), "2024-01-01T12:00:00Z");
    assert_eq!(scanned.field("deletedAt"), "2024-01-03T12:00:00Z");
}

#[test]
fn commits_without_manifests_are_passed_over() {
    check(
        "no-yaml",
        "1 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &["create: CREATED ConfigMap settings in settings.yaml"],
    );
}

#[test]
fn an_event_has_its_commits_time_even_when_clocks_run_backwards() {
    let scanned = check(
        "clock-backwards",
        "3 commits, 1 created, 2 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "modify, a slow clock: MODIFIED ConfigMap settings in settings.yaml",
            "modify: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    let times: Vec<i64> = scanned.events.iter().map(|event| event.time).collect();
    assert_eq!(times, [1_704_888_000, 1_704_456_000, 1_705_060_800]);
}

#[test]
fn the_state_at_a_time_uses_the_running_maximum_of_commit_times() {
    let scanned = check(
        "clock-backwards",
        "3 commits, 1 created, 2 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "modify, a slow clock: MODIFIED ConfigMap settings in settings.yaml",
            "modify: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    let value_at = |day: &str| scanned.field(&format!("content(pointer: \"/data/key\", at: \"2024-01-{day}\")"));
    // The second commit is dated on the 5th, but lies behind one of the 10th.
    assert_eq!(value_at("06"), json!(null));
    assert_eq!(value_at("11"), json!(2));
    assert_eq!(value_at("13"), json!(3));
}

#[test]
fn a_commit_from_the_future_does_not_hide_those_after_it() {
    let scanned = check(
        "future-in-between",
        "3 commits, 1 created, 2 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "from the future: MODIFIED ConfigMap settings in settings.yaml",
            "back in the present: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    assert_eq!(scanned.events[1].time, 3_786_955_200, "its own time stays as it stands");
    assert_eq!(scanned.field("content(pointer: \"/data/key\", at: \"2024-01-04\")"), json!(3));
}
