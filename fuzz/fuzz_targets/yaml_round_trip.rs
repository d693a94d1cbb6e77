//! What was read, written as YAML and as JSON, is read back as the same data.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::written_data_are_read_back(bytes));
