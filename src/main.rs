//! The program: arguments in, exit status out.

use std::process::ExitCode;

/// A scan makes and drops millions of small nodes on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kubestats::cli::main()
}
