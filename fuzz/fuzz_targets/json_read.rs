//! Any text as the stored form: never a panic, and what is accepted is written and read again without a difference.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::stored_json_is_stable(text));
