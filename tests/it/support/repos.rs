//! Small Git repositories for tests, built by the scripts in `fixtures/repos/`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository in a temporary folder, which goes with this value.
pub struct TempRepo {
    folder: tempfile::TempDir,
    name: String,
}

/// Builds the repository of `fixtures/repos/<name>.sh`.
pub fn fixture(name: &str) -> TempRepo {
    let folder = tempfile::tempdir().unwrap();
    let repository = TempRepo { folder, name: name.to_owned() };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/repos").join(format!("{name}.sh"));
    let output = Command::new("bash").arg(&script).arg(repository.path()).output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {messages}", script.display());
    repository
}

impl TempRepo {
    /// A bare clone of a bundle.
    pub fn from_bundle(bundle: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.git", bundle.file_stem().unwrap().to_str().unwrap());
        run_git(folder.path(), &["clone", "--quiet", "--bare", bundle.to_str().unwrap(), &name]);
        let repository = Self { folder, name };
        // The bundle as its origin would be another name of the same repository.
        repository.git(&["remote", "remove", "origin"]);
        repository
    }

    /// The repository's work tree.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// A free folder beside the repository, for example for its mirror.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join("beside").join(name)
    }

    /// Runs git in the repository and returns what it printed, trimmed.
    pub fn git(&self, arguments: &[&str]) -> String {
        run_git(&self.path(), arguments)
    }

    /// Writes a file and commits it, a minute after the newest commit.
    pub fn commit_file(&self, path: &str, content: &str, subject: &str) -> String {
        let newest: i64 = self.git(&["log", "-1", "--format=%ct"]).parse().unwrap_or(1_704_000_000);
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self.git(&["add", "--all"]);
        run_git_at(&self.path(), &["commit", "--quiet", "--message", subject], newest + 60);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes a bundle of everything and returns its path.
    pub fn bundle(&self) -> PathBuf {
        let path = self.folder.path().join(format!("{}.bundle", self.name));
        self.git(&["bundle", "create", "--quiet", path.to_str().unwrap(), "--all", "HEAD"]);
        path
    }
}

/// Runs git in a folder, with the fixtures' people and without anybody's configuration.
pub fn run_git(folder: &Path, arguments: &[&str]) -> String {
    run_git_at(folder, arguments, 1_704_110_400)
}

fn run_git_at(folder: &Path, arguments: &[&str], seconds: i64) -> String {
    let date = format!("@{seconds} +0000");
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Ada Author"),
            ("GIT_AUTHOR_EMAIL", "ada@example.org"),
            ("GIT_COMMITTER_NAME", "Carl Committer"),
            ("GIT_COMMITTER_EMAIL", "carl@example.org"),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_DATE", &date),
        ])
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {messages}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
