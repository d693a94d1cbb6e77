//! Exactly once: however often and in however many steps a repository is scanned, readers see one uninterrupted scan.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::stored::Stored;
use crate::golden::shared_folder;
use crate::support::chance::Chance;
use crate::support::data::{TestData, json_lines, text};
use crate::support::engine::SCAN_TABLES;
use crate::support::hosting::{Hosting, on_both_hostings};
use crate::support::repos::{TempRepo, fixture, run_git};
use crate::support::server::TestServer;

/// Every rule that needs to remember something between commits.
const HISTORIES: [&str; 17] = [
    "anchors",
    "broken-and-renamed",
    "broken-and-repaired",
    "broken-and-restored",
    "clock-backwards",
    "create-modify-delete",
    "crosswise",
    "deleted-and-back",
    "duplicate-identities",
    "future-at-first",
    "future-in-between",
    "list-items",
    "merge",
    "move-with-ordinal",
    "moves-paired",
    "secret",
    "symlink-swap",
];

on_both_hostings! {
    scans_that_continue_equal_one_scan
    resolution_in_any_steps_equals_one_scan
    a_scan_that_continues_reads_the_new_commits_only
    a_scan_with_nothing_new_adds_nothing
    an_amended_head_is_read_from_the_root_again
    a_history_cut_back_and_replaced_is_read_from_the_root_again
    a_branch_moved_back_to_an_earlier_commit_is_read_from_the_root_again
    a_head_that_left_the_first_parent_chain_is_a_rewritten_history
    all_spellings_of_a_url_are_one_repository
    a_path_reached_in_two_ways_is_one_repository
}

/// Scans all of them with one command.
#[track_caller]
fn scan_all(data: &TestData, repositories: &[TempRepo]) -> Vec<Value> {
    let paths: Vec<_> = repositories.iter().map(TempRepo::path).collect();
    let arguments: Vec<&str> = ["scan", "--json"].into_iter().chain(paths.iter().map(|path| text(path))).collect();
    json_lines(&data.succeed(&arguments))
}

/// The first-parent history, oldest first.
pub fn history(repository: &TempRepo) -> Vec<String> {
    let commits = repository.git(&["rev-list", "--first-parent", "--reverse", "HEAD"]);
    commits.lines().map(str::to_owned).collect()
}

fn scans_that_continue_equal_one_scan(hosting: Hosting) {
    let repositories = HISTORIES.map(fixture);
    // The digests of secrets are equal only under the same key: both begin with it.
    let (stepwise, whole) = (TestData::on(hosting), TestData::on(hosting));
    scan_all(&whole, &repositories);
    share_key(&whole, &stepwise);

    let histories: Vec<Vec<String>> = repositories.iter().map(history).collect();
    let longest = histories.iter().map(Vec::len).max().unwrap();
    for step in 0..longest {
        for (repository, commits) in repositories.iter().zip(&histories) {
            let commit = commits.get(step).or(commits.last()).unwrap();
            repository.git(&["update-ref", "refs/heads/main", commit]);
        }
        let summaries = scan_all(&stepwise, &repositories);
        assert!(summaries.iter().all(|summary| summary["rebuilt"] == false), "{summaries:?}");
    }
    Stored::read(&stepwise).assert_equals(&Stored::read(&whole));
}

fn resolution_in_any_steps_equals_one_scan(hosting: Hosting) {
    let repository = fixture("resolution");
    let whole = TestData::on(hosting);
    whole.scan(&repository.path());
    let expected = Stored::read(&whole);
    for table in SCAN_TABLES {
        assert!(expected.row_count(table) > 0, "nothing to compare in {table}");
    }
    let commits = history(&repository);
    let every: Vec<usize> = (0..commits.len()).collect();
    for steps in [&every[..], &[9], &[11, 12], &[17, 24]] {
        let data = TestData::on(hosting);
        scan_in_steps(&data, &repository, &commits, steps);
        eprintln!("in steps that end at {steps:?}");
        Stored::read(&data).assert_equals(&expected);
    }
}

#[test]
#[ignore = "soak"]
fn soak_repositories_of_the_corpus_in_random_steps_equal_one_scan() {
    let Some(shared) = shared_folder() else { return };
    let mut chance = Chance::new();
    for name in ["fluxcd--flux2-kustomize-helm-example", "controlplaneio-fluxcd--d1-fleet", "allenporter--k8s-gitops"] {
        let repository = TempRepo::from_bundle(&shared.join("corpus").join(format!("{name}.bundle")));
        let commits = history(&repository);
        let (stepwise, whole) = (TestData::new(), TestData::new());
        whole.scan(&repository.path());
        share_key(&whole, &stepwise);
        let steps = chance.some_below(commits.len() - 1, 20);
        eprintln!("{name}, in steps that end at {steps:?}");
        scan_in_steps(&stepwise, &repository, &commits, &steps);
        Stored::read(&stepwise).assert_equals(&Stored::read(&whole));
    }
}

/// Scans up to each of these commits, and then to the last.
#[track_caller]
fn scan_in_steps(data: &TestData, repository: &TempRepo, commits: &[String], steps: &[usize]) {
    // Its engine serves all scans.
    let _server = TestServer::start(data);
    for step in steps.iter().copied().chain([commits.len() - 1]) {
        repository.git(&["update-ref", "HEAD", &commits[step]]);
        assert_eq!(data.scan(&repository.path())["rebuilt"], false);
    }
}

/// Gives one installation's key to another that has none yet.
pub fn share_key(from: &TestData, to: &TestData) {
    std::fs::create_dir_all(to.path()).unwrap();
    std::fs::copy(from.path().join("redaction.key"), to.path().join("redaction.key")).unwrap();
}

fn a_scan_that_continues_reads_the_new_commits_only(hosting: Hosting) {
    let repository = fixture("create-modify-delete");
    let data = TestData::on(hosting);
    data.scan(&repository.path());
    repository.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "new");
    let summary = data.scan(&repository.path());
    assert_eq!(summary["added"], json!({ "commits": 1, "events": 1, "unparsable_versions": 0 }));
    assert_eq!(summary["commits"], 4);
    assert_eq!(summary["events"], json!({ "CREATED": 2, "MODIFIED": 1, "DELETED": 1 }));
    let document = "{ events(orderBy: [{field: TIME, direction: ASC}]) { nodes { runId } } }";
    let answer = data.query(document, json!({}));
    let runs = answer["events"]["nodes"].as_array().unwrap().iter();
    let runs: Vec<&str> = runs.map(|event| event["runId"].as_str().unwrap()).collect();
    assert!(runs[0] == runs[2] && runs[2] != runs[3], "events name the run that stored them: {runs:?}");
}

fn a_scan_with_nothing_new_adds_nothing(hosting: Hosting) {
    let repository = fixture("moves-paired");
    let data = TestData::on(hosting);
    let first = data.scan(&repository.path());
    let tables = SCAN_TABLES.into_iter().chain(["checkpoints", "repository_aliases"]);
    let statements: Vec<String> = tables.map(|table| format!("SELECT * FROM {table} ORDER BY ALL")).collect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let before = data.sql(&statements);
    let second = data.scan(&repository.path());
    assert_eq!(data.sql(&statements), before);
    assert_eq!(second["added"], json!({ "commits": 0, "events": 0, "unparsable_versions": 0 }));
    for field in ["commits", "events", "moved", "resources", "files", "kinds", "head", "rebuilt"] {
        assert_eq!(second[field], first[field], "{field}");
    }
    let plain = data.succeed(&["scan", text(&repository.path())]);
    assert!(plain.contains("nothing new"), "{plain}");
}

/// Scans before and after `rewrite`, and once more from scratch: the last two have to be equal.
#[track_caller]
fn check_rewritten(hosting: Hosting, repository: &TempRepo, rewrite: impl FnOnce(&TempRepo)) {
    let data = TestData::on(hosting);
    data.scan(&repository.path());
    rewrite(repository);
    let summary = data.scan(&repository.path());
    assert_eq!(summary["rebuilt"], true, "{summary}");
    let fresh = TestData::on(hosting);
    share_key(&data, &fresh);
    fresh.scan(&repository.path());
    Stored::read(&data).assert_equals(&Stored::read(&fresh));
    // And it goes on from there.
    repository.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "new");
    let summary = data.scan(&repository.path());
    assert_eq!((&summary["rebuilt"], &summary["added"]["commits"]), (&json!(false), &json!(1)));
    fresh.scan(&repository.path());
    Stored::read(&data).assert_equals(&Stored::read(&fresh));
}

fn an_amended_head_is_read_from_the_root_again(hosting: Hosting) {
    check_rewritten(hosting, &fixture("clock-backwards"), |repository| {
        repository.git(&["commit", "--quiet", "--amend", "--message=amended"]);
    });
}

fn a_history_cut_back_and_replaced_is_read_from_the_root_again(hosting: Hosting) {
    check_rewritten(hosting, &fixture("create-modify-delete"), |repository| {
        repository.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
        repository.commit_file("other.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: other}\n", "another way");
    });
}

fn a_branch_moved_back_to_an_earlier_commit_is_read_from_the_root_again(hosting: Hosting) {
    check_rewritten(hosting, &fixture("type-change"), |repository| {
        repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    });
}

fn a_head_that_left_the_first_parent_chain_is_a_rewritten_history(hosting: Hosting) {
    let repository = fixture("foxtrot");
    let merged = repository.git(&["rev-parse", "main"]);
    repository.git(&["reset", "--quiet", "--hard", "before"]);
    check_rewritten(hosting, &repository, |repository| {
        repository.git(&["reset", "--quiet", "--hard", &merged]);
    });
}

fn all_spellings_of_a_url_are_one_repository(hosting: Hosting) {
    let repository = fixture("create-modify-delete");
    let data = TestData::on(hosting);
    let spellings = [
        "https://github.com/Owner/Name",
        "https://user:planted-password@GitHub.com/Owner/Name.git",
        "git@github.com:Owner/Name.git",
    ];
    let mut added = Vec::new();
    for (index, spelling) in spellings.into_iter().enumerate() {
        let clone = repository.beside(&format!("clone-{index}"));
        run_git(&repository.path(), &["clone", "--quiet", ".", text(&clone)]);
        run_git(&clone, &["remote", "set-url", "origin", spelling]);
        added.push(data.scan(&clone)["added"]["events"].clone());
    }
    assert_eq!(added, [3, 0, 0]);
    let answer = data.query("{ repositories { nodes { fullName url eventCount } } }", json!({}));
    let url = "https://github.com/Owner/Name";
    let expected = json!([{ "fullName": "Owner/Name", "url": url, "eventCount": 3 }]);
    assert_eq!(answer["repositories"]["nodes"], expected);
    assert!(!data.dump().contains("planted-password"));
}

fn a_path_reached_in_two_ways_is_one_repository(hosting: Hosting) {
    let repository = fixture("create-modify-delete");
    let data = TestData::on(hosting);
    let link = repository.path().with_file_name("link");
    std::os::unix::fs::symlink(repository.path(), &link).unwrap();
    let ways = [repository.path(), link, repository.path().join("../create-modify-delete")];
    for way in &ways {
        data.scan(way);
    }
    let answer = data.query("{ repositories { nodes { eventCount } } }", json!({}));
    assert_eq!(answer["repositories"]["nodes"], json!([{ "eventCount": 3 }]));
    let lines: BTreeSet<Vec<String>> = ways.iter().map(|way| data.event_lines(way)).collect();
    assert_eq!(lines.len(), 1, "every way leads to the same events");
}
