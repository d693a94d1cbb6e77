//! What a client sees of a failure: a code and a message that helps, never an inner error.

use async_graphql::{Error, ErrorExtensionValues, ErrorExtensions, Response};

use super::limits::{Limit, exceeded, past};
use crate::store::{ReadLimit, StoreError};

/// A code of `extensions.code`.
#[derive(Clone, Copy, Debug)]
pub enum Code {
    BadUserInput,
    /// Not for this caller.
    Forbidden,
    /// Not in this process.
    Unavailable,
    /// Its client sends the document once more.
    PersistedQueryNotFound,
    Timeout,
    ResourceExhausted,
    Internal,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Forbidden => "FORBIDDEN",
            Self::Unavailable => "UNAVAILABLE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Timeout => "TIMEOUT",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// An error with a code.
pub fn error(code: Code, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

/// The client's own mistake.
pub fn bad_input(message: impl Into<String>) -> Error {
    error(Code::BadUserInput, message)
}

/// Gives a code to the errors that have none: those of parsing, validation and coercion, all of them the client's own.
pub fn with_codes(mut response: Response) -> Response {
    for failure in &mut response.errors {
        let extensions = failure.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", Code::BadUserInput.as_str());
        }
    }
    response
}

/// A failure of the store: logged here, once; the client learns whether to try again, or to ask for less.
pub fn from_store(failure: StoreError) -> Error {
    tracing::error!(error = %failure, "a question failed");
    match failure {
        StoreError::Timeout(limit) => {
            let message =
                format!("the query took longer than {} s; narrow it with a filter or a time range", limit.as_secs());
            let seconds = limit.as_secs();
            error(Code::Timeout, message).extend_with(|_, extensions| past(Limit::Seconds, None, seconds, extensions))
        }
        StoreError::TooMuchRead(what, maximum) => {
            let (limit, things) = match what {
                ReadLimit::Rows => (Limit::RowsRead, "rows"),
                ReadLimit::Bytes => (Limit::BytesRead, "bytes"),
            };
            let message =
                format!("the query reads more than {maximum} {things}; narrow it with a filter or a time range");
            exceeded(limit, None, maximum, message)
        }
        StoreError::Unreachable(_) | StoreError::Unavailable(_) | StoreError::Foreign | StoreError::Engine(_) => {
            error(Code::Internal, "the database cannot be reached at the moment; try again")
        }
        _ => error(Code::Internal, "the query failed inside the server; its log says why"),
    }
}
