//! Repositories put together object by object, as no git would make them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::repos::run_git;

/// A bare repository in a temporary folder, which goes with this value.
pub struct RawRepo {
    folder: tempfile::TempDir,
}

/// Seconds of the first commit; each later one is a minute older.
const FIRST: i64 = 1_704_110_400;

impl RawRepo {
    pub fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(repository.path()).unwrap();
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "--template="]);
        repository
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("hostile")
    }

    /// A free path beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        run_git(&self.path(), arguments)
    }

    /// Stores an object as it stands, well-formed or not.
    pub fn object(&self, kind: &str, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "-w", "--stdin", "--literally", "-t", kind];
        feed(&self.path(), &arguments, bytes).trim().to_owned()
    }

    pub fn blob(&self, bytes: impl AsRef<[u8]>) -> String {
        self.object("blob", bytes.as_ref())
    }

    /// A tree with these entries in this order: mode, name, id.
    pub fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            let digits = id.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            bytes.extend(digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()));
        }
        self.object("tree", &bytes)
    }

    /// A commit of the tree on these parents, which becomes the head. `seconds` is text: it need not be a number.
    pub fn commit_at(&self, tree: &str, parents: &[&str], seconds: &str, subject: &str) -> String {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let people = format!("author A <a@b> {seconds} +0000\ncommitter C <c@d> {seconds} +0000");
        let id = self.object("commit", format!("tree {tree}\n{parents}{people}\n\n{subject}\n").as_bytes());
        self.git(&["update-ref", "refs/heads/main", &id]);
        id
    }

    /// The same, a minute after its first parent.
    pub fn commit(&self, tree: &str, parents: &[&str], subject: &str) -> String {
        let before = parents.first().map(|parent| self.git(&["log", "-1", "--format=%ct", parent]));
        let seconds = before.map_or(FIRST, |before| before.parse::<i64>().unwrap() + 60);
        self.commit_at(tree, parents, &seconds.to_string(), subject)
    }

    /// Reads a stream as `git fast-import` does.
    pub fn import(&self, stream: &str) {
        feed(&self.path(), &["fast-import", "--quiet"], stream.as_bytes());
    }

    /// One commit with these files; a slash in a name makes no folder.
    pub fn with_files(files: &[(&[u8], &[u8])]) -> Self {
        let repository = Self::new();
        let blobs: Vec<String> = files.iter().map(|(_, bytes)| repository.blob(bytes)).collect();
        let mut entries: Vec<(&str, &[u8], &str)> =
            files.iter().zip(&blobs).map(|((name, _), blob)| ("100644", *name, blob.as_str())).collect();
        entries.sort_by_key(|(_, name, _)| *name);
        repository.commit(&repository.tree(&entries), &[], "create");
        repository
    }
}

/// Runs git with an input.
fn feed(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A ConfigMap as YAML.
pub fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}
