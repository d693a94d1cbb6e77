//! A statement with an answer: streamed where the engine can, written whole where it cannot.

use super::cancellation::{self, KillOnDrop};
use super::chdb::{Connection, Statistics};
use super::exception::{Exception, TAG_HEADER, code};
use super::host::Host;
use super::request::Request;
use super::rows::{self, HeaderStripper};
use super::statement;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task;

pub(super) const QUERY_ID_HEADER: HeaderName = HeaderName::from_static("x-clickhouse-query-id");
pub(super) const SUMMARY_HEADER: HeaderName = HeaderName::from_static("x-clickhouse-summary");
const FORMAT_HEADER: HeaderName = HeaderName::from_static("x-clickhouse-format");

// Chunks the engine may be ahead of the client.
const CHUNKS_AHEAD: usize = 4;
// Lets the exception reach the client before the connection is cut.
const LINGER: Duration = Duration::from_millis(100);

/// Known before the first byte of the answer.
struct Head {
    format: String,
    /// Only of an answer written whole.
    statistics: Option<Statistics>,
}

/// Runs the statement and answers as soon as its first bytes are there.
///
/// # Errors
/// What the engine says before the first bytes. Later exceptions end the body in their trailer form.
pub(super) async fn answer(host: Arc<Host>, request: Request) -> Result<Response, Exception> {
    let slot = host.slot().await?;
    let (kill, running) = cancellation::kill_on_drop(&host, &request.query_id);
    let (head, head_received) = oneshot::channel();
    let (body, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let query_id = request.query_id.clone();
    let tag = host.exception_tag.clone();
    task::spawn_blocking(move || {
        // Given up behind the connection, which `Worker` closes.
        let (_slot, _running) = (slot, running);
        Worker { head: Some(head), body }.run(&host, &request);
    });
    let head = head_received.await.unwrap_or_else(|_| {
        Err(Exception::new(code::UNKNOWN_EXCEPTION, "the statement's thread ended without an answer"))
    })?;

    let mut response = Response::new(stream_body(chunks, kill, tag.clone()));
    let headers = response.headers_mut();
    headers.insert(QUERY_ID_HEADER, header_value(&query_id));
    headers.insert(FORMAT_HEADER, header_value(&head.format));
    headers.insert(TAG_HEADER, header_value(&tag));
    if let Some(statistics) = head.statistics {
        headers.insert(SUMMARY_HEADER, header_value(&summary(&statistics)));
    }
    Ok(response)
}

/// A header's value; empty when the text cannot stand in one.
pub(super) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// `X-ClickHouse-Summary`: a JSON object whose numbers are strings.
pub(super) fn summary(statistics: &Statistics) -> String {
    let text = |number: u64| number.to_string();
    serde_json::json!({
        "read_rows": text(statistics.read_rows),
        "read_bytes": text(statistics.read_bytes),
        "written_rows": text(statistics.written_rows),
        "written_bytes": text(statistics.written_bytes),
        "total_rows_to_read": "0",
        "result_rows": text(statistics.result_rows),
        "result_bytes": text(statistics.result_bytes),
        "elapsed_ns": text((statistics.elapsed * 1e9) as u64),
    })
    .to_string()
}

/// The blocking side: runs the statement, sends the head once and then the chunks.
struct Worker {
    head: Option<oneshot::Sender<Result<Head, Exception>>>,
    body: mpsc::Sender<Result<Bytes, Exception>>,
}

/// Why a worker ends before the end of its answer.
enum Stop {
    /// The client went away: there is nobody to tell anything.
    Gone,
    Failed(Exception),
}

impl From<Exception> for Stop {
    fn from(exception: Exception) -> Self {
        Self::Failed(exception)
    }
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Failed(Exception::from_engine(&text))
    }
}

impl Worker {
    fn run(mut self, host: &Host, request: &Request) {
        if let Err(Stop::Failed(exception)) = self.send_answer(host, request) {
            // A client that went away meanwhile drops both receivers: nothing is left to do.
            match self.head.take() {
                Some(head) => drop(head.send(Err(exception))),
                None => drop(self.body.blocking_send(Err(exception))),
            }
        }
    }

    fn send_answer(&mut self, host: &Host, request: &Request) -> Result<(), Stop> {
        let connection = host.open(request)?;
        match statement::format_clause(&request.sql) {
            None if !request.whole_answer
                && rows::can_be_streamed(&request.format)
                && statement::is_select(&request.sql) =>
            {
                self.stream(&connection, request)
            }
            clause => self.materialise(&connection, request, clause.unwrap_or(&request.format)),
        }
    }

    fn materialise(&mut self, connection: &Connection, request: &Request, format: &str) -> Result<(), Stop> {
        if connection.count_statements(&request.sql) > 1 {
            return Err(Exception::new(code::SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)").into());
        }
        let result = connection.query(&request.sql, &request.format, &request.parameters)?;
        self.send_head(format, Some(result.statistics()))?;
        self.send_chunk(result.into_bytes())
    }

    fn stream(&mut self, connection: &Connection, request: &Request) -> Result<(), Stop> {
        let mut stream = connection.stream(&request.sql, &request.format, &request.parameters)?;
        let mut stripper = (request.format == rows::WITH_HEADER).then(HeaderStripper::default);
        while let Some(mut chunk) = stream.next_chunk()? {
            if let Some(stripper) = &mut stripper {
                chunk = stripper.strip(chunk)?;
            }
            self.send_head(&request.format, None)?;
            self.send_chunk(chunk)?;
        }
        // Of an answer without rows.
        self.send_head(&request.format, None)
    }

    fn send_head(&mut self, format: &str, statistics: Option<Statistics>) -> Result<(), Stop> {
        let Some(head) = self.head.take() else {
            return Ok(());
        };
        let format = format.to_owned();
        head.send(Ok(Head { format, statistics })).map_err(|_| Stop::Gone)
    }

    fn send_chunk(&self, chunk: Bytes) -> Result<(), Stop> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.body.blocking_send(Ok(chunk)).map_err(|_| Stop::Gone)
    }
}

/// The chunks as they come. After an exception the connection is cut, as a server does: a client that does not know
/// the trailer must not take the answer for complete.
fn stream_body(chunks: mpsc::Receiver<Result<Bytes, Exception>>, kill: KillOnDrop, tag: String) -> Body {
    let chunks = stream::unfold((chunks, kill, tag, false), |(mut chunks, kill, tag, failed)| async move {
        if failed {
            tokio::time::sleep(LINGER).await;
            let cut = io::Error::other("the statement failed inside its answer");
            return Some((Err(cut), (chunks, kill, tag, failed)));
        }
        let (bytes, failed) = match chunks.recv().await? {
            Ok(chunk) => (chunk, false),
            Err(exception) => (exception.trailer(&tag), true),
        };
        Some((Ok(bytes), (chunks, kill, tag, failed)))
    });
    Body::from_stream(chunks)
}
