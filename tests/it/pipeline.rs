//! The use cases that write, on a real engine and real repositories, with a forge that does what the test says.

mod deletion;
mod discovery;
mod forge;
mod identity;
mod retention;
mod stopping;
mod syncing;
mod upgrade;
mod world;
