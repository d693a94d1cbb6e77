//! The data directory: made where it is missing, and refused where we could not work in it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why there is no working in a data directory, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("data directory {}: {} is a file; choose another with --data", .directory.display(), .file.display())]
    File { directory: PathBuf, file: PathBuf },
    #[error(
        "data directory {}: its parent folder {} does not exist; create it, or choose another with --data",
        .directory.display(), .parent.display()
    )]
    NoParent { directory: PathBuf, parent: PathBuf },
    #[error(
        "data directory {} cannot be made: {error}; make {} writable for this user, or choose another with --data",
        .directory.display(), .parent.display()
    )]
    CannotMake { directory: PathBuf, parent: PathBuf, error: io::Error },
    #[error(
        "data directory {} cannot be written: {error}; make it writable for this user, or choose another with --data",
        .directory.display()
    )]
    CannotWrite { directory: PathBuf, error: io::Error },
}

/// Makes the directory and answers its canonical path. Folders above it are made only when it is the default one: a path
/// that somebody typed is rather wrong than meant to grow.
pub(super) fn open(directory: &Path, chosen: bool) -> Result<PathBuf, DataDirError> {
    let owned = || directory.to_owned();
    if let Some(file) = directory.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
        return Err(DataDirError::File { directory: owned(), file: file.to_owned() });
    }
    let parent = directory.parent().unwrap_or(directory);
    if chosen && !directory.exists() && parent.symlink_metadata().is_err_and(|error| is_missing(&error)) {
        return Err(DataDirError::NoParent { directory: owned(), parent: parent.to_owned() });
    }
    std::fs::create_dir_all(directory).map_err(|error| {
        let parent = directory.ancestors().skip(1).find(|path| path.is_dir()).unwrap_or(parent).to_owned();
        DataDirError::CannotMake { directory: owned(), parent, error }
    })?;
    let cannot_write = |error| DataDirError::CannotWrite { directory: owned(), error };
    access(directory, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| cannot_write(error.into()))?;
    directory.canonicalize().map_err(cannot_write)
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
