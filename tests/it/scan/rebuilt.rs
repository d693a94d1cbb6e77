//! Another default branch, other rules: when a scan goes on, when it begins anew, and what readers see meanwhile.

use serde_json::json;

use super::again::share_key;
use super::killed::hold_half_way;
use super::stored::Stored;
use crate::support::data::TestData;
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::process::{send_signal, wait_for_end};
use crate::support::repos::{TempRepo, fixture};
use crate::support::server::TestServer;

on_both_hostings! {
    a_default_branch_with_the_same_history_goes_on
    a_default_branch_with_another_history_is_read_from_the_root
    rows_of_an_older_extractor_are_built_anew
    rows_that_cannot_be_read_are_built_anew
    readers_see_the_old_generation_whole_until_the_new_one_is_published
}

/// Makes `branch` the default branch, at `start`.
fn switch(repository: &TempRepo, branch: &str, start: &str) {
    repository.git(&["checkout", "--quiet", "-b", branch, start]);
}

fn a_default_branch_with_the_same_history_goes_on(hosting: Hosting) {
    let repository = fixture("resolution");
    repository.git(&["branch", "--move", "master"]);
    repository.git(&["reset", "--quiet", "--hard", "HEAD~8"]);
    let data = TestData::on(hosting);
    assert_eq!(data.scan(&repository.path())["branch"], "master");
    switch(&repository, "trunk/main", "ORIG_HEAD");
    let summary = data.scan(&repository.path());
    assert_eq!((&summary["branch"], &summary["rebuilt"]), (&json!("trunk/main"), &json!(false)));
    assert_eq!(summary["added"]["commits"], 8);
    let fresh = TestData::on(hosting);
    fresh.scan(&repository.path());
    Stored::read(&data).assert_equals(&Stored::read(&fresh));
    // Another name for the same commit.
    repository.git(&["branch", "--move", "main"]);
    let summary = data.scan(&repository.path());
    assert_eq!((&summary["branch"], &summary["added"]["commits"]), (&json!("main"), &json!(0)));
}

fn a_default_branch_with_another_history_is_read_from_the_root(hosting: Hosting) {
    let repository = fixture("resolution");
    let data = TestData::on(hosting);
    data.scan(&repository.path());
    switch(&repository, "other", "HEAD~10");
    repository.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "another way");
    let summary = data.scan(&repository.path());
    assert_eq!((&summary["branch"], &summary["rebuilt"]), (&json!("other"), &json!(true)));
    let fresh = TestData::on(hosting);
    fresh.scan(&repository.path());
    Stored::read(&data).assert_equals(&Stored::read(&fresh));
}

/// As if all that is stored had been extracted by older rules.
fn age(data: &TestData) {
    data.sql(&["ALTER TABLE checkpoints UPDATE extractor_version = 1 WHERE true SETTINGS mutations_sync = 2"]);
}

fn rows_of_an_older_extractor_are_built_anew(hosting: Hosting) {
    let repository = fixture("resolution");
    let data = TestData::on(hosting);
    data.scan(&repository.path());
    let before = Stored::read(&data);
    age(&data);
    let summary = data.scan(&repository.path());
    assert_eq!((&summary["rebuilt"], &summary["added"]["commits"]), (&json!(true), &json!(28)));
    Stored::read(&data).assert_equals(&before);
    assert_eq!(data.scan(&repository.path())["rebuilt"], false);
}

/// A scan that went on without them would resolve charts and namespaces otherwise, and nobody would know.
fn rows_that_cannot_be_read_are_built_anew(hosting: Hosting) {
    let repository = fixture("resolution");
    let whole = TestData::on(hosting);
    whole.scan(&repository.path());
    let expected = Stored::read(&whole);
    for table in ["resources", "file_facts"] {
        let data = TestData::on(hosting);
        share_key(&whole, &data);
        repository.git(&["reset", "--quiet", "--hard", "HEAD~8"]);
        data.scan(&repository.path());
        data.sql(&[&format!("ALTER TABLE {table} UPDATE facts = '{{' WHERE true SETTINGS mutations_sync = 2")]);
        repository.git(&["reset", "--quiet", "--hard", "ORIG_HEAD"]);
        assert_eq!(data.scan(&repository.path())["rebuilt"], true, "{table}");
        Stored::read(&data).assert_equals(&expected);
    }
}

fn readers_see_the_old_generation_whole_until_the_new_one_is_published(hosting: Hosting) {
    let repository = fixture("more-commits");
    let data = TestData::on(hosting);
    let server = TestServer::start(&data);
    data.scan(&repository.path());
    let before = Stored::read_through(&server, &data);
    age(&data);
    hold_and_look(&data, &server, &repository, &before);
    Stored::read_through(&server, &data).assert_equals(&before);

    // A foxtrot: what was on main comes in by the second parent.
    repository.git(&["checkout", "--quiet", "-b", "topic", "main~10"]);
    repository.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "on a branch");
    repository.git(&["merge", "--quiet", "--no-ff", "--strategy-option=ours", "--message=main into topic", "main"]);
    repository.git(&["checkout", "--quiet", "-B", "main", "topic"]);
    hold_and_look(&data, &server, &repository, &before);
    let fresh = TestData::on(hosting);
    share_key(&data, &fresh);
    fresh.scan(&repository.path());
    Stored::read_through(&server, &data).assert_equals(&Stored::read(&fresh));
}

/// Holds a scan when rows of it lie there: readers see what they saw. Then lets it end.
#[track_caller]
fn hold_and_look(data: &TestData, server: &TestServer, repository: &TempRepo, before: &Stored) {
    let mut scan = hold_half_way(data, &repository.path());
    Stored::read_through(server, data).assert_equals(before);
    send_signal(scan.id(), "CONT");
    assert!(wait_for_end(&mut scan).success());
}
