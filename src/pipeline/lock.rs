//! One scan a repository at a time, in whatever process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::PipelineError;

/// Held while a repository is scanned or fetched, and while what it had is removed; the kernel releases it however the process ends.
pub struct RepositoryLock {
    path: PathBuf,
    _file: File,
}

impl RepositoryLock {
    /// Takes the lock file `path` and writes into it who holds it: `program` (`kubestats scan`), its process, and since when.
    ///
    /// # Errors
    /// [`PipelineError::Busy`] with these words when another scan holds it, or when the file cannot be made.
    pub fn take(path: &Path, program: &str) -> Result<Self, PipelineError> {
        let failed = |source| PipelineError::File { path: path.to_owned(), source };
        let mut file = loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => break file,
                // Its holder removed it before we had it: the lock of a file that nobody finds is none.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(PipelineError::Busy { holder: holder(path) }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        let since = Utc::now().format("%Y-%m-%d %H:%M:%S UTC");
        let words = format!("{program}, process {}, since {since}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(words.as_bytes())).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _file: file })
    }

    /// Releases the lock and leaves no file behind.
    pub fn remove(self) -> Result<(), PipelineError> {
        std::fs::remove_file(&self.path).map_err(|source| PipelineError::File { path: self.path, source })
    }
}

/// Whether an open file is the one that a path names.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Who holds the lock, as far as it has said so: it may have taken it a moment ago.
fn holder(path: &Path) -> String {
    let words = std::fs::read_to_string(path).unwrap_or_default();
    words.lines().next().unwrap_or("another process").to_owned()
}
