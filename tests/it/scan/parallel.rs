//! Several repositories in one command: what is stored, who ends first, and how much memory is enough.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::thread;

use kubestats::git::{FetchOptions, Mirror, Remote};
use kubestats::manifest::redact::Redactor;
use kubestats::model::{Repository, RepositoryId};
use kubestats::scan::{Batch, Budget, Outcome, Scanner};
use serde_json::{Value, json};

use super::stored::Stored;
use crate::support::data::{TestData, json_lines, text};
use crate::support::process::{PATIENCE, holds_within, wait_for_end};
use crate::support::repos::{TempRepo, fixture, run_git};
use crate::support::watched_git::WatchedGit;

/// A repository with many commits and some tiny ones, the large one first.
fn sources(large: &str, tiny: usize) -> (Vec<TempRepo>, Vec<PathBuf>) {
    let names = ["move", "merge", "crosswise", "octopus", "list-items", "broken-and-repaired", "moves-paired"];
    let large = std::iter::once(fixture(large));
    let repositories: Vec<TempRepo> = large.chain((0..tiny).map(|index| fixture(names[index % names.len()]))).collect();
    let paths = repositories.iter().map(TempRepo::path).collect();
    (repositories, paths)
}

/// Scans all of it in one command; answers the lines of JSON as they were printed.
#[track_caller]
fn scan(data: &TestData, arguments: &[&str], sources: &[PathBuf]) -> Vec<Value> {
    let arguments: Vec<&str> = ["scan", "--json"].iter().chain(arguments).copied().collect();
    let arguments: Vec<&str> = arguments.into_iter().chain(sources.iter().map(|path| text(path))).collect();
    json_lines(&data.succeed(&arguments))
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["source"].as_str().unwrap()).collect()
}

#[test]
fn tiny_repositories_behind_a_huge_one_end_first() {
    let (_repositories, sources) = sources("many-commits", 20);
    // Who has asked git for so much waits there, with the memory it holds, until the others have ended.
    let git = WatchedGit::new("(sed --unbuffered 1000q; until [ -e others-ended ]; do sleep 0.1; done; exec cat)");
    let data = git.data().with("KUBESTATS_SCAN__MEMORY_MB", "1");
    let arguments = ["scan", "--json", "--parallel", "4"].into_iter().chain(sources.iter().map(|path| text(path)));
    let mut scan = data.command(&arguments.collect::<Vec<_>>()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = Mutex::new(Vec::new());
    let others_ended = thread::scope(|scope| {
        let printed = BufReader::new(scan.stdout.take().unwrap());
        scope.spawn(|| printed.lines().for_each(|line| lines.lock().unwrap().push(line.unwrap())));
        let others_ended = holds_within(PATIENCE, || lines.lock().unwrap().len() == sources.len() - 1);
        fs::write(git.file("others-ended"), "").unwrap();
        others_ended
    });
    assert!(others_ended, "the tiny ones end while the huge one waits");
    assert!(wait_for_end(&mut scan).success());
    let lines = json_lines(&lines.into_inner().unwrap().join("\n"));
    assert_eq!(lines.len(), sources.len());
    assert_eq!(names(&lines).last(), Some(&text(&sources[0])), "the huge one ends last");
    assert_eq!(lines[sources.len() - 1]["added"]["commits"], 6_000);
}

#[test]
fn what_is_scanned_together_is_stored_as_if_alone() {
    let (_repositories, sources) = sources("many-commits", 20);
    let together = TestData::new();
    assert_eq!(scan(&together, &["--parallel", "8"], &sources).len(), sources.len());
    let alone = TestData::new();
    assert_eq!(scan(&alone, &["--parallel", "1"], &sources).len(), sources.len());
    Stored::read(&together).assert_equals(&Stored::read(&alone));
}

#[test]
fn one_after_the_other_keeps_the_order_of_the_arguments() {
    let (_repositories, sources) = sources("many-commits", 3);
    let lines = scan(&TestData::new(), &["--parallel", "1"], &sources);
    assert_eq!(names(&lines), sources.iter().map(|path| text(path)).collect::<Vec<_>>());
}

#[test]
fn the_least_memory_is_enough_for_many_at_once() {
    let (mut repositories, _) = sources("many-commits", 3);
    // One chunk of this takes more than the limit.
    let large = fixture("no-yaml");
    for version in 0..12 {
        let filler = format!("filler {version} ").repeat(6_000);
        let content = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large-{version}}}\ndata: {{key: \"{filler}\"}}\n"
        );
        large.commit_file(&format!("{}.yaml", version % 3), &content, "another large one");
    }
    repositories.push(large);
    let sources: Vec<PathBuf> = repositories.iter().map(TempRepo::path).collect();
    let little = TestData::new().with("KUBESTATS_SCAN__MEMORY_MB", "1").with("KUBESTATS_SCAN__PARALLEL", "6");
    assert_eq!(scan(&little, &[], &sources).len(), sources.len());
    let plenty = TestData::new();
    scan(&plenty, &["--parallel", "1"], &sources);
    Stored::read(&little).assert_equals(&Stored::read(&plenty));
}

#[test]
fn a_failure_leaves_the_others_alone() {
    let (_repositories, mut sources) = sources("many-commits", 4);
    let (shallow, empty) = (fixture("shallow"), fixture("empty"));
    sources.insert(1, shallow.path());
    sources.insert(3, empty.path());
    let data = TestData::new();
    let arguments: Vec<&str> =
        ["scan", "--json", "--parallel", "3"].into_iter().chain(sources.iter().map(|path| text(path))).collect();
    let ran = data.run(&arguments);
    assert!(!ran.success);
    assert_eq!(ran.complaints().len(), 2, "{}", ran.stderr);
    assert_eq!(json_lines(&ran.stdout).len(), sources.len() - 2);
}

#[test]
fn sources_that_mean_one_repository_are_scanned_one_after_the_other() {
    let repository = fixture("many-commits");
    let url = "https://example.org/fleet/cluster.git";
    repository.git(&["remote", "add", "origin", url]);
    let clone = repository.beside("clone");
    run_git(&repository.path(), &["clone", "--quiet", ".", text(&clone)]);
    run_git(&clone, &["remote", "set-url", "origin", url]);
    let sources = [repository.path(), clone, repository.path()];
    let data = TestData::new();
    let lines = scan(&data, &["--parallel", "3"], &sources);
    assert_eq!(names(&lines), sources.each_ref().map(|path| text(path)));
    let added = lines.iter().map(|line| line["added"]["commits"].as_u64().unwrap());
    assert_eq!(added.collect::<Vec<_>>(), [6_000, 0, 0]);
    let answer = data.query("{ repositories { nodes { fullName eventCount } } }", json!({}));
    assert_eq!(answer["repositories"]["nodes"], json!([{ "fullName": "fleet/cluster", "eventCount": 11_882 }]));
}

#[test]
fn a_summary_for_people_is_never_torn_by_another() {
    let (_repositories, sources) = sources("many-commits", 12);
    let folder = tempfile::tempdir().unwrap();
    for (index, source) in sources[1..].iter().enumerate() {
        run_git(source, &["clone", "--quiet", "--bare", ".", text(&folder.path().join(format!("{index}.git")))]);
    }
    let printed = TestData::new().succeed(&["scan", "--parallel", "6", text(folder.path())]);
    let summaries: Vec<&str> = printed.trim_end().split("\n\n").collect();
    assert_eq!(summaries.len(), 12);
    for summary in summaries {
        let starts = ["  head ", "  commits ", "  events ", "  resources ", "  unparsable ", "  this scan "];
        let found = starts.map(|start| summary.lines().filter(|line| line.starts_with(start)).count());
        assert_eq!(found, [1; 6], "{summary}");
    }
}

#[test]
fn large_files_travel_a_few_at_a_time() {
    const SIZE: usize = 3 << 19;
    let repository = fixture("no-yaml");
    for version in 0..7 {
        let filler = "# words\n".repeat(SIZE / 8);
        let content = format!("apiVersion: v1\nkind: A\nmetadata: {{name: large}}\nversion: {version}\n{filler}");
        repository.commit_file("large.yaml", &content, "another version");
    }
    let (outcome, batches) = walk(&repository, 1);
    // Two of them have less than 4 MiB, three have more.
    let commits: Vec<u64> = batches.iter().map(|batch| batch.commits).collect();
    assert_eq!(commits, [3, 2, 2, 1], "chunks of {SIZE} bytes each");
    assert_eq!(outcome.totals.commits, 8);
}

#[test]
fn data_let_go_for_want_of_memory_are_read_again() {
    let repository = fixture("many-commits");
    let release =
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values: {key: 1}\n";
    repository.commit_file("release.yaml", release, "a release that nobody touches again");
    let ((little, first), (plenty, second)) = (walk(&repository, 1), walk(&repository, 1 << 30));
    let shown = |batches: &[Batch]| -> Vec<String> {
        let rows = |batch: &Batch| (format!("{:?}", batch.events), format!("{:?}", batch.failures));
        batches.iter().map(|batch| format!("{:?}", rows(batch))).collect()
    };
    assert!(first.len() > 2, "what a later chunk touches has been let go by an earlier one");
    assert_eq!(shown(&first), shown(&second));
    assert_eq!(little.totals, plenty.totals);
    assert_eq!(format!("{:?}", little.touched), format!("{:?}", plenty.touched));
    assert!(little.touched.iter().any(|resource| !resource.values_keys.is_empty()));
}

/// Walks a repository with so many bytes of memory.
fn walk(repository: &TempRepo, memory: u64) -> (Outcome, Vec<Batch>) {
    let remote = Remote::Path(repository.path());
    let directory = repository.beside(&format!("mirror-{memory}.git"));
    let mirror = Mirror::sync(&directory, &remote, None, &FetchOptions::default(), &mut |_| ()).unwrap();
    let alias = remote.alias().unwrap();
    let described = Repository::discovered(RepositoryId::from_alias(&alias), &alias, 0);
    let redactor = Redactor::new(b"a key");
    let budget = Budget::new(memory);
    let mut batches = Vec::new();
    let scanner = Scanner::new(&mirror, &redactor, &described, 2_000_000_000, None);
    let outcome = scanner.run(&budget.share(), &mut |mut batch| {
        // The rows are kept, their memory is not.
        batch.memory = None;
        batches.push(batch);
        Ok(())
    });
    (outcome.unwrap(), batches)
}
