//! An external ClickHouse: how one is opened, and what can happen to one that is used.
//!
//! `kubestats engine --listen` stands for the server; what breaks on the way to it is broken for real, by a proxy.

mod journey;
mod keys;
mod opening;
mod restarts;
mod slow;
mod tls;

use crate::support::data::TestData;
use crate::support::external::Database;

/// Data in the database `name` of the server at `url`, with limits that a busy machine keeps, and that tests do not wait long for.
fn data_at(url: &str, name: &str) -> TestData {
    TestData::in_database(Database { url: url.to_owned(), name: name.to_owned() })
        .with("KUBESTATS_CLICKHOUSE__CONNECT_TIMEOUT_SECONDS", "1")
        .with("KUBESTATS_CLICKHOUSE__WRITE_TIMEOUT_SECONDS", "8")
        .with("KUBESTATS_QUERY__TIMEOUT_SECONDS", "5")
}

/// The one line with which `migrate` fails; it has all these words.
#[track_caller]
fn refused(data: &TestData, words: &[&str]) -> String {
    let ran = data.run(&["migrate"]);
    assert!(!ran.success, "it succeeded: {}", ran.stdout);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    for word in words {
        assert!(ran.complaints()[0].contains(word), "{word} is not in: {}", ran.stderr);
    }
    ran.stderr
}
