//! The whole circle: a forge and a git server on one side, a real `kubestats serve` between, and whoever asks and listens on the other.
//!
//! The forge is the emulator of GitHub, the git server is Git's own over HTTP, the server is the program with its engine.

mod answers;
mod faults;
mod feeding;
mod many;
mod private;
mod pushes;
mod refusals;
mod world;
