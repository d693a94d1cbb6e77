//! YAML as data: reading with every rule of the project, comparing, and writing without loss.
//!
//! ```text
//! bytes ── read ──> Vec<Node> ── to_json / from_json ──> storage
//!                      │    └─── to_display_json ──────> API
//!                      └──────── to_yaml ──────────────> people
//! ```
//! Scalars keep their type and source text, so `1.10` and `1.1` differ and `"1"` is not `1`.

mod compose;
mod core_schema;
mod emitter;
mod events;
mod interner;
mod json;
mod json_read;
mod node;
mod ordinary;
mod pointer;
mod write;

pub use compose::{MAX_BYTES, MAX_DEPTH, MAX_NODES, Versions, read, read_by_libyaml};
pub use json_read::JsonError;
pub(crate) use node::Lookup;
pub use node::{Mapping, Node, Scalar, ScalarType, Sequence, Size};
pub use pointer::push_token;

/// Why a whole file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Unparsable {
    /// 1-based; 0 when unknown.
    pub line: u32,
    /// 1-based, in characters; 0 when unknown.
    pub column: u32,
    /// What is wrong, without any of the file's content.
    pub message: String,
}

impl Unparsable {
    /// A file over [`MAX_BYTES`]; whoever reads files need not hold it to know.
    pub fn too_large() -> Self {
        Position::default().unparsable("the file is larger than 4 MiB")
    }
}

/// A place in a text; all zero when unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    line: u32,
    column: u32,
}

impl Position {
    fn unparsable(self, message: impl Into<String>) -> Unparsable {
        Unparsable { line: self.line, column: self.column, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
