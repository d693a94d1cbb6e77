//! The words of kubestats as plain data: ids, commits, resources, events. No I/O, no other room.
//!
//! Times are seconds since 1970-01-01T00:00:00Z unless a field says otherwise; a path is bytes, as Git keeps it.

mod event;
mod id;
mod repository;

pub use event::{Change, EventType, Resource, ResourceEvent, ScanFailure, Step};
pub use id::{EventId, RepositoryId, ResourceId, RunId};
pub use repository::{Checkpoint, Repository, ScanStatus, Totals};
