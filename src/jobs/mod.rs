//! Jobs: what is to be done, by whom and when.
//!
//! [`Queue`] gives jobs to workers, one a repository and kind at a time, and keeps each state in the database: what a killed process
//! was doing is picked up by the next one. [`Clock`] asks for jobs when their schedule says so. [`Service`] is what the API sees of both.
//!
//! | file | what stands in it |
//! |---|---|
//! | `board.rs`, `entry.rs` | the rules, without I/O: what is the same job, what comes next, what an end means |
//! | `runner.rs`, `cancel.rs` | gives jobs to workers and ends them |
//! | `journal.rs`, `books.rs`, `updates.rs` | stores every change, and tells who listens |
//! | `orphans.rs`, `lock.rs`, `pulse.rs` | which processes are alive, and what becomes of the jobs of the others |
//! | `clock.rs`, `ticker.rs` | schedules, and the scheduler that ticks |
//!
//! **Several processes.** A job belongs to the process that its row names as the worker, from the request to the end. Each process that
//! runs jobs holds `run/worker-ID.lock` in its data directory. A job whose process is dead is taken over at the start of a server, within
//! a minute by a running one, and at once by whoever asks for the same. Several machines may fill one external ClickHouse: there, each
//! process also tells the database every few seconds that it lives, and one that did not for two minutes is dead, wherever it ran. What a
//! process leaves when it is shut down belongs to nobody, and to the first that starts.

mod backoff;
mod board;
mod books;
mod cancel;
mod clock;
mod entry;
mod journal;
mod lock;
mod log;
mod orphans;
mod pulse;
mod queue;
mod runner;
mod service;
mod ticker;
mod time;
mod updates;
mod work;

pub use backoff::backoff_ms;
pub use books::{Books, Database, Written};
pub use clock::{Clock, Schedule, ScheduleRule};
pub use log::MOST_LINES;
pub use queue::{Enqueued, JobsError, Queue, QueueOptions, Worker};
pub use service::{Service, refusal};
pub use ticker::Ticker;
pub use time::{SystemTime, Time};
pub use updates::{Backlog, Newest};
pub use work::{Work, WorkError};
