//! The schema: from empty, twice, and what is refused.

use std::path::Path;

use crate::support::data::TestData;
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::repos::fixture;

const UP_TO_DATE: &str = "the schema is up to date\n";

on_both_hostings! {
    from_empty_and_twice
    every_command_migrates_at_its_start
    a_file_changed_after_it_was_applied_is_refused
    a_newer_database_is_refused
    a_migration_cut_off_between_its_tables_is_completed
}

/// `applied NAME` for every file of `clickhouse/migrations`.
fn all_applied() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clickhouse/migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut lines: Vec<String> =
        files.map(|path| format!("applied {}\n", path.file_stem().unwrap().to_str().unwrap())).collect();
    lines.sort();
    lines.concat()
}

/// A migrated database.
fn migrated(hosting: Hosting) -> TestData {
    let data = TestData::on(hosting);
    assert_eq!(data.succeed(&["migrate"]), all_applied());
    data
}

/// Every command that needs the database fails with one line with these words.
#[track_caller]
fn refused(data: &TestData, words: &[&str]) {
    for arguments in [&["migrate"][..], &["query", "{ __typename }"], &["serve", "--listen", "127.0.0.1:0"]] {
        let ran = data.run(arguments);
        assert!(!ran.success, "{arguments:?}");
        assert_eq!(ran.complaints().len(), 1, "{}", ran.stderr);
        for word in words {
            assert!(ran.complaints()[0].contains(word), "{word} is not in: {}", ran.stderr);
        }
    }
}

fn from_empty_and_twice(hosting: Hosting) {
    let data = migrated(hosting);
    assert_eq!(data.succeed(&["migrate"]), UP_TO_DATE);
    let rows = data.sql(&["SELECT number, name, length(checksum) AS checksum FROM schema_migrations ORDER BY number"]);
    let first = r#"{"number":1,"name":"0001_repositories","checksum":64}"#;
    assert_eq!(rows[0].lines().next(), Some(first));
    assert_eq!(rows[0].lines().count(), all_applied().lines().count());
}

fn every_command_migrates_at_its_start(hosting: Hosting) {
    let data = TestData::on(hosting);
    data.scan(&fixture("move").path());
    assert_eq!(data.succeed(&["migrate"]), UP_TO_DATE);
}

fn a_file_changed_after_it_was_applied_is_refused(hosting: Hosting) {
    let data = migrated(hosting);
    data.sql(&[
        "DELETE FROM schema_migrations WHERE number = 2",
        "INSERT INTO schema_migrations (number, name, checksum) VALUES (2, '0002_resources', 'another-checksum')",
    ]);
    refused(&data, &["0002_resources", "was changed after it was applied", "another-checksum"]);
}

fn a_newer_database_is_refused(hosting: Hosting) {
    let data = migrated(hosting);
    data.sql(&["INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, '9999_later', 'x')"]);
    refused(&data, &["written by a newer kubestats", "9999"]);
}

fn a_migration_cut_off_between_its_tables_is_completed(hosting: Hosting) {
    let data = migrated(hosting);
    let tables = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name";
    let before = data.sql(&[tables]);
    // As if the first file had stopped after its second table, and the last before its first.
    data.sql(&[
        "DELETE FROM schema_migrations WHERE number IN (1, 4)",
        "DROP TABLE checkpoints SYNC",
        "DROP TABLE scan_failures SYNC",
    ]);
    assert_eq!(data.succeed(&["migrate"]), "applied 0001_repositories\napplied 0004_scan_failures\n");
    assert_eq!(data.sql(&[tables]), before);
    let summary = data.scan(&fixture("broken-and-renamed").path());
    assert_eq!((&summary["resources"], &summary["unparsable_versions"]), (&1.into(), &1.into()));
}
