//! kubestats turns Git repositories with Kubernetes manifests into data one can ask questions of.
//!
//! Data flows one way. The two halves meet only in [`store`]:
//!
//! ```text
//! git ─▶ manifest ─▶ scan ─▶ pipeline ─▶ store ─▶ graphql ─▶ http
//! mirror  YAML       lifecycle  use cases  ClickHouse  types     /graphql, /playground
//! history resources  events     that write
//! ```
//!
//! | room | what it is for | may import |
//! |---|---|---|
//! | [`model`] | the words as plain data, and ids | nothing |
//! | [`forge`] | where repositories are found, and what is known of them there | model |
//! | [`git`] | mirrors, histories, blobs | model |
//! | [`manifest`] | YAML and the resources in it, redaction of secrets | model |
//! | [`scan`] | file changes to lifecycle events | model, git, manifest |
//! | [`store`] | ClickHouse: engine, schema, writer, reader, questions | model |
//! | [`pipeline`] | the use cases that write | model, forge, git, manifest, scan, store |
//! | [`jobs`] | the queue of what is to be done, and the clock | model, store, pipeline |
//! | [`graphql`] | the API's types and resolvers | model, manifest, store, jobs |
//! | [`http`] | the server around it | model, graphql, store, jobs |
//! | [`telemetry`] | what is logged | nothing |
//! | [`config`], [`app`], [`cli`] | put together | all |
//!
//! `docs/architecture.md` traces one scan and one request from end to end.

pub mod app;
pub mod cli;
pub mod config;
pub mod forge;
pub mod git;
pub mod graphql;
pub mod http;
pub mod jobs;
pub mod manifest;
pub mod model;
pub mod pipeline;
pub mod scan;
pub mod store;
pub mod telemetry;
