//! A `git` between the program and the real one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::data::TestData;

/// A `git` that does something of its own where the program reads objects; everything else is the real git's alone.
pub struct WatchedGit {
    folder: tempfile::TempDir,
}

impl WatchedGit {
    /// Every call is noted in the file `calls`. `requests` is a command of the shell: what comes to its standard input was
    /// written to `git cat-file`, what it prints goes there. It runs in a folder of its own, where this value's files are.
    pub fn new(requests: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::var("PATH").unwrap();
        let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
        let (git, own) = (git.display(), folder.path().display());
        let script = format!(
            "#!/usr/bin/env bash\n\
             printf '%s\\n' \"$*\" >> {own}/calls\n\
             case \" $* \" in *' cat-file '*) exec {git} \"$@\" < <(cd {own} && {requests}) ;; esac\n\
             exec {git} \"$@\"\n"
        );
        let program = folder.path().join("git");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Data whose scans run it.
    pub fn data(&self) -> TestData {
        let path = std::env::var("PATH").unwrap();
        TestData::new().with("PATH", &format!("{}:{path}", self.folder.path().display()))
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What was noted in a file since this was asked last.
    pub fn noted(&self, name: &str) -> String {
        let noted = fs::read_to_string(self.file(name)).unwrap_or_default();
        let _ = fs::remove_file(self.file(name));
        noted
    }
}
