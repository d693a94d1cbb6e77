//! A credential planted in any text, at any place of a resource, is in nothing that is stored.
#![no_main]

#[path = "../../tests/it/manifest/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::planted_credentials_are_redacted(text));
