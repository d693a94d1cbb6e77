//! Many repositories at once.

use kubestats::forge::{ForgeError, Found, KnownAs};

use super::{Asked, check_out_of_budget, full_name, here, known};
use crate::support::github::{Budget, Emulator, NOON, Repo};

/// An emulator with so many repositories, and how they are asked for.
fn batch(count: u64) -> (Emulator, Vec<KnownAs>) {
    let emulator = Emulator::start();
    let mut ids = Vec::new();
    for id in 1..=count {
        let repo = Repo::new(id, &format!("owner{id}/cluster"));
        ids.push(known(&emulator, &repo));
        emulator.add(repo);
    }
    (emulator, ids)
}

#[test]
fn one_deleted_repository_loses_none_of_a_hundred() {
    let (emulator, ids) = batch(100);
    emulator.change(31, |repo| repo.is_gone = true);
    let found = Asked::at(&emulator).repositories(&ids).unwrap();
    assert_eq!(emulator.requests().len(), 1);
    for (index, found) in found.into_iter().enumerate() {
        match index {
            30 => assert_eq!(found, Found::Gone),
            _ => assert_eq!(full_name(&here(found)), format!("owner{}/cluster", index + 1)),
        }
    }
}

#[test]
fn more_than_a_hundred_are_several_requests() {
    let (emulator, ids) = batch(201);
    let found = Asked::at(&emulator).repositories(&ids).unwrap();
    assert_eq!((found.len(), emulator.requests().len()), (201, 3));
    assert!(found.iter().all(|found| matches!(found, Found::Here(_))));
    assert_eq!(Asked::at(&emulator).repositories(&[]).unwrap(), []);
    assert_eq!(emulator.requests().len(), 3);
}

#[test]
fn one_without_a_node_id_is_asked_for_by_itself() {
    let (emulator, mut ids) = batch(3);
    ids[1].node_id = None;
    let found = Asked::at(&emulator).repositories(&ids).unwrap();
    assert!(found.iter().all(|found| matches!(found, Found::Here(_))), "{found:?}");
    let targets: Vec<String> = emulator.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/graphql", "/repositories/2"]);
}

#[test]
fn what_was_answered_before_the_budget_was_used_up_stands() {
    let (emulator, ids) = batch(3);
    emulator.state().budgets.insert("core", Budget { limit: 60, remaining: 2, resets_at: NOON + 60, window: 60 });
    let asked = Asked::without_a_token(&emulator);
    let (found, ended) = asked.some_repositories(&ids);
    assert!(matches!(found.as_slice(), [Some(Found::Here(_)), Some(Found::Here(_)), None]), "{found:?}");
    check_out_of_budget(ended.unwrap_err(), ("core", NOON + 60));
    check_out_of_budget(asked.repositories(&ids).unwrap_err(), ("core", NOON + 60));
}

#[test]
fn what_is_not_told_is_unknown_and_not_gone() {
    let (emulator, ids) = batch(4);
    let body = r#"{ "data": { "nodes": [null, null, { "__typename": "User" }, { "__typename": "Repository", "id": "x" }] },
        "errors": [{ "type": "FORBIDDEN", "path": ["nodes", 0], "message": "Resource protected by SAML" }] }"#;
    emulator.next_answer(200, &[], body);
    let reasons: Vec<String> = Asked::at(&emulator).repositories(&ids).unwrap().into_iter().map(unknown).collect();
    for (reason, words) in
        reasons.iter().zip(["FORBIDDEN: Resource protected by SAML", "SAML", "form", "missing field"])
    {
        assert!(reason.contains(words), "{reason}");
    }
    // An id that leads to another repository.
    let mut ids = ids;
    ids[0].node_id = ids[1].node_id.clone();
    let reason = unknown(Asked::at(&emulator).repositories(&ids[..1]).unwrap().remove(0));
    assert!(reason.contains("another repository"), "{reason}");
}

/// Why nothing was told of a repository.
#[track_caller]
fn unknown(found: Found) -> String {
    match found {
        Found::Unknown(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_that_is_forbidden_or_strange_does_not_hold_up_the_others() {
    let (emulator, ids) = batch(4);
    emulator.next_answer(403, &[], r#"{ "message": "Although you appear to have the correct authorization" }"#);
    emulator.next_answer(200, &[], "[]");
    emulator.next_answer(502, &[], "");
    let found = Asked::without_a_token(&emulator).repositories(&ids).unwrap();
    let silent = found.iter().filter(|found| matches!(found, Found::Unknown(_))).count();
    assert!(silent == 3 && matches!(found[3], Found::Here(_)), "{found:?}");
}

#[test]
fn a_batch_without_any_data_has_failed() {
    let (emulator, ids) = batch(2);
    let fail = |body: &str| {
        emulator.next_answer(200, &[], body);
        Asked::at(&emulator).repositories(&ids).unwrap_err()
    };
    let timeout =
        fail(r#"{ "data": null, "errors": [{ "message": "Something went wrong while executing your query." }] }"#);
    assert!(matches!(timeout, ForgeError::Unexpected { .. }) && timeout.is_transient(), "{timeout:?}");
    let forbidden = fail(r#"{ "errors": [{ "type": "INSUFFICIENT_SCOPES", "message": "no right" }] }"#);
    assert!(matches!(forbidden, ForgeError::Unauthorized { .. }), "{forbidden:?}");
    let short = fail(r#"{ "data": { "nodes": [null] } }"#);
    assert!(matches!(short, ForgeError::Unexpected { .. }), "{short:?}");
}
