//! What can go wrong between us and ClickHouse.

use std::time::Duration;

use super::engine::EngineError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The connection failed or broke; the request may or may not have run.
    #[error("ClickHouse cannot be reached: {0}")]
    Unavailable(String),
    /// ClickHouse took longer than the request was given.
    #[error("ClickHouse did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// ClickHouse has no room for what it was to write.
    #[error("the disk of the database is full; free some space and try again, what was stored is unharmed")]
    DiskFull,
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

impl StoreError {
    pub(super) fn from_client(error: clickhouse::error::Error, limit: Duration) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::BadResponse(text) => match code_of(&text) {
                Some(TIMEOUT_EXCEEDED) => Self::Timeout(limit),
                Some(NOT_ENOUGH_SPACE) => Self::DiskFull,
                Some(_) if text.contains(NO_SPACE_LEFT) => Self::DiskFull,
                Some(code) => Self::Refused { code, message: text.trim().to_owned() },
                None => Self::Unavailable(text.trim().to_owned()),
            },
            Error::TimedOut => Self::Timeout(limit),
            Error::Network(inner) => Self::Unavailable(innermost(inner.as_ref())),
            other => Self::Shape(other.to_string()),
        }
    }

    /// The same error for another of the callers that waited for one answer.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Engine(error) => Self::Unavailable(error.to_string()),
            Self::Unavailable(text) => Self::Unavailable(text.clone()),
            Self::Timeout(limit) => Self::Timeout(*limit),
            Self::DiskFull => Self::DiskFull,
            Self::Refused { code, message } => Self::Refused { code: *code, message: message.clone() },
            other => Self::Shape(other.to_string()),
        }
    }

    /// Whether the same request may be sent again when it is one that can be repeated.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The code of `Code: 62. DB::Exception: …`.
fn code_of(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Code: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The error at the bottom of a chain: the one that says what happened.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
