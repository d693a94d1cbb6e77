//! The git room: mirrors, histories, blobs and sources, on repositories built by `fixtures/repos/`.

mod blobs;
mod history;
mod network;
mod refusals;
mod sources;
mod sync;

use std::path::Path;

use kubestats::git::{Commit, FetchOptions, GitError, Mirror, Remote};

use crate::support::repos::{TempRepo, fixture};

/// Syncs without credentials, with the usual limits.
fn sync(directory: &Path, remote: &Remote) -> Result<Mirror, GitError> {
    Mirror::sync(directory, remote, None, &FetchOptions::default(), &mut |_| ())
}

/// A fixture and its mirror.
fn mirrored(name: &str) -> (TempRepo, Mirror) {
    let repository = fixture(name);
    let mirror = sync(&repository.beside("mirror"), &Remote::Path(repository.path())).unwrap();
    (repository, mirror)
}

/// The whole history of a mirror.
fn whole_history(mirror: &Mirror) -> Vec<Commit> {
    mirror.history(None).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Commits as text: the subject, then each path, with a minus where the file is gone.
fn outline(commits: &[Commit]) -> Vec<String> {
    let describe = |commit: &Commit| {
        let changes = commit.changes.iter().map(|change| {
            let sign = if change.blob.is_some() { "+" } else { "-" };
            format!(" {sign}{}", String::from_utf8_lossy(&change.path))
        });
        format!("{}:{}", commit.subject, changes.collect::<String>())
    };
    commits.iter().map(describe).collect()
}
