//! The library's functions, as its header declares them.

use libloading::os::unix::Library;
use std::ffi::{c_char, c_double, c_int, c_void};

pub(super) type RawConnection = *mut c_void;
pub(super) type RawInsert = *mut c_void;
pub(super) type RawResult = *mut c_void;
pub(super) type Text = *const c_char;
/// Statement and length, format and length, then the parameters: names, their lengths, values, their lengths, count.
pub(super) type WithParameters<R> = unsafe extern "C" fn(
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
pub(super) struct Analysis {
    pub struct_size: u32,
    pub statement_count: u32,
    pub flags: u32,
    pub query_class: u32,
}

/// Declares the table of functions and its loader in one list, so that no entry can be forgotten in either.
macro_rules! functions {
    ($($name:ident = $symbol:literal: $type:ty;)*) => {
        pub(super) struct Functions { $(pub $name: $type,)* }

        impl Functions {
            pub(super) fn resolve(library: &Library) -> Result<Self, libloading::Error> {
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
