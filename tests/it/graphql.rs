//! The GraphQL API, in this process, over an engine and five repositories that all tests of the suite share.
//!
//! Answers are held against what plain Rust makes of the full list of events, never against the same SQL.

pub mod answers;
mod batches;
mod clients;
mod connections;
mod contents;
mod costs;
mod departures;
mod documents;
mod ecosystem;
mod entities;
pub mod examples;
mod filters;
mod forges;
mod http;
mod jobs;
mod limits;
mod lives;
mod mistakes;
mod mutations;
mod nodes;
mod order;
mod questions;
mod recorded;
mod resources;
pub mod schema;
mod searches;
mod seeds;
mod sockets;
mod support;
mod trends;
mod versions;
mod webhooks;
