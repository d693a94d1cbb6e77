//! Two documents: there are changes exactly when the data differ, and each is true.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::changes_are_what_differs(bytes));
