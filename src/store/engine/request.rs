//! What a client asks, read from the wire: ClickHouse's HTTP parameters, and the multipart form the `clickhouse`
//! crate sends statement parameters in.

use super::chdb::Parameter;
use super::exception::{Exception, code};
use super::statement::InsertStatement;
use axum::body::{Body, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart};
use bytes::BytesMut;
use futures_util::StreamExt;
use http::{Method, header};
use url::form_urlencoded;
use uuid::Uuid;

/// Bytes of a statement with its parameters. Rows of an insert are not counted: they are streamed.
const LARGEST_STATEMENT: usize = 16 << 20;
/// Bytes of a too large statement that are still read before it is refused.
const LONGEST_READ: usize = 4 * LARGEST_STATEMENT;

/// Everything about a request but the rows of an insert.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub sql: String,
    /// The answer's format when the statement names none; the rows' format of an insert.
    pub format: String,
    pub settings: Vec<(String, String)>,
    pub parameters: Vec<Parameter>,
    pub database: Option<String>,
    pub query_id: String,
    /// The answer waits for its end, so that the summary before it is complete.
    pub whole_answer: bool,
    /// The rows come in ClickHouse's compressed blocks.
    compressed_rows: bool,
}

/// What to do with it.
#[derive(Debug)]
pub(super) enum Task {
    /// Run the statement, send its answer.
    Query(Request),
    /// Store the rows that follow in the body.
    Insert(Request, Body),
}

/// Reads a request to the point where its statement is known.
///
/// # Errors
/// An exception with the code a server would give.
pub(super) async fn read(request: axum::extract::Request) -> Result<Task, Exception> {
    let (mut parsed, url_statement) = parse_url(request.uri().query().unwrap_or_default());
    if request.method() == Method::GET {
        // A link must not change anything; a server does the same.
        parsed.settings.push(("readonly".to_owned(), "2".to_owned()));
    }
    if is_multipart(&request) {
        read_form(&mut parsed, request).await?;
        return Ok(Task::Query(parsed));
    }
    let Some(statement) = url_statement else {
        parsed.sql = text(read_body(request.into_body()).await?)?;
        return Ok(Task::Query(parsed));
    };
    if let Some(insert) = InsertStatement::parse(&statement) {
        if parsed.compressed_rows {
            return Err(Exception::new(
                code::SUPPORT_IS_DISABLED,
                "the embedded engine takes no compressed inserts; use Compression::None",
            ));
        }
        parsed.sql = insert.sql;
        parsed.format = insert.format;
        return Ok(Task::Insert(parsed, request.into_body()));
    }
    // The body continues the statement, as on a server.
    let rest = text(read_body(request.into_body()).await?)?;
    parsed.sql = if rest.is_empty() { statement } else { format!("{statement}\n{rest}") };
    Ok(Task::Query(parsed))
}

fn parse_url(query: &str) -> (Request, Option<String>) {
    let mut request = Request { format: "TabSeparated".to_owned(), ..Request::default() };
    let mut statement = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "query" => statement = Some(value),
            "database" => request.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => request.format = value,
            "query_id" => request.query_id = value,
            "wait_end_of_query" => request.whole_answer = value == "1",
            "decompress" => request.compressed_rows = value == "1",
            // Of the interface, not of the statement: there are no sessions, roles or compressed answers here,
            // and credentials are read elsewhere.
            // `log_comment` carries the query id.
            "log_comment"
            | "session_id"
            | "session_timeout"
            | "session_check"
            | "role"
            | "user"
            | "password"
            | "quota_key"
            | "compress"
            | "enable_http_compression"
            | "http_zlib_compression_level"
            | "buffer_size"
            | "client_protocol_version" => {}
            other => match other.strip_prefix("param_") {
                Some(parameter) => request.parameters.push((parameter.to_owned(), value)),
                None => request.settings.push((other.to_owned(), value)),
            },
        }
    }
    if request.query_id.is_empty() {
        request.query_id = Uuid::new_v4().to_string();
    }
    (request, statement)
}

fn is_multipart(request: &axum::extract::Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"multipart/form-data"))
}

async fn read_form(parsed: &mut Request, request: axum::extract::Request) -> Result<(), Exception> {
    let unreadable = |error: MultipartError| unreadable(&error.body_text());
    let (parts, body) = request.into_parts();
    let request = axum::extract::Request::from_parts(parts, Body::from(read_body(body).await?));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| self::unreadable(&error.body_text()))?;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = text(field.bytes().await.map_err(unreadable)?)?;
        if name == "query" {
            parsed.sql = value;
        } else if let Some(parameter) = name.strip_prefix("param_") {
            parsed.parameters.push((parameter.to_owned(), value));
        }
    }
    Ok(())
}

/// The whole body. One that is too large is read on and dropped for a while: a client that is still sending when the
/// connection is closed learns of a broken pipe, not of the reason.
async fn read_body(body: Body) -> Result<Bytes, Exception> {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error.to_string()))?;
        length += chunk.len();
        if length > LONGEST_READ {
            break;
        }
        if length <= LARGEST_STATEMENT {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > LARGEST_STATEMENT {
        let limit =
            format!("a statement with its parameters may have {LARGEST_STATEMENT} bytes; send rows as INSERT … FORMAT");
        return Err(Exception::new(code::QUERY_IS_TOO_LARGE, limit));
    }
    Ok(bytes.freeze())
}

fn unreadable(reason: &str) -> Exception {
    Exception::new(code::BAD_ARGUMENTS, format!("unreadable request: {reason}"))
}

fn text(bytes: Bytes) -> Result<String, Exception> {
    String::from_utf8(bytes.into())
        .map_err(|_| Exception::new(code::BAD_ARGUMENTS, "statements and parameters must be UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_sorted_into_its_parts() {
        let (request, statement) = parse_url(
            "query=select+1&database=d&default_format=CSV&query_id=q&max_threads=1&param_a=it%27s&session_id=s",
        );
        assert_eq!(statement.as_deref(), Some("select 1"));
        assert_eq!(request.database.as_deref(), Some("d"));
        assert_eq!((request.format.as_str(), request.query_id.as_str()), ("CSV", "q"));
        assert_eq!(request.settings, [("max_threads".to_owned(), "1".to_owned())]);
        assert_eq!(request.parameters, [("a".to_owned(), "it's".to_owned())]);
    }
}
