//! From file changes to lifecycle events: the rules of identity, pairing and order.
//!
//! [`Scanner`] walks a mirror's history, reads each changed manifest and keeps the resources that are alive; every commit
//! turns into the events by which they changed. It knows nothing of the database: rows go to a sink, in walk order.

mod actor;
mod budget;
mod change_class;
pub mod changes;
mod chunks;
mod lifecycle;
mod parse;
mod resolve;
mod scanner;
mod state;
mod written;

pub use actor::is_bot;
pub use budget::{Budget, Reservation, Share};
pub use change_class::change_class;
pub use resolve::Resolved;
pub use scanner::{Batch, Outcome, Resume, ScanError, Scanner, Stop};

/// Version of the rules by which events are extracted. A checkpoint records it; a higher one rebuilds the repository's
/// events in a new generation, so raise it whenever the same history would give other rows.
pub const EXTRACTOR_VERSION: u32 = 4;
