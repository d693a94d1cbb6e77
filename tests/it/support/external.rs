//! `kubestats engine --listen`: the stand-in for a ClickHouse server.
//!
//! Most tests share one, each with a database of its own, named after the test. Tests that kill it, or look at all of it,
//! start their own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use clickhouse::{Client, Compression};

use super::process::{send_signal, wait_for_end};

pub const USER: &str = "kubestats";
pub const PASSWORD: &str = "planted-password";

/// A running server; it ends with this value, or with this process by the pipe between them.
pub struct TestClickHouse {
    child: Child,
    /// `http://127.0.0.1:PORT`, the same in every life.
    pub url: String,
    data: PathBuf,
    /// Goes with this value; the shared server's folder is left to the next run.
    _folder: Option<tempfile::TempDir>,
}

/// A database on a server, as commands are told of it.
#[derive(Clone, Debug)]
pub struct Database {
    pub url: String,
    pub name: String,
}

impl TestClickHouse {
    #[track_caller]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::start_in(folder.path());
        server._folder = Some(folder);
        server
    }

    /// The server that the tests of this run share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestClickHouse> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_in(&folder_of_this_run("external")))
    }

    fn start_in(data: &Path) -> Self {
        let (child, url) = launch(data, "127.0.0.1:0");
        Self { child, url, data: data.to_owned(), _folder: None }
    }

    /// Ends it as a crash would.
    #[track_caller]
    pub fn kill(&mut self) {
        send_signal(self.child.id(), "KILL");
        wait_for_end(&mut self.child);
    }

    /// Starts it again on the same data and port.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (child, url) = launch(&self.data, self.url.trim_start_matches("http://"));
        assert_eq!(url, self.url);
        self.child = child;
    }

    /// The test's own client of the default database.
    pub fn client(&self) -> Client {
        client(&self.url)
    }

    /// A new database for the test that runs on this thread.
    pub fn database(&self) -> Database {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("test").replace("::", "_");
        Database { url: self.url.clone(), name: format!("{test}_{}", COUNT.fetch_add(1, Ordering::Relaxed)) }
    }
}

impl Drop for TestClickHouse {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.stdin.take());
            wait_for_end(&mut self.child);
        }
    }
}

impl Database {
    /// The test's own client.
    pub fn client(&self) -> Client {
        client(&self.url).with_database(&self.name)
    }

    /// What tells the program of it.
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("KUBESTATS_CLICKHOUSE__URL", &self.url),
            ("KUBESTATS_CLICKHOUSE__DATABASE", &self.name),
            ("KUBESTATS_CLICKHOUSE__USER", USER),
            ("KUBESTATS_CLICKHOUSE__PASSWORD", PASSWORD),
        ]
    }
}

fn client(url: &str) -> Client {
    Client::default().with_url(url).with_user(USER).with_password(PASSWORD).with_compression(Compression::None)
}

#[track_caller]
fn launch(data: &Path, address: &str) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubestats"))
        .args(["engine", "--listen", address, "--user", USER, "--password", PASSWORD, "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("ready ");
    let url = url.expect("the server did not start; its message stands above").to_owned();
    (child, url)
}

/// A folder for this process. Statics are never dropped, so each run takes away what earlier ones left.
pub fn folder_of_this_run(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&parent).unwrap();
    for entry in std::fs::read_dir(&parent).unwrap() {
        let path = entry.unwrap().path();
        if !Path::new("/proc").join(path.file_name().unwrap()).exists() {
            // Another run may be at it too.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    let folder = parent.join(std::process::id().to_string());
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
