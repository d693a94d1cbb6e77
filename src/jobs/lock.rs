//! Who is alive: each process that runs jobs holds a lock file in the data directory, which the kernel releases however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

const PREFIX: &str = "worker-";
const SUFFIX: &str = ".lock";
/// Held while jobs go from one process to another, or are asked for where others may ask for the same.
const TAKEOVER: &str = "takeover.lock";

/// Held by a process for as long as it runs jobs.
pub(super) struct WorkerLock {
    _file: File,
    path: PathBuf,
}

/// What the lock files tell of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Alive,
    Dead,
    /// It never ran here, or its file is gone.
    Unknown,
}

impl WorkerLock {
    /// Whoever asks for a job of this process is told that `program` has it.
    pub fn take(directory: &Path, process: Uuid, program: &str) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let path = file(directory, process);
        // Locked before it has the name by which others find it: nobody sees it free.
        let draft = path.with_extension("new");
        let mut file = open(&draft)?;
        file.try_lock()?;
        // On a full disk nobody is told who it is; what needs room says so itself.
        match writeln!(file, "{program}, process {}", std::process::id()) {
            Err(error) if error.kind() != io::ErrorKind::StorageFull => return Err(error),
            _ => (),
        }
        std::fs::rename(&draft, &path)?;
        Ok(Self { _file: file, path })
    }

    /// Leaves nothing that others would have to look at: no job is this process's any more.
    pub fn release(self) {
        // A file that stays is one of a dead process, which is what it then is.
        let _ = std::fs::remove_file(&self.path);
    }
}

pub(super) fn liveness(directory: &Path, process: Uuid) -> Liveness {
    let Ok(file) = File::open(file(directory, process)) else { return Liveness::Unknown };
    // Shared, so that several can look at the same time.
    match file.try_lock_shared() {
        Ok(()) => Liveness::Dead,
        Err(TryLockError::WouldBlock) => Liveness::Alive,
        Err(TryLockError::Error(_)) => Liveness::Unknown,
    }
}

/// The program that has the jobs of a process, and its number on this machine; `None`: it does not run here, or could not say so.
pub(super) fn program(directory: &Path, process: Uuid) -> Option<String> {
    let words = std::fs::read_to_string(file(directory, process)).ok()?;
    words.lines().next().map(str::to_owned)
}

/// All processes but `own` that have a lock file, with whether they hold it.
pub(super) fn others(directory: &Path, own: Uuid) -> Vec<(Uuid, Liveness)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let process = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse::<Uuid>().ok();
    let found = entries.filter_map(|entry| process(entry.ok()?.file_name().to_str()?));
    found.filter(|found| *found != own).map(|found| (found, liveness(directory, found))).collect()
}

/// Removes the file of a dead process of whom no job is left.
pub(super) fn bury(directory: &Path, process: Uuid) {
    // Somebody else may have done so.
    let _ = std::fs::remove_file(file(directory, process));
}

/// Waits for the right to take jobs over; it ends with the file.
pub(super) fn takeover(directory: &Path) -> io::Result<File> {
    let file = open(&directory.join(TAKEOVER))?;
    file.lock()?;
    Ok(file)
}

fn file(directory: &Path, process: Uuid) -> PathBuf {
    directory.join(format!("{PREFIX}{process}{SUFFIX}"))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_while_it_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        assert_eq!(liveness(folder.path(), one), Liveness::Unknown);
        let lock = WorkerLock::take(folder.path(), one, "kubestats serve").unwrap();
        let second = WorkerLock::take(folder.path(), other, "kubestats scan").unwrap();
        let expected = format!("kubestats scan, process {}", std::process::id());
        assert_eq!(program(folder.path(), other), Some(expected));
        assert_eq!(liveness(folder.path(), one), Liveness::Alive);
        assert_eq!(others(folder.path(), one), [(other, Liveness::Alive)]);
        drop(second);
        assert_eq!(others(folder.path(), one), [(other, Liveness::Dead)]);
        bury(folder.path(), other);
        lock.release();
        assert_eq!(others(folder.path(), Uuid::nil()), []);
    }
}
