//! The use cases that write: discovery, sync and scans of repositories, what is computed and cleared on the clock, and their removal.
//!
//! [`Pipeline::run`] runs a job of any kind; [`Pipeline::scan`] scans a source that somebody names. What decides without I/O stands apart:
//! when things are due (`rhythm.rs`) and how good a repository is (`quality.rs`).

mod aggregate;
mod asking;
mod delete;
mod discover;
mod disk;
mod error;
mod fetch;
mod identity;
mod lock;
mod mirrors;
mod progress;
mod quality;
mod retain;
mod rhythm;
mod scan;
mod settings;
mod storing;
mod sync;
mod task;
mod work;

pub use disk::Disk;
pub use error::PipelineError;
pub use progress::{Progress, Silent, TaskProgress};
pub use scan::{Pipeline, Summary};
pub use settings::{DiscoverySettings, HostCredentials, RetentionSettings, SyncSettings, Visits};
pub use task::{Listener, StopSignal, Task};
pub use work::Ended;
