//! Jobs: what is the same one, which comes first, how they end, and what becomes of them when their process ends.
//!
//! The queue is run here with scripted work and a clock that is set by hand, on a real engine, one database a test; `month` has both in
//! memory, and `program` runs the real work through the program.

mod cancelling;
mod clock;
mod commands;
mod endings;
mod memory;
mod month;
mod order;
mod processes;
mod program;
mod rules;
mod stalled;
mod support;
