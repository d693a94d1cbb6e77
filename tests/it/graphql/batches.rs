//! Nested fields are batched: a page costs the same number of questions, whatever its size.

use kubestats::store::{Reader, ReaderOptions};
use serde_json::json;

use super::support::{respond_through, world};

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
    ] {
        assert_eq!(questions(field, 5), expected, "5 × {field}");
        assert_eq!(questions(field, 50), expected, "50 × {field}");
    }
}

#[test]
fn a_question_asked_again_is_answered_from_the_cache() {
    let reader = Reader::new(world().store.clone(), ReaderOptions::default());
    let document = "{ events(first: 7) { totalCount nodes { id } } repositories { nodes { name } } }";
    let first = respond_through(&reader, document, json!({}));
    let asked = reader.asked();
    assert_eq!(respond_through(&reader, document, json!({})), first);
    assert!(reader.asked() - asked <= 1, "at most the data's version");
}
