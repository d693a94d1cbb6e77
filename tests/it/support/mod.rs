//! What several suites share.

pub mod chance;
pub mod data;
pub mod disk;
pub mod engine;
pub mod events;
pub mod external;
pub mod faults;
pub mod git_http;
pub mod github;
pub mod hosting;
pub mod http;
pub mod process;
pub mod program;
pub mod proxy;
pub mod repos;
pub mod server;
pub mod socket;
pub mod tls;
pub mod watched_git;
