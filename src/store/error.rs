//! What can go wrong between us and ClickHouse.

use std::path::PathBuf;
use std::time::Duration;

use super::engine::EngineError;
use super::reader::ReadLimit;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No connection came about; the request did not run.
    #[error("ClickHouse cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke; the request may or may not have run.
    #[error("the connection to ClickHouse broke: {0}")]
    Unavailable(String),
    /// A key of the configuration's section `clickhouse` has a value that cannot be.
    #[error("clickhouse.{key}: {reason}")]
    Setting { key: &'static str, reason: String },
    /// An external server refused user and password.
    #[error("{url} refuses the user {user}: the password is wrong, or there is no such user")]
    AccessDenied { url: String, user: String },
    /// An external server is older than this program's SQL.
    #[error("the ClickHouse server has version {found}, the oldest supported version is {oldest}")]
    TooOld { found: String, oldest: &'static str },
    /// Something else answers where a ClickHouse should.
    #[error("{0}")]
    NoClickHouse(String),
    /// The database is absent, or the user may not know of it, and it cannot be created.
    #[error("the database {database} does not exist for this user and cannot be created: {reason}")]
    NoDatabase { database: String, reason: String },
    /// The answer of an HTTP server that is no ClickHouse, or of a proxy before one.
    #[error("a server that is no ClickHouse answered")]
    Foreign,
    /// The secrets in the database were digested with another key: the same secret would seem to change.
    #[error(
        "this database holds secrets digested with another redaction key (its fingerprint is {stored}, this one's is {own}); copy the key of the first installation to {}", .file.display()
    )]
    OtherKey { stored: String, own: String, file: PathBuf },
    /// ClickHouse took longer than the request was given.
    #[error("ClickHouse did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// One question would have read more than it may.
    #[error("a question reads more than {1} {0}")]
    TooMuchRead(ReadLimit, u64),
    /// ClickHouse has no room for what it was to write.
    #[error("the disk of the database is full; free some space and try again, what was stored is unharmed")]
    DiskFull,
    /// The rows that a run sent are not the rows that lie there.
    #[error(
        "the database holds {found} rows of this scan in {table}, and was sent {sent}; nothing of the scan is visible"
    )]
    Incomplete { table: String, sent: u64, found: u64 },
    /// Two machines that share a database scanned one repository at once, and the other was first.
    #[error("another machine scanned the repository meanwhile; nothing of this scan is visible")]
    Overtaken,
    /// Other processes could not be told that this one writes.
    #[error("{}: {source}", .path.display())]
    Lock { path: PathBuf, source: std::io::Error },
    /// ClickHouse refused a request; `code` is its own.
    #[error("ClickHouse refused the request (code {code}): {message}")]
    Refused { code: u32, message: String },
    /// An answer did not have the shape that its question asked for.
    #[error("an answer of ClickHouse does not fit its question: {0}")]
    Shape(String),
    #[error(
        "migration {name} was changed after it was applied (its checksum is {found}, {applied} was applied); restore the file or begin with an empty data directory"
    )]
    MigrationChanged { name: String, applied: String, found: String },
    #[error(
        "the database was written by a newer kubestats (it has migration {found}, this program knows up to {known}); use that version or a newer one"
    )]
    NewerDatabase { found: u32, known: u32 },
}

/// ClickHouse's code for a query that ran into its time limit.
const TIMEOUT_EXCEEDED: u32 = 159;
/// ClickHouse's code when it cannot reserve space on its disk.
const NOT_ENOUGH_SPACE: u32 = 243;
/// The system's words when space ends later, while a file is written; ClickHouse gives them several codes.
const NO_SPACE_LEFT: &str = "No space left on device";
/// ClickHouse's code for a connection of its own that broke.
const NETWORK_ERROR: u32 = 210;

impl StoreError {
    pub(super) fn from_client(error: clickhouse::error::Error, limit: Duration) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::BadResponse(text) => match code_of(&text) {
                Some(TIMEOUT_EXCEEDED) => Self::Timeout(limit),
                Some(NOT_ENOUGH_SPACE) => Self::DiskFull,
                Some(_) if text.contains(NO_SPACE_LEFT) => Self::DiskFull,
                // An embedded engine that is being stopped says so.
                Some(NETWORK_ERROR) => Self::Unavailable(text.trim().to_owned()),
                Some(code) => Self::Refused { code, message: text.trim().to_owned() },
                None => Self::Foreign,
            },
            Error::TimedOut => Self::Timeout(limit),
            Error::Network(inner) if is_connect(inner.as_ref()) => Self::Unreachable(innermost(inner.as_ref())),
            Error::Network(inner) => Self::Unavailable(innermost(inner.as_ref())),
            other => Self::Shape(other.to_string()),
        }
    }

    /// The same error for another of the callers that waited for one answer.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Engine(error) => Self::Unavailable(error.to_string()),
            Self::Unreachable(text) => Self::Unreachable(text.clone()),
            Self::Unavailable(text) => Self::Unavailable(text.clone()),
            Self::Foreign => Self::Foreign,
            Self::Timeout(limit) => Self::Timeout(*limit),
            Self::TooMuchRead(what, maximum) => Self::TooMuchRead(*what, *maximum),
            Self::DiskFull => Self::DiskFull,
            Self::Refused { code, message } => Self::Refused { code: *code, message: message.clone() },
            other => Self::Shape(other.to_string()),
        }
    }

    /// Whether the same request may be sent again when it is one that can be repeated.
    pub fn is_transient(&self) -> bool {
        // A proxy answers for a server that restarts.
        matches!(self, Self::Unreachable(_) | Self::Unavailable(_) | Self::Foreign)
    }
}

/// The code of `Code: 62. DB::Exception: …`.
fn code_of(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Code: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Whether the request was never sent.
fn is_connect(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
}

/// The error at the bottom of a chain: the one that says what happened.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
