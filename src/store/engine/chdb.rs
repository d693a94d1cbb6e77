//! The C interface of `libchdb` 26.7: the only unsafe code of the program.
//!
//! Shapes and rules come from the library's header `chdb.h`. What this file promises to the rest: results and
//! streams never outlive their library (each holds it), a stream borrows its connection, everything is freed once.

use super::EngineError;
use bytes::Bytes;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A statement parameter: its name without `param_`, and its value in ClickHouse's escaped text form.
pub(super) type Parameter = (String, String);

type RawConnection = *mut c_void;
type RawInsert = *mut c_void;
type RawResult = *mut c_void;
type Text = *const c_char;
/// Statement and length, format and length, then the parameters: names, their lengths, values, their lengths, count.
type WithParameters<R> = unsafe extern "C" fn(
    RawConnection,
    Text,
    usize,
    Text,
    usize,
    *const Text,
    *const usize,
    *const Text,
    *const usize,
    usize,
) -> R;
type ResultNumber = unsafe extern "C" fn(RawResult) -> u64;

/// `chdb_query_analysis_v1`.
#[repr(C)]
struct Analysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

/// Declares the table of functions and its loader in one list, so that no entry can be forgotten in either.
macro_rules! functions {
    ($($name:ident = $symbol:literal: $type:ty;)*) => {
        struct Functions { $($name: $type,)* }

        impl Functions {
            fn resolve(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: each type is the function's declaration in chdb.h of the locked version, and the
                // pointers live as long as the library, which is never unloaded.
                unsafe { Ok(Self { $($name: *library.get::<$type>($symbol)?,)* }) }
            }
        }
    };
}

functions! {
    connect = b"chdb_connect\0": unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection;
    close = b"chdb_close_conn\0": unsafe extern "C" fn(*mut RawConnection);
    query = b"chdb_query_with_params_n\0": WithParameters<RawResult>;
    stream = b"chdb_stream_query_with_params_n\0": WithParameters<RawResult>;
    stream_fetch = b"chdb_stream_fetch_result\0": unsafe extern "C" fn(RawConnection, RawResult) -> RawResult;
    stream_cancel = b"chdb_stream_cancel_query\0": unsafe extern "C" fn(RawConnection, RawResult);
    insert = b"chdb_stream_insert_with_params_n\0": WithParameters<RawInsert>;
    insert_append = b"chdb_stream_append\0": unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int;
    insert_done = b"chdb_stream_done\0": unsafe extern "C" fn(RawInsert) -> RawResult;
    insert_cancel = b"chdb_stream_cancel_insert\0": unsafe extern "C" fn(RawInsert);
    insert_error = b"chdb_stream_insert_error\0": unsafe extern "C" fn(RawInsert) -> Text;
    insert_destroy = b"chdb_destroy_insert_stream\0": unsafe extern "C" fn(RawInsert);
    result_buffer = b"chdb_result_buffer\0": unsafe extern "C" fn(RawResult) -> *mut c_char;
    result_length = b"chdb_result_length\0": unsafe extern "C" fn(RawResult) -> usize;
    result_error = b"chdb_result_error\0": unsafe extern "C" fn(RawResult) -> Text;
    result_elapsed = b"chdb_result_elapsed\0": unsafe extern "C" fn(RawResult) -> c_double;
    result_rows = b"chdb_result_rows_read\0": ResultNumber;
    result_bytes = b"chdb_result_bytes_read\0": ResultNumber;
    result_storage_rows = b"chdb_result_storage_rows_read\0": ResultNumber;
    result_storage_bytes = b"chdb_result_storage_bytes_read\0": ResultNumber;
    result_rows_written = b"chdb_result_rows_written\0": ResultNumber;
    result_bytes_written = b"chdb_result_bytes_written\0": ResultNumber;
    result_destroy = b"chdb_destroy_query_result\0": unsafe extern "C" fn(RawResult);
    classify = b"chdb_classify_query_n\0":
        unsafe extern "C" fn(RawConnection, Text, usize, Text, usize, *mut Analysis) -> c_int;
    set_signal_handlers = b"chdb_set_signal_handlers_enabled\0": unsafe extern "C" fn(c_int);
}

/// The loaded library and the arguments every connection is opened with.
pub(super) struct Chdb {
    functions: Functions,
    // Never unloaded: its threads and exit handlers would run into unmapped memory.
    _library: ManuallyDrop<Library>,
    arguments: Vec<CString>,
    // Opening and closing touch state of the whole process (the engine itself, signal dispositions).
    opening: Mutex<()>,
}

impl Chdb {
    /// Loads the library at `path`. Nothing runs yet: the first connection starts the engine with `arguments`.
    ///
    /// # Errors
    /// [`EngineError::LibraryUnusable`] when the file is no such library or lacks a function.
    pub(super) fn load(path: &Path, arguments: Vec<CString>) -> Result<Arc<Self>, EngineError> {
        let unusable = |error: libloading::Error| EngineError::LibraryUnusable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        // SAFETY: the file is the installed library, whose hash the installer checked; its initialisers are
        // meant to run in any program.
        let library =
            unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(unusable)?;
        let functions = Functions::resolve(&library).map_err(unusable)?;
        // Its crash handlers would hide the signal from the supervisor, which reports how the process ended.
        // SAFETY: takes a flag, may be called at any time.
        unsafe { (functions.set_signal_handlers)(0) };
        Ok(Arc::new(Self {
            functions,
            _library: ManuallyDrop::new(library),
            arguments,
            opening: Mutex::new(()),
        }))
    }

    /// Opens a connection with its own settings, temporary tables and current database (about 0.06 ms). The first
    /// one starts the engine, closing the last one ends it. `None` when the engine refuses; it says why on stderr.
    pub(super) fn connect(self: &Arc<Self>) -> Option<Connection> {
        let _opening = self.opening();
        let mut arguments: Vec<*mut c_char> = self
            .arguments
            .iter()
            .map(|text| text.as_ptr().cast_mut())
            .collect();
        let count = c_int::try_from(arguments.len()).ok()?;
        // SAFETY: `arguments` are `count` NUL-terminated strings that outlive the call, which copies them and
        // writes to none; the answer is null or a pointer to a connection that `close` takes back.
        let handle = unsafe { (self.functions.connect)(count, arguments.as_mut_ptr()) };
        if handle.is_null() {
            return None;
        }
        // SAFETY: a non-null answer points to a connection.
        if unsafe { *handle }.is_null() {
            return None;
        }
        Some(Connection {
            chdb: Arc::clone(self),
            handle,
        })
    }

    fn opening(&self) -> MutexGuard<'_, ()> {
        // The lock guards no data of ours, a panic leaves nothing half done.
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection: a session of one user, for one thread at a time.
pub(super) struct Connection {
    chdb: Arc<Chdb>,
    handle: *mut RawConnection,
}

// SAFETY: a connection is bound to no thread; `!Sync` keeps it with one at a time.
unsafe impl Send for Connection {}

impl Drop for Connection {
    fn drop(&mut self) {
        let _opening = self.chdb.opening();
        // SAFETY: `handle` came from `connect` and is closed once; streams borrow the connection, so none is left.
        unsafe { (self.chdb.functions.close)(self.handle) }
    }
}

impl Connection {
    fn raw(&self) -> RawConnection {
        // SAFETY: checked in `connect`, valid until `close`.
        unsafe { *self.handle }
    }

    /// Runs one or several statements to their end; the whole answer stays in memory.
    pub(super) fn query(
        &self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<QueryResult, String> {
        let parameters = ParameterArrays::new(parameters);
        self.result(parameters.call(self.chdb.functions.query, self.raw(), sql, format))
    }

    /// Starts a SELECT whose answer comes in chunks. Anything else is refused with code 36.
    pub(super) fn stream(
        &self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<ResultStream<'_>, String> {
        let parameters = ParameterArrays::new(parameters);
        let head =
            self.result(parameters.call(self.chdb.functions.stream, self.raw(), sql, format))?;
        Ok(ResultStream {
            connection: self,
            head,
            finished: false,
        })
    }

    /// Starts an insert whose rows follow; `sql` is without its FORMAT clause, `format` is how the rows are written.
    pub(super) fn insert(
        &self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<InsertStream<'_>, String> {
        let parameters = ParameterArrays::new(parameters);
        let raw = parameters.call(self.chdb.functions.insert, self.raw(), sql, format);
        if raw.is_null() {
            return Err("the engine opened no insert stream".to_owned());
        }
        let stream = InsertStream {
            connection: self,
            raw,
            finished: false,
        };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }

    /// How many statements `sql` holds, by ClickHouse's own parser; 0 when it does not parse (about 0.1 ms).
    pub(super) fn count_statements(&self, sql: &str) -> u32 {
        let mut analysis = Analysis {
            struct_size: size_of::<Analysis>() as u32,
            statement_count: 0,
            flags: 0,
            query_class: 0,
        };
        // SAFETY: `sql` is read for its length only; a null database means none; `analysis` says its own size.
        unsafe {
            (self.chdb.functions.classify)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                ptr::null(),
                0,
                &mut analysis,
            )
        };
        analysis.statement_count
    }

    fn result(&self, raw: RawResult) -> Result<QueryResult, String> {
        if raw.is_null() {
            return Err("the engine gave no result".to_owned());
        }
        let result = QueryResult {
            chdb: Arc::clone(&self.chdb),
            raw,
        };
        match result.error() {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }
}

/// Counters of a finished statement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Statistics {
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
pub(super) struct QueryResult {
    chdb: Arc<Chdb>,
    raw: RawResult,
}

// SAFETY: a result is a buffer of its own, tied neither to a thread nor to its connection; `&self` only reads it.
unsafe impl Send for QueryResult {}

impl QueryResult {
    /// The bytes without a copy.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    pub(super) fn statistics(&self) -> Statistics {
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
            if buffer.is_null() || length == 0 {
                &[]
            } else {
                slice::from_raw_parts(buffer.cast::<u8>(), length)
            }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: `raw` came from the library and is destroyed once.
        unsafe { (self.chdb.functions.result_destroy)(self.raw) }
    }
}

/// A running SELECT. Dropping it cancels what still runs, which waits for the chunk in work.
pub(super) struct ResultStream<'connection> {
    connection: &'connection Connection,
    head: QueryResult,
    finished: bool,
}

impl ResultStream<'_> {
    /// The next chunk, never empty; `None` at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Bytes>, String> {
        // SAFETY: connection and head are live and belong together.
        let raw = unsafe {
            (self.connection.chdb.functions.stream_fetch)(self.connection.raw(), self.head.raw)
        };
        let chunk = self.connection.result(raw).map(QueryResult::into_bytes);
        self.finished = !matches!(&chunk, Ok(bytes) if !bytes.is_empty());
        chunk.map(|bytes| (!self.finished).then_some(bytes))
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // SAFETY: connection and head are live and belong together; the stream has not ended.
            unsafe {
                (self.connection.chdb.functions.stream_cancel)(self.connection.raw(), self.head.raw)
            }
        }
    }
}

/// A running INSERT. Dropping it without [`InsertStream::finish`] stores nothing.
pub(super) struct InsertStream<'connection> {
    connection: &'connection Connection,
    raw: RawInsert,
    finished: bool,
}

impl InsertStream<'_> {
    /// Hands over the next bytes; `false` when the insert has failed, with the reason in [`InsertStream::finish`].
    pub(super) fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the stream is live; `data` is copied.
        let status = unsafe {
            (self.connection.chdb.functions.insert_append)(
                self.raw,
                data.as_ptr().cast(),
                data.len(),
            )
        };
        status == 0
    }

    /// Stores the rows and says how many.
    pub(super) fn finish(mut self) -> Result<Statistics, String> {
        self.finished = true;
        // SAFETY: the stream is live and neither finished nor cancelled.
        let raw = unsafe { (self.connection.chdb.functions.insert_done)(self.raw) };
        let result = self.connection.result(raw)?;
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

/// Parameters as the four arrays the library takes; borrows them for the call.
struct ParameterArrays<'parameters> {
    parameters: &'parameters [Parameter],
    names: Vec<Text>,
    name_lengths: Vec<usize>,
    values: Vec<Text>,
    value_lengths: Vec<usize>,
}

impl<'parameters> ParameterArrays<'parameters> {
    fn new(parameters: &'parameters [Parameter]) -> Self {
        Self {
            parameters,
            names: parameters
                .iter()
                .map(|(name, _)| name.as_ptr().cast())
                .collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }

    fn call<R>(
        &self,
        function: WithParameters<R>,
        connection: RawConnection,
        sql: &str,
        format: &str,
    ) -> R {
        // SAFETY: `connection` is open; every text is read for the length beside it, and all outlive the call.
        unsafe {
            function(
                connection,
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                self.names.as_ptr(),
                self.name_lengths.as_ptr(),
                self.values.as_ptr(),
                self.value_lengths.as_ptr(),
                self.parameters.len(),
            )
        }
    }
}

/// The text at `text`; `None` when there is none.
///
/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn copy_text(text: Text) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    (!text.is_empty()).then(|| text.into_owned())
}

/// Ends the process at once, without the exit handlers that crash while the library's threads still run.
pub(super) fn exit_now(status: c_int) -> ! {
    // SAFETY: ends the process; nothing runs afterwards.
    unsafe { libc::_exit(status) }
}
