//! All integration tests, in one program.

mod engine;
mod git;
mod manifest;
mod support;
