//! One scan a repository at a time, in whatever process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

use chrono::Utc;

use super::PipelineError;

/// Held while a repository is scanned; the kernel releases it however the process ends.
pub struct RepositoryLock {
    _file: File,
}

impl RepositoryLock {
    /// Takes the lock file `path` and writes into it who holds it: `program` (`kubestats scan`), its process, and since when.
    ///
    /// # Errors
    /// [`PipelineError::Busy`] with these words when another scan holds it, or when the file cannot be made.
    pub fn take(path: &Path, program: &str) -> Result<Self, PipelineError> {
        let failed = |source| PipelineError::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(PipelineError::Busy { holder: holder(path) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let since = Utc::now().format("%Y-%m-%d %H:%M:%S UTC");
        let words = format!("{program}, process {}, since {since}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(words.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Who holds the lock, as far as it has said so: it may have taken it a moment ago.
fn holder(path: &Path) -> String {
    let words = std::fs::read_to_string(path).unwrap_or_default();
    words.lines().next().unwrap_or("another process").to_owned()
}
