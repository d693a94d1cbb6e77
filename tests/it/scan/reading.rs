//! What a scan asks git for: nothing that it knows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::data::TestData;
use crate::support::repos::{TempRepo, fixture};

/// A `git` that notes how it is called, and the blobs it is asked for: before it hears of them, so that whoever has its
/// answer finds the note (`tee` writes its own output first).
struct WatchedGit {
    folder: tempfile::TempDir,
}

impl WatchedGit {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::var("PATH").unwrap();
        let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
        let (git, calls, asked) = (git.display(), folder.path().join("calls"), folder.path().join("asked"));
        let (calls, asked) = (calls.display(), asked.display());
        let script = format!(
            "#!/usr/bin/env bash\n\
             printf '%s\\n' \"$*\" >> {calls}\n\
             case \" $* \" in *' cat-file '*) exec {git} \"$@\" < <(tee /dev/fd/3 3>&1 >> {asked}) ;; esac\n\
             exec {git} \"$@\"\n"
        );
        let program = folder.path().join("git");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Data whose scans run it.
    fn data(&self) -> TestData {
        let path = std::env::var("PATH").unwrap();
        TestData::new().with("PATH", &format!("{}:{path}", self.folder.path().display()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How it was called since this was asked last.
    fn calls(&self) -> String {
        let calls = fs::read_to_string(self.file("calls")).unwrap();
        fs::remove_file(self.file("calls")).unwrap();
        calls
    }

    /// Blobs whose content was asked for since this was asked last; sorted.
    fn blobs(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.file("asked")).unwrap_or_default();
        let _ = fs::remove_file(self.file("asked"));
        let mut blobs: Vec<String> =
            asked.lines().filter_map(|line| line.strip_prefix("contents ")).map(str::to_owned).collect();
        blobs.sort();
        blobs
    }
}

fn blob(repository: &TempRepo, name: &str) -> String {
    repository.git(&["rev-parse", name])
}

#[test]
fn with_nothing_new_no_blob_and_no_history_is_read() {
    let repository = fixture("resolution");
    let git = WatchedGit::new();
    let data = git.data();
    data.scan(&repository.path());
    assert!(git.blobs().len() > 28);
    assert!(git.calls().contains(" cat-file "));
    data.scan(&repository.path());
    let calls = git.calls();
    for command in [" cat-file ", " fetch ", " rev-list "] {
        assert!(!calls.contains(command), "{command} in\n{calls}");
    }
    assert!(git.blobs().is_empty());
}

#[test]
fn of_a_new_commit_its_blobs_are_read_and_what_they_replace() {
    let repository = fixture("resolution");
    let git = WatchedGit::new();
    let data = git.data();
    data.scan(&repository.path());
    git.blobs();
    let text = repository.git(&["show", "HEAD:apps/frontend/web/release.yaml"]);
    repository.commit_file("apps/frontend/web/release.yaml", &text.replace("6.0.0", "6.0.1"), "an upgrade");
    repository.commit_file("apps/new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: one}\n", "something new");
    let summary = data.scan(&repository.path());
    assert_eq!(summary["added"]["commits"], 2);
    let mut expected =
        ["HEAD~2:apps/frontend/web/release.yaml", "HEAD:apps/frontend/web/release.yaml", "HEAD:apps/new.yaml"]
            .map(|name| blob(&repository, name));
    expected.sort();
    assert_eq!(git.blobs(), expected);
}
