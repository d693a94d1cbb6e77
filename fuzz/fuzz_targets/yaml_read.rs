//! Any bytes: never a panic, always within the budgets, and the quick reader reads what libyaml reads.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::reading_keeps_its_budgets(bytes));
