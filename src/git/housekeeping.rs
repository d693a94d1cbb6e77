//! Keeping a mirror's directory in order. All but [`pack_bytes`] need the mirror's lock.

use std::fs;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;

/// Packs that a mirror may have before small ones are combined. Each fetch adds one.
const MOST_PACKS: usize = 16;

/// Removes what a killed fetch left behind: nobody else writes here while we hold the lock, and git would stop at its
/// own old lock files.
pub(super) fn remove_leftovers(directory: &Path) -> Result<(), GitError> {
    let is_lock = |path: &Path| path.extension().is_some_and(|extension| extension == "lock");
    let is_temporary = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("tmp_") || name.starts_with(".tmp-")
    };
    let mut leftovers: Vec<PathBuf> = files_of(directory, false)?.into_iter().filter(|path| is_lock(path)).collect();
    leftovers.extend(files_of(&directory.join("refs"), true)?.into_iter().filter(|path| is_lock(path)));
    leftovers.extend(files_of(&directory.join("objects/pack"), false)?.into_iter().filter(|path| is_temporary(path)));
    for path in leftovers {
        fs::remove_file(&path).map_err(GitError::io(format!("removing {}", path.display())))?;
    }
    Ok(())
}

fn files_of(directory: &Path, deep: bool) -> Result<Vec<PathBuf>, GitError> {
    let doing = || format!("reading {}", directory.display());
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(GitError::io(doing()))? {
        let path = entry.map_err(GitError::io(doing()))?.path();
        if !path.is_dir() {
            files.push(path);
        } else if deep {
            files.extend(files_of(&path, true)?);
        }
    }
    Ok(files)
}

/// Bytes of all packs, the one being received included.
pub(super) fn pack_bytes(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory.join("objects/pack")) else {
        return 0;
    };
    let length = |entry: std::io::Result<fs::DirEntry>| Some(entry.ok()?.metadata().ok()?.len());
    entries.filter_map(length).sum()
}

/// Combines small packs when there are many: each one makes every look-up slower. No object is dropped, and a git that
/// is reading meanwhile finds its objects in the new pack.
pub(super) fn combine_packs(directory: &Path) -> Result<(), GitError> {
    let is_pack = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "pack");
    let packs = files_of(&directory.join("objects/pack"), false)?;
    if packs.iter().filter(|path| is_pack(path)).count() <= MOST_PACKS {
        return Ok(());
    }
    let mut git = Git::fetching(directory, "repack", "");
    git.arguments(["--geometric=2", "-d", "--quiet"]);
    git.output().map(drop)
}
