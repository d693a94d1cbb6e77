//! What a scan asks git for: nothing that it knows.

use crate::support::repos::{TempRepo, fixture};
use crate::support::watched_git::WatchedGit;

/// A `git` that notes how it is called, and the blobs it is asked for: before it hears of them, so that whoever has its
/// answer finds the note (`tee` writes its own output first).
fn noting_git() -> WatchedGit {
    WatchedGit::new("tee /dev/fd/3 3>&1 >> asked")
}

/// Blobs whose content was asked for since this was asked last; sorted.
fn blobs(git: &WatchedGit) -> Vec<String> {
    let asked = git.noted("asked");
    let mut blobs: Vec<String> =
        asked.lines().filter_map(|line| line.strip_prefix("contents ")).map(str::to_owned).collect();
    blobs.sort();
    blobs
}

fn blob(repository: &TempRepo, name: &str) -> String {
    repository.git(&["rev-parse", name])
}

#[test]
fn with_nothing_new_no_blob_and_no_history_is_read() {
    let repository = fixture("resolution");
    let git = noting_git();
    let data = git.data();
    data.scan(&repository.path());
    assert!(blobs(&git).len() > 28);
    assert!(git.noted("calls").contains(" cat-file "));
    data.scan(&repository.path());
    let calls = git.noted("calls");
    for command in [" cat-file ", " fetch ", " rev-list "] {
        assert!(!calls.contains(command), "{command} in\n{calls}");
    }
    assert!(blobs(&git).is_empty());
}

#[test]
fn of_a_new_commit_its_blobs_are_read_and_what_they_replace() {
    let repository = fixture("resolution");
    let git = noting_git();
    let data = git.data();
    data.scan(&repository.path());
    blobs(&git);
    let text = repository.git(&["show", "HEAD:apps/frontend/web/release.yaml"]);
    repository.commit_file("apps/frontend/web/release.yaml", &text.replace("6.0.0", "6.0.1"), "an upgrade");
    repository.commit_file("apps/new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "something new");
    let summary = data.scan(&repository.path());
    assert_eq!(summary["added"]["commits"], 2);
    let mut expected =
        ["HEAD~2:apps/frontend/web/release.yaml", "HEAD:apps/frontend/web/release.yaml", "HEAD:apps/new.yaml"]
            .map(|name| blob(&repository, name));
    expected.sort();
    assert_eq!(blobs(&git), expected);
}
