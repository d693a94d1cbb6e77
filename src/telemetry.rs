//! Logging to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `filter` is in the syntax of [`EnvFilter`].
///
/// # Errors
/// A filter that cannot be read.
pub fn start(filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start, in a test, keeps the first.
    let _ = subscriber.try_init();
    Ok(())
}
