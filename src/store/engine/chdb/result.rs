//! Answers: bytes in the library's memory, and the counters beside them.

use super::Chdb;
use super::functions::{RawResult, Text};
use bytes::Bytes;
use std::ffi::CStr;
use std::slice;
use std::sync::Arc;

/// Counters of a finished statement.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Statistics {
    /// Rows and bytes of the answer.
    pub result_rows: u64,
    pub result_bytes: u64,
    /// Rows and bytes read from tables.
    pub read_rows: u64,
    pub read_bytes: u64,
    /// Rows and bytes stored.
    pub written_rows: u64,
    pub written_bytes: u64,
    /// Seconds.
    pub elapsed: f64,
}

/// An answer or a chunk of one; the bytes stay in the library's memory until this is dropped.
pub(in super::super) struct QueryResult {
    chdb: Arc<Chdb>,
    raw: RawResult,
}

// SAFETY: a result is a buffer of its own, tied neither to a thread nor to its connection; `&self` only reads it.
unsafe impl Send for QueryResult {}

impl QueryResult {
    /// Takes a result from the library, or the error it carries.
    pub(super) fn take(chdb: &Arc<Chdb>, raw: RawResult) -> Result<Self, String> {
        if raw.is_null() {
            return Err("the engine gave no result".to_owned());
        }
        let result = Self { chdb: Arc::clone(chdb), raw };
        match result.error() {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }

    pub(super) fn raw(&self) -> RawResult {
        self.raw
    }

    /// The bytes without a copy.
    pub(in super::super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    pub(in super::super) fn statistics(&self) -> Statistics {
        let functions = &self.chdb.functions;
        // SAFETY: `raw` is a live result; these functions only read it.
        unsafe {
            Statistics {
                result_rows: (functions.result_rows)(self.raw),
                result_bytes: (functions.result_bytes)(self.raw),
                read_rows: (functions.result_storage_rows)(self.raw),
                read_bytes: (functions.result_storage_bytes)(self.raw),
                written_rows: (functions.result_rows_written)(self.raw),
                written_bytes: (functions.result_bytes_written)(self.raw),
                elapsed: (functions.result_elapsed)(self.raw),
            }
        }
    }

    fn error(&self) -> Option<String> {
        // SAFETY: `raw` is a live result; the text belongs to it and is copied.
        unsafe { copy_text((self.chdb.functions.result_error)(self.raw)) }
    }
}

impl AsRef<[u8]> for QueryResult {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `raw` is a live result; the buffer is its own, unchanged until it is destroyed.
        unsafe {
            let buffer = (self.chdb.functions.result_buffer)(self.raw);
            let length = (self.chdb.functions.result_length)(self.raw);
            if buffer.is_null() || length == 0 { &[] } else { slice::from_raw_parts(buffer.cast::<u8>(), length) }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: `raw` came from the library and is destroyed once.
        unsafe { (self.chdb.functions.result_destroy)(self.raw) }
    }
}

/// The text at `text`; `None` when there is none.
///
/// # Safety
/// `text` is null or NUL-terminated.
pub(super) unsafe fn copy_text(text: Text) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    (!text.is_empty()).then(|| text.into_owned())
}
