//! The embedded ClickHouse: `libchdb`, loaded by a child process, spoken to like any ClickHouse server.
//!
//! ```text
//!   kubestats serve                                  kubestats engine
//!   Supervisor ── starts, restarts, ends ──────────▶ run()
//!   clickhouse::Client ── HTTP on a Unix socket ───▶ http ▶ query | insert ▶ chdb ▶ libchdb
//! ```
//!
//! A process of its own buys isolation from the library's crashes, memory and exit-time faults for about 0.05 ms
//! a query. Everything else in the program sees one `clickhouse::Client`; a real server differs in its URL only.
//!
//! | file | what |
//! |---|---|
//! | [`library`] | where the library lies |
//! | `chdb` | the C interface: the only unsafe code |
//! | `configuration`, `confinement` | what a statement may do: grants, and what grants cannot close |
//! | `host` | one loaded library, one fresh connection a request |
//! | `http`, `request`, `query`, `insert`, `statement`, `rows`, `cancellation`, `exception` | ClickHouse's HTTP interface |
//! | `authentication` | user and password of the test mode |
//! | [`lock`] | one process a directory |
//! | `endpoint`, [`connector`] | the two ends of the socket |
//! | `process` | the child's life: start, serve, stop |
//! | [`supervisor`] | the parent's side |

mod authentication;
mod cancellation;
mod chdb;
mod configuration;
mod confinement;
pub mod connector;
mod endpoint;
mod exception;
mod host;
mod http;
mod insert;
pub mod library;
pub mod lock;
mod process;
mod query;
mod request;
mod rows;
mod statement;
pub mod supervisor;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use connector::client;
pub use library::find_library;
pub use lock::{Holder, holder};
pub use process::run;
pub use supervisor::{EngineCommand, Supervisor};

/// What [`run`] needs to know to serve one data directory.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// ClickHouse's own data; absolute, created when absent.
    pub directory: PathBuf,
    /// The Unix socket to serve; its folder is created with mode 0700.
    pub socket: PathBuf,
    /// The library, as [`find_library`] answers it.
    pub library: PathBuf,
    /// Serve on this TCP address, of loopback, instead of the socket: stands in for a real server in tests.
    pub listen: Option<SocketAddr>,
    /// User and password every request must carry; `None` asks for nothing.
    pub credentials: Option<(String, String)>,
    /// Soft limit of the library's memory in bytes. The peak can be twice as high: leave room.
    pub memory_limit_bytes: u64,
    /// Requests that run at once; the others wait.
    pub max_concurrent_queries: usize,
    /// Who started the engine, for the message a second process gets: `kubestats serve (pid 1234)`.
    pub holder: String,
}

/// What can go wrong around the engine. A query's own errors travel as ClickHouse exceptions instead.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No library where it is looked for.
    #[error("the embedded engine's library is missing (looked for {}); install it with `make setup`, or set clickhouse.url to use a ClickHouse server", list(.searched))]
    LibraryMissing {
        /// Every path that was tried, in order.
        searched: Vec<PathBuf>,
    },
    /// The library is there and cannot be used.
    #[error("cannot load {}: {reason}; reinstall it with `make setup`", .path.display())]
    LibraryUnusable {
        /// The library.
        path: PathBuf,
        /// The dynamic linker's words.
        reason: String,
    },
    /// Another process has the data open.
    #[error("{} is in use by {holder}; stop that process or choose another directory with --data", .directory.display())]
    Held {
        /// The data directory.
        directory: PathBuf,
        /// Who has it.
        holder: Holder,
    },
    /// The directory is not absolute (a relative one breaks durable inserts inside the library).
    #[error("the engine's directory must be absolute: {}", .0.display())]
    RelativeDirectory(PathBuf),
    /// A path that cannot stand in the library's arguments or configuration.
    #[error("the engine cannot use this path, it is no plain UTF-8: {}", .0.display())]
    UnusablePath(PathBuf),
    /// The test mode was asked to listen where others could reach it.
    #[error(
        "{0} is no loopback address: --listen serves tests on this machine; a server is what ClickHouse itself is for"
    )]
    NotLoopback(SocketAddr),
    /// The library refused to open the directory; its reason is on stderr.
    #[error("the engine could not open {}; its own message stands above", .0.display())]
    Refused(PathBuf),
    /// A statement the engine itself needs failed.
    #[error("the engine does not answer: {0}")]
    NoAnswer(String),
    /// The child ended before it answered.
    #[error("the engine did not start: {reason}")]
    NotStarted {
        /// The child's last words, or its exit status.
        reason: String,
    },
    /// The child did not answer in time.
    #[error("the engine did not answer within {:.1} s", .0.as_secs_f64())]
    NotReady(Duration),
    /// The supervisor was shut down.
    #[error("the engine was shut down")]
    Stopped,
    /// A file, socket or process operation failed.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted, with the path.
        action: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl EngineError {
    /// For `map_err`: names what was attempted.
    fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if paths.is_empty() { "nowhere: no cache folder is known".to_owned() } else { paths.join(", ") }
}
