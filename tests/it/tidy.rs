//! Invariants of the source tree: what a room may import, where SQL and the environment are read, how long files get.
//!
//! Each failure names file and line.

mod imports;
mod lines;
mod queries;
mod source;
