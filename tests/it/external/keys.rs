//! One database has one redaction key, however many machines scan into it.

use serde_json::json;

use crate::support::data::{TestData, text};
use crate::support::external::TestClickHouse;
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::repos::fixture;

on_both_hostings! {
    a_lost_key_is_missed
}

const KEY: &str = "redaction.key";

#[test]
fn a_second_machine_needs_the_key_of_the_first() {
    let database = TestClickHouse::shared().database();
    let (first, second) = (TestData::in_database(database.clone()), TestData::in_database(database));
    let repository = fixture("secret");
    first.scan(&repository.path());
    let ran = second.run(&["scan", text(&repository.path())]);
    assert!(!ran.success);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
    for word in ["another redaction key", text(&second.path().join(KEY))] {
        assert!(ran.complaints()[0].contains(word), "{}", ran.stderr);
    }
    // It may ask, though.
    let events = "{ events { totalCount } }";
    assert_eq!(second.query(events, json!({})), first.query(events, json!({})));
    std::fs::copy(first.path().join(KEY), second.path().join(KEY)).unwrap();
    assert_eq!(second.scan(&repository.path())["added"]["events"], 0);
}

fn a_lost_key_is_missed(hosting: Hosting) {
    let data = TestData::on(hosting);
    let repository = fixture("secret");
    data.scan(&repository.path());
    std::fs::remove_file(data.path().join(KEY)).unwrap();
    let ran = data.run(&["scan", text(&repository.path())]);
    assert!(!ran.success && ran.complaints()[0].contains("another redaction key"), "{}", ran.stderr);
}
