//! The program under test.

use std::path::{Path, PathBuf};

/// Another program in the place of the one that was built with the tests: the optimised one, for what takes minutes without.
const VARIABLE: &str = "TEST_PROGRAM";

/// Where it lies.
pub fn path() -> PathBuf {
    match std::env::var_os(VARIABLE) {
        Some(program) => Path::new(env!("CARGO_MANIFEST_DIR")).join(program),
        None => PathBuf::from(env!("CARGO_BIN_EXE_kubestats")),
    }
}

/// Whether it was built to be fast.
pub fn is_optimised() -> bool {
    !cfg!(debug_assertions) || std::env::var_os(VARIABLE).is_some()
}
