//! Git: mirrors, histories and blobs.
//!
//! A [`Remote`] (a local repository, a bundle or a URL) is mirrored into a bare repository ([`Mirror::sync`]); the
//! mirror's first-parent [`History`] says which YAML files each commit changed, and its [`BlobReader`] reads their
//! contents. Nothing is ever checked out.
//!
//! All work is done by the `git` program (2.36 or newer): it is faster than the libraries, and its error cases are the
//! ones people know. `command` hardens every call: no configuration but ours, no hooks, no prompts, no other protocols.
//! Everything here is synchronous; callers on an async runtime use a blocking thread.

mod blobs;
mod classify;
mod command;
mod connection;
mod credentials;
mod error;
mod fetch;
mod history;
mod housekeeping;
mod id;
mod mirror;
mod record;
mod remote;
mod running;
mod sync;
mod url;

pub use blobs::{Blob, BlobReader};
pub use classify::classify;
pub use credentials::Credentials;
pub use error::GitError;
pub use fetch::{FetchOptions, FetchProgress};
pub use history::History;
pub use id::{BlobId, CommitId, InvalidId};
pub use mirror::{Head, Mirror};
pub use record::{Commit, FileChange};
pub use remote::Remote;
pub use url::normalise_url;
