//! Any file: the facts of its resources are bounded, and the same for the same data.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::facts_keep_their_bounds(bytes));
