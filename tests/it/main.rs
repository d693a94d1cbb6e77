//! All integration tests, in one program.

mod engine;
mod git;
mod graphql;
mod manifest;
mod support;
mod tidy;
