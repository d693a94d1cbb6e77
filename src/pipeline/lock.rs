//! One scan a repository at a time, in whatever process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

use super::PipelineError;

/// Held while a repository is scanned; the kernel releases it however the process ends.
pub struct RepositoryLock {
    _file: File,
}

impl RepositoryLock {
    /// Takes the lock file `path`.
    ///
    /// # Errors
    /// [`PipelineError::Busy`] when another scan holds it, or when the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, PipelineError> {
        let failed = |source| PipelineError::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(path).unwrap_or_default();
                return Err(PipelineError::Busy { holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "process {}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
