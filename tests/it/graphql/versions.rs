//! The answers about a chart's versions, against what plain Rust makes of the same releases.

mod behind;
mod lag;
mod together;
mod values;
mod world;
