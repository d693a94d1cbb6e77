//! All integration tests, in one program.

mod git;
mod manifest;
mod support;
