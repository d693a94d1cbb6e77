//! One process a data directory: an exclusively locked file that names its holder.
//!
//! The kernel drops the lock with the process, however that ends, so no stale lock can be left behind.

use super::EngineError;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const FILE_NAME: &str = "engine.lock";
// A killed server's engine notices the end of its stdin within milliseconds and then closes its tables; the next
// server should wait for that instead of failing.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// The process that holds a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The engine's own process id, when it could be read.
    pub pid: Option<u32>,
    /// What started it, as it gave in [`super::EngineOptions::holder`].
    pub description: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(formatter, "{}, engine process {pid}", self.description),
            None => formatter.write_str(&self.description),
        }
    }
}

/// Who holds `directory` now; `None` when it is free, absent or unreadable.
pub fn holder(directory: &Path) -> Option<Holder> {
    let file = File::open(path(directory)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_holder(directory)),
        _ => None,
    }
}

/// The lock, kept for the life of the process.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock of `directory` (which exists) and writes `description` into it.
    ///
    /// # Errors
    /// [`EngineError::Held`] when another process still holds it after about 3 s.
    pub(super) fn take(directory: &Path, description: &str) -> Result<Self, EngineError> {
        let path = path(directory);
        let context = || format!("lock {}", path.display());
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(EngineError::io(context()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(EngineError::Held { directory: directory.to_owned(), holder: read_holder(directory) });
                }
                Err(TryLockError::Error(source)) => return Err(EngineError::io(context())(source)),
            }
        }
        write_holder(&mut file, description).map_err(EngineError::io(context()))?;
        Ok(Self { _file: file })
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE_NAME)
}

fn write_holder(file: &mut File, description: &str) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}\n{description}", std::process::id())
}

// The file may be half written at this moment: what is missing is left out.
fn read_holder(directory: &Path) -> Holder {
    let text = fs::read_to_string(path(directory)).unwrap_or_default();
    let mut lines = text.lines();
    Holder {
        pid: lines.next().and_then(|line| line.parse().ok()),
        description: lines.next().unwrap_or("another process").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_lock_names_directory_and_holder() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(holder(directory.path()), None);
        let lock = DirectoryLock::take(directory.path(), "kubestats serve (pid 7)").unwrap();
        let error = DirectoryLock::take(directory.path(), "second").unwrap_err().to_string();
        assert!(error.contains(&directory.path().display().to_string()), "{error}");
        assert!(error.contains("kubestats serve (pid 7)"), "{error}");
        assert_eq!(holder(directory.path()).unwrap().pid, Some(std::process::id()));
        drop(lock);
        assert_eq!(holder(directory.path()), None);
    }
}
