//! Moves: identities that differ only in path or ordinal are paired within one commit.

use serde_json::Value;

use super::{Scanned, check};

/// The id of the resource of each event, in walk order.
fn resource_ids(scanned: &Scanned) -> Vec<String> {
    let document = "{ events(orderBy: [{field: TIME, direction: ASC}]) { nodes { resource { id } } } }";
    let answer = scanned.server.query(document);
    let nodes = answer["events"]["nodes"].as_array().unwrap();
    let id = |event: &Value| event["resource"]["id"].as_str().unwrap().to_owned();
    nodes.iter().map(id).collect()
}

#[test]
fn a_move_with_the_same_data_is_one_modified_event() {
    let scanned = check(
        "move",
        "2 commits, 1 created, 1 modified (1 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "move: MODIFIED ConfigMap settings in apps/settings.yaml from settings.yaml",
        ],
    );
    assert_eq!(scanned.changes()[1], [r#"/path: "settings.yaml" -> "apps/settings.yaml""#]);
    let ids = resource_ids(&scanned);
    assert_eq!(ids[0], ids[1], "a moved resource keeps its id");
}

#[test]
fn a_move_with_other_data_shows_both_changes() {
    let scanned = check(
        "move-changed",
        "2 commits, 1 created, 1 modified (1 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "move and change: MODIFIED ConfigMap settings in renamed.yaml from settings.yaml",
        ],
    );
    assert_eq!(scanned.changes()[1], [r#"/path: "settings.yaml" -> "renamed.yaml""#, "/data/key: 1 -> 2"]);
}

#[test]
fn a_move_into_a_file_with_others_leaves_those_alone() {
    check(
        "move-into-multi-document",
        "2 commits, 2 created, 1 modified (1 moves), 0 deleted, 2 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap second in all.yaml",
            "create: CREATED ConfigMap first in first.yaml",
            "move into all.yaml: MODIFIED ConfigMap first in all.yaml from first.yaml",
        ],
    );
}

#[test]
fn two_resources_can_change_places() {
    let scanned = check(
        "crosswise",
        "2 commits, 2 created, 2 modified (2 moves), 0 deleted, 2 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap one in a.yaml",
            "create: CREATED ConfigMap two in b.yaml",
            "swap: MODIFIED ConfigMap two in a.yaml from b.yaml",
            "swap: MODIFIED ConfigMap one in b.yaml from a.yaml",
        ],
    );
    let ids = resource_ids(&scanned);
    assert_eq!([&ids[0], &ids[1]], [&ids[3], &ids[2]]);
}

#[test]
fn equal_identities_are_paired_in_the_order_of_their_paths() {
    let scanned = check(
        "moves-paired",
        "3 commits, 3 created, 3 modified (3 moves), 2 deleted, 1 alive, 0 unparsable",
        &[
            "create two: CREATED ConfigMap same in a.yaml",
            "create two: CREATED ConfigMap same in b.yaml",
            "two become three: MODIFIED ConfigMap same in c.yaml from a.yaml",
            "two become three: MODIFIED ConfigMap same in d.yaml from b.yaml",
            "two become three: CREATED ConfigMap same in e.yaml",
            "three become one: DELETED ConfigMap same in d.yaml",
            "three become one: DELETED ConfigMap same in e.yaml",
            "three become one: MODIFIED ConfigMap same in f.yaml from c.yaml",
        ],
    );
    let ids = resource_ids(&scanned);
    assert_eq!([&ids[0], &ids[0], &ids[1]], [&ids[2], &ids[7], &ids[3]]);
}

#[test]
fn the_second_of_equals_can_move_to_a_file_of_its_own() {
    check(
        "move-with-ordinal",
        "2 commits, 2 created, 1 modified (1 moves), 0 deleted, 2 alive, 0 unparsable",
        &[
            "create two: CREATED ConfigMap same in both.yaml",
            "create two: CREATED ConfigMap same in both.yaml#1",
            "split: MODIFIED ConfigMap same in alone.yaml from both.yaml",
        ],
    );
}

#[test]
fn what_was_deleted_and_comes_back_is_a_new_resource() {
    let scanned = check(
        "deleted-and-back",
        "3 commits, 2 created, 0 modified (0 moves), 1 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "delete: DELETED ConfigMap settings in settings.yaml",
            "back: CREATED ConfigMap settings in settings.yaml",
        ],
    );
    let ids = resource_ids(&scanned);
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}
