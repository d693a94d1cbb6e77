//! The real program in a folder of its own, without anybody's configuration.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder to run in, which is home and where data would lie by default; it goes with this value.
pub struct Program {
    folder: tempfile::TempDir,
    variables: Vec<(String, std::ffi::OsString)>,
}

/// How a run ended.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With a file in its folder.
    pub fn with_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder().join(name), content).unwrap();
        self
    }

    /// With a variable in its environment.
    pub fn with_variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KUBESTATS_") && name != "KUBESTATS_ENGINE_CACHE" {
                command.env_remove(name);
            }
        }
        command.env("XDG_CACHE_HOME", cache_home()).env("XDG_DATA_HOME", self.folder().join("share"));
        command.env("HOME", self.folder()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(binary()).args(arguments))
    }
}

/// The program that is tested.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kubestats"))
}

/// Where the engine's library lies, whatever HOME is.
fn cache_home() -> PathBuf {
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from);
    given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache"))).unwrap()
}

/// Runs a command to its end.
#[track_caller]
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
