//! ClickHouse exceptions: their text, code, HTTP status and the form they take inside a running stream.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use std::fmt;

pub(super) const CODE_HEADER: HeaderName = HeaderName::from_static("x-clickhouse-exception-code");
pub(super) const TAG_HEADER: HeaderName = HeaderName::from_static("x-clickhouse-exception-tag");

/// Codes this interface raises itself; the names are ClickHouse's.
pub(super) mod code {
    pub(in super::super) const BAD_ARGUMENTS: Code = Code(36, "BAD_ARGUMENTS");
    pub(in super::super) const SYNTAX_ERROR: Code = Code(62, "SYNTAX_ERROR");
    pub(in super::super) const UNKNOWN_SETTING: Code = Code(115, "UNKNOWN_SETTING");
    pub(in super::super) const NETWORK_ERROR: Code = Code(210, "NETWORK_ERROR");
    pub(in super::super) const QUERY_IS_TOO_LARGE: Code = Code(266, "QUERY_IS_TOO_LARGE");
    pub(in super::super) const SUPPORT_IS_DISABLED: Code = Code(344, "SUPPORT_IS_DISABLED");
    pub(in super::super) const ACCESS_DENIED: Code = Code(497, "ACCESS_DENIED");
    pub(in super::super) const AUTHENTICATION_FAILED: Code = Code(516, "AUTHENTICATION_FAILED");
    pub(in super::super) const UNKNOWN_EXCEPTION: Code = Code(1002, "UNKNOWN_EXCEPTION");

    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Code(pub u32, pub &'static str);
}

/// One exception in ClickHouse's words: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    text: String,
}

impl Exception {
    pub(super) fn new(code: code::Code, message: impl fmt::Display) -> Self {
        Self { text: format!("Code: {}. DB::Exception: {message}. ({})", code.0, code.1) }
    }

    /// The library's own text.
    pub(super) fn from_engine(text: &str) -> Self {
        Self { text: text.trim_end().to_owned() }
    }

    /// The number behind `Code:`; 1002 (unknown exception) when there is none.
    pub(super) fn code(&self) -> u32 {
        self.text
            .split_once("Code: ")
            .and_then(|(_, rest)| rest.split(|character: char| !character.is_ascii_digit()).next())
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(code::UNKNOWN_EXCEPTION.0)
    }

    /// The status a server answers with; the table is ClickHouse's `exceptionCodeToHTTPStatus`.
    fn status(&self) -> StatusCode {
        match self.code() {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
            6 | 15 | 16 | 25 | 26 | 27 | 36 | 38 | 41 | 44 | 53 | 56 | 62 | 69 | 72 | 117 | 167 | 168 | 223 | 376
            | 427 | 441 => StatusCode::BAD_REQUEST,
            46 | 47 | 50 | 60 | 63 | 73 | 78 | 81 | 115 | 336 | 511 => StatusCode::NOT_FOUND,
            159 => StatusCode::REQUEST_TIMEOUT,
            266 => StatusCode::PAYLOAD_TOO_LARGE,
            48 => StatusCode::NOT_IMPLEMENTED,
            76 | 209 | 439 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The last bytes of a body whose head said 200 already. Clients find the exception by `tag`, which the head
    /// announced and data cannot guess.
    pub(super) fn trailer(&self, tag: &str) -> Bytes {
        let message = format!("{}\n", self.text);
        let length = message.len();
        Bytes::from(format!("\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n"))
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl IntoResponse for Exception {
    fn into_response(self) -> Response {
        let headers = [(CODE_HEADER, HeaderValue::from(self.code()))];
        (self.status(), headers, format!("{self}\n")).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_status_are_read_from_the_text() {
        for (text, code, status) in [
            ("Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)", 60, 404),
            ("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)", 62, 400),
            ("Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)", 497, 403),
            ("Code: 159. DB::Exception: Timeout. (TIMEOUT_EXCEEDED)", 159, 408),
            ("the library said something else", 1002, 500),
        ] {
            let exception = Exception::from_engine(text);
            assert_eq!(exception.code(), code, "{text}");
            assert_eq!(exception.status().as_u16(), status, "{text}");
        }
    }

    #[test]
    fn the_trailer_counts_the_message_with_its_line_break() {
        let trailer = Exception::from_engine("Code: 1. x").trailer("0123456789abcdef");
        assert_eq!(
            trailer,
            "\r\n__exception__\r\n0123456789abcdef\r\nCode: 1. x\n11 0123456789abcdef\r\n__exception__\r\n"
        );
    }
}
