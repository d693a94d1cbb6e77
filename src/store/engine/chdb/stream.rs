//! Statements that go on: a SELECT whose answer comes in chunks, an INSERT whose rows do.

use super::Connection;
use super::functions::RawInsert;
use super::result::{QueryResult, Statistics, copy_text};
use bytes::Bytes;

/// A running SELECT. Dropping it cancels what still runs, which waits for the chunk in work.
pub(in super::super) struct ResultStream<'connection> {
    connection: &'connection Connection,
    head: QueryResult,
    finished: bool,
}

impl<'connection> ResultStream<'connection> {
    pub(super) fn new(connection: &'connection Connection, head: QueryResult) -> Self {
        Self { connection, head, finished: false }
    }

    /// The next chunk, never empty; `None` at the end.
    pub(in super::super) fn next_chunk(&mut self) -> Result<Option<Bytes>, String> {
        // SAFETY: connection and head are live and belong together.
        let raw = unsafe { (self.connection.chdb.functions.stream_fetch)(self.connection.raw(), self.head.raw()) };
        let chunk = QueryResult::take(&self.connection.chdb, raw).map(QueryResult::into_bytes);
        self.finished = !matches!(&chunk, Ok(bytes) if !bytes.is_empty());
        chunk.map(|bytes| (!self.finished).then_some(bytes))
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // SAFETY: connection and head are live and belong together; the stream has not ended.
            unsafe { (self.connection.chdb.functions.stream_cancel)(self.connection.raw(), self.head.raw()) }
        }
    }
}

/// A running INSERT. Dropping it without [`InsertStream::finish`] stores nothing.
pub(in super::super) struct InsertStream<'connection> {
    connection: &'connection Connection,
    raw: RawInsert,
    finished: bool,
}

impl<'connection> InsertStream<'connection> {
    /// Takes a stream from the library, or the error it carries.
    pub(super) fn take(connection: &'connection Connection, raw: RawInsert) -> Result<Self, String> {
        if raw.is_null() {
            return Err("the engine opened no insert stream".to_owned());
        }
        let stream = Self { connection, raw, finished: false };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }

    /// Hands over the next bytes; `false` when the insert has failed, with the reason in [`InsertStream::finish`].
    pub(in super::super) fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the stream is live; `data` is copied.
        let status =
            unsafe { (self.connection.chdb.functions.insert_append)(self.raw, data.as_ptr().cast(), data.len()) };
        status == 0
    }

    /// Stores the rows and says how many.
    pub(in super::super) fn finish(mut self) -> Result<Statistics, String> {
        self.finished = true;
        // SAFETY: the stream is live and neither finished nor cancelled.
        let raw = unsafe { (self.connection.chdb.functions.insert_done)(self.raw) };
        let result = QueryResult::take(&self.connection.chdb, raw)?;
        match self.error() {
            Some(error) => Err(error),
            None => Ok(result.statistics()),
        }
    }

    fn error(&self) -> Option<String> {
        // SAFETY: the stream is live; the text belongs to it and is copied.
        unsafe { copy_text((self.connection.chdb.functions.insert_error)(self.raw)) }
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let functions = &self.connection.chdb.functions;
        // SAFETY: the stream is live, cancelled only when not finished, destroyed once.
        unsafe {
            if !self.finished {
                (functions.insert_cancel)(self.raw);
            }
            (functions.insert_destroy)(self.raw);
        }
    }
}
