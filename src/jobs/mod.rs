//! Jobs: what is to be done, by whom and when.
//!
//! [`Queue`] gives jobs to workers, one a repository and kind at a time, and keeps each state in the database: what a killed process
//! was doing is picked up by the next one. [`Clock`] asks for jobs when their schedule says so. [`Service`] is what the API sees of both.

mod clock;
mod queue;
mod service;

pub use clock::{Clock, Schedule};
pub use queue::{Enqueued, JobsError, Queue, Worker};
pub use service::Service;
