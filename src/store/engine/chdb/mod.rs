//! The C interface of `libchdb` 26.7: the only unsafe code of the program.
//!
//! Shapes and rules come from the library's header `chdb.h`. What this folder promises to the rest: results and
//! streams never outlive their library (each holds it), a stream borrows its connection, everything is freed once.

mod functions;
mod result;
mod stream;

use super::EngineError;
use functions::{Analysis, Functions, RawConnection, Text, WithParameters};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CString, c_char, c_int};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use result::{QueryResult, Statistics};
pub(super) use stream::{InsertStream, ResultStream};

/// A statement parameter: its name without `param_`, and its value in ClickHouse's escaped text form.
pub(super) type Parameter = (String, String);

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
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(unusable)?;
        let functions = Functions::resolve(&library).map_err(unusable)?;
        // Its crash handlers would hide the signal from the supervisor, which reports how the process ended.
        // SAFETY: takes a flag, may be called at any time.
        unsafe { (functions.set_signal_handlers)(0) };
        Ok(Arc::new(Self { functions, _library: ManuallyDrop::new(library), arguments, opening: Mutex::new(()) }))
    }

    /// Opens a connection with its own settings, temporary tables and current database (about 0.06 ms). The first
    /// one starts the engine, closing the last one ends it. `None` when the engine refuses; it says why on stderr.
    pub(super) fn connect(self: &Arc<Self>) -> Option<Connection> {
        let _opening = self.opening();
        let mut arguments: Vec<*mut c_char> = self.arguments.iter().map(|text| text.as_ptr().cast_mut()).collect();
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
        Some(Connection { chdb: Arc::clone(self), handle })
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
    pub(super) fn query(&self, sql: &str, format: &str, parameters: &[Parameter]) -> Result<QueryResult, String> {
        let parameters = ParameterArrays::new(parameters);
        QueryResult::take(&self.chdb, parameters.call(self.chdb.functions.query, self.raw(), sql, format))
    }

    /// Starts a SELECT whose answer comes in chunks. Anything else is refused with code 36.
    pub(super) fn stream(&self, sql: &str, format: &str, parameters: &[Parameter]) -> Result<ResultStream<'_>, String> {
        let parameters = ParameterArrays::new(parameters);
        let head = QueryResult::take(&self.chdb, parameters.call(self.chdb.functions.stream, self.raw(), sql, format))?;
        Ok(ResultStream::new(self, head))
    }

    /// Starts an insert whose rows follow; `sql` is without its FORMAT clause, `format` is how the rows are written.
    pub(super) fn insert(&self, sql: &str, format: &str, parameters: &[Parameter]) -> Result<InsertStream<'_>, String> {
        let parameters = ParameterArrays::new(parameters);
        let raw = parameters.call(self.chdb.functions.insert, self.raw(), sql, format);
        InsertStream::take(self, raw)
    }

    /// How many statements `sql` holds, by ClickHouse's own parser; 0 when it does not parse (about 0.1 ms).
    pub(super) fn count_statements(&self, sql: &str) -> u32 {
        let mut analysis =
            Analysis { struct_size: size_of::<Analysis>() as u32, statement_count: 0, flags: 0, query_class: 0 };
        // SAFETY: `sql` is read for its length only; a null database means none; `analysis` says its own size.
        unsafe {
            (self.chdb.functions.classify)(self.raw(), sql.as_ptr().cast(), sql.len(), ptr::null(), 0, &mut analysis)
        };
        analysis.statement_count
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
            names: parameters.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }

    fn call<R>(&self, function: WithParameters<R>, connection: RawConnection, sql: &str, format: &str) -> R {
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

/// Ends the process at once, without the exit handlers that crash while the library's threads still run.
pub(super) fn exit_now(status: c_int) -> ! {
    // SAFETY: ends the process; nothing runs afterwards.
    unsafe { libc::_exit(status) }
}
