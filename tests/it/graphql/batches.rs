//! What a request costs: nested fields are batched, so a page costs the same number of questions whatever its size; what was
//! asked before, or is asked at the same time, is asked once.

use async_graphql::Request;
use futures_util::future::join_all;
use kubestats::graphql::answer;
use kubestats::store::{Reader, ReaderOptions, Recorded, Writer};
use serde_json::json;

use super::support::{REPOSITORIES, respond_through, world};

/// Questions to ClickHouse for a page of `size`, without anything cached.
fn questions(field: &str, size: u32) -> u64 {
    let reader = Reader::new(world().store.clone(), ReaderOptions::default());
    let response =
        respond_through(&reader, &format!("{{ events(first: {size}) {{ nodes {{ {field} }} }} }}"), json!({}));
    assert_eq!(response["data"]["events"]["nodes"].as_array().map(Vec::len), Some(size as usize), "{response}");
    reader.asked()
}

#[test]
fn a_page_of_events_costs_a_constant_number_of_questions() {
    // The data's version and the page; then one batch for each kind of nested field.
    for (field, expected) in [
        ("id", 2),
        ("repository { fullName }", 3),
        ("resource { name }", 3),
        ("resource { name } repository { fullName }", 4),
        ("resource { name repository { fullName } } repository { fullName }", 4),
        ("resource { yaml content(pointer: \"/metadata\") }", 4),
        ("before after diff", 3),
    ] {
        assert_eq!(questions(field, 5), expected, "5 × {field}");
        assert_eq!(questions(field, 50), expected, "50 × {field}");
    }
}

#[test]
fn nested_fields_of_a_page_cost_a_constant_number_of_questions() {
    let questions = |list: &str, fields: &str, size: u32| {
        let reader = Reader::new(world().store.clone(), ReaderOptions::default());
        let filter = if list == "resources" { ", filter: { kind: { eq: \"HelmRelease\" } }" } else { "" };
        let document = format!("{{ {list}(first: {size}{filter}) {{ nodes {{ {fields} }} }} }}");
        let response = respond_through(&reader, &document, json!({}));
        assert_eq!(response.get("errors"), None, "{response}");
        reader.asked()
    };
    for (list, fields, expected) in [
        ("repositories", "charts { name versions }", 3),
        ("repositories", "charts { chart { popularity { rank } } } fluxVersions { version } metrics { stars }", 5),
        ("charts", "popularity { rank } versions { version } canonicalIdentity", 3),
        ("images", "tags { tag }", 2),
        ("references", "from { name repository { fullName } }", 4),
        ("references", "to { name }", 4),
        ("repositoryMetrics", "repository { fullName }", 3),
        ("resources", "references { to { name } } chart { name }", 6),
        ("resources", "siblings(first: 2) { nodes { name } }", 5),
        // Those without siblings are counted before the others' are loaded.
        ("resources", "siblings(first: 2) { totalCount nodes { name } }", 7),
    ] {
        for size in [4, 50] {
            assert_eq!(questions(list, fields, size), expected, "{size} × {list} {{ {fields} }}");
        }
    }
}

#[test]
fn requests_at_once_share_the_question_for_the_version() {
    let reader = Reader::new(world().store.clone(), ReaderOptions::default());
    let requests = (0..20).map(|_| answer(&world().schema, &reader, Request::new("{ __typename }")));
    let answers = world().block_on(join_all(requests));
    assert!(
        answers.iter().all(|answer| answer.as_ref().is_ok_and(|json| json == r#"{"data":{"__typename":"Query"}}"#))
    );
    assert_eq!(reader.asked(), 1);
}

#[test]
fn what_was_asked_is_answered_from_memory_until_something_is_published() {
    let world = world();
    let reader = Reader::new(world.store.clone(), ReaderOptions::default());
    let document = "{ events(first: 9) { totalCount nodes { id } } repositories { nodes { name } } }";
    let response = respond_through(&reader, document, json!({}));
    let asked = reader.asked();
    assert_eq!(respond_through(&reader, document, json!({})), response);
    assert!(reader.asked() - asked <= 1, "at most the data's version");

    let answer = || world.block_on(answer(&world.schema, &reader, Request::new(document))).unwrap();
    let first = answer();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&first).unwrap(), response);
    assert_eq!(answer(), first);
    assert!(reader.asked() - asked <= 3, "at most the data's version");

    // Nothing that shows, but a change for all that anybody knows.
    let repository = world.block_on(reader.repository_by_alias(REPOSITORIES[0].1)).unwrap().unwrap();
    let asked = reader.asked();
    let (writer, other) =
        (Writer::new(world.store.clone()), Reader::new(world.store.clone(), ReaderOptions::default()));
    let ids = [repository.id];
    let changed = writer.update_repositories(&other, &ids, |_| Recorded::default());
    assert_eq!(world.block_on(changed).unwrap().len(), 1);
    assert_eq!(answer(), first);
    assert_eq!(reader.asked() - asked, 4, "the version, the page, the count and the repositories");
}

#[test]
fn an_answer_with_errors_is_not_kept() {
    let world = world();
    let reader = Reader::new(world.store.clone(), ReaderOptions::default());
    for _ in 0..2 {
        let request = Request::new("{ repositories(first: 1) { nodes { name } } node(id: \"nothing\") { id } }");
        let response = world.block_on(answer(&world.schema, &reader, request)).unwrap_err();
        assert_eq!(response.errors.len(), 1, "{response:?}");
    }
}
