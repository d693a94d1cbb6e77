//! All integration tests, in one program.

mod circle;
mod cli;
mod engine;
mod external;
mod forge;
mod git;
mod golden;
mod graphql;
mod hostile;
mod jobs;
mod journey;
mod manifest;
mod migrate;
mod pipeline;
mod resolution;
mod scan;
mod support;
mod tidy;
