//! A data directory, and the real program run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::Value;

use super::disk::SmallDisk;
use super::events::Event;
use super::external::{Database, TestClickHouse};
use super::hosting::Hosting;
use super::process::{PATIENCE, send_signal};
use super::program;

/// What this machine's environment says of its network.
const NETWORK: [&str; 5] = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GIT_SSL_CAINFO", "SSL_CERT_FILE"];

/// A temporary data directory, which goes with this value.
pub struct TestData {
    place: Place,
    /// Where ClickHouse is, if it is not there.
    database: Option<Database>,
    /// More variables for the program.
    variables: Vec<(&'static str, String)>,
}

enum Place {
    Folder(tempfile::TempDir),
    Disk(Arc<SmallDisk>),
}

/// How a run of the program ended.
pub struct Ran {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl TestData {
    pub fn new() -> Self {
        Self::on(Hosting::Embedded)
    }

    /// With the engine in the folder, or with a database of its own on the shared server.
    pub fn on(hosting: Hosting) -> Self {
        let database = match hosting {
            Hosting::Embedded => None,
            Hosting::External => Some(TestClickHouse::shared().database()),
        };
        Self { place: Place::Folder(tempfile::tempdir().unwrap()), database, variables: Vec::new() }
    }

    /// On a disk of its own.
    pub fn on_disk(disk: &Arc<SmallDisk>) -> Self {
        Self { place: Place::Disk(disk.clone()), ..Self::new() }
    }

    /// With a database somewhere else.
    pub fn in_database(database: Database) -> Self {
        Self { database: Some(database), ..Self::new() }
    }

    /// The same with a variable for the program.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The external database, if there is one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// The data directory.
    pub fn path(&self) -> PathBuf {
        let folder = match &self.place {
            Place::Folder(folder) => folder.path(),
            Place::Disk(disk) => disk.path(),
        };
        folder.join("data")
    }

    /// The program with `--data` and these arguments, with nobody's configuration but where the engine lies.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = program::path();
        let mut command = match &self.place {
            Place::Folder(_) => Command::new(program),
            Place::Disk(disk) => disk.command(text(&program)),
        };
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("KUBESTATS_") && !text.starts_with("KUBESTATS_ENGINE") {
                command.env_remove(name);
            }
        }
        for name in NETWORK {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        // A server under test does what it is told, and nothing by itself.
        command.envs([("KUBESTATS_DISCOVERY__ENABLED", "false")]);
        for schedule in ["DISCOVERY", "SYNC", "AGGREGATION", "RETENTION"] {
            command.env(format!("KUBESTATS_SCHEDULES__{schedule}"), "");
        }
        command.envs(self.database.iter().flat_map(Database::variables));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).arg("--data").arg(self.path());
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program to its end; one that does not end is ended, and the test fails.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        match receiver.recv_timeout(PATIENCE) {
            Ok(output) => Ran::from(output.unwrap()),
            Err(_) => {
                send_signal(pid, "TERM");
                panic!("{arguments:?} does not end");
            }
        }
    }

    /// Runs the program, which has to succeed; answers what it printed.
    #[track_caller]
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert!(ran.success, "{arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    /// Scans one source; answers its JSON summary.
    #[track_caller]
    pub fn scan(&self, source: &Path) -> Value {
        let printed = self.succeed(&["scan", "--json", text(source)]);
        let mut summaries = json_lines(&printed);
        assert_eq!(summaries.len(), 1, "{printed}");
        summaries.remove(0)
    }

    /// The lines of `kubestats events --json`.
    #[track_caller]
    pub fn event_lines(&self, source: &Path) -> Vec<String> {
        let printed = self.succeed(&["events", "--json", text(source)]);
        printed.lines().map(str::to_owned).collect()
    }

    /// The stored events of a source whose paths are UTF-8, in walk order.
    #[track_caller]
    pub fn events(&self, source: &Path) -> Vec<Event> {
        let lines = self.event_lines(source);
        lines.iter().map(|line| Event::from_line(line)).collect()
    }

    /// Runs a GraphQL document, which has to succeed; answers its `data`.
    #[track_caller]
    pub fn query(&self, document: &str, variables: Value) -> Value {
        let variables = variables.to_string();
        let printed = self.succeed(&["query", document, "--variables", &variables]);
        let mut response: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(response.get("errors"), None, "{printed}");
        response["data"].take()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The lines that the program itself says about what failed (its log stands on stderr too).
    pub fn complaints(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines.filter(|line| line.starts_with("kubestats: ")).collect()
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One JSON value a line.
pub fn json_lines(printed: &str) -> Vec<Value> {
    let lines = printed.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}
