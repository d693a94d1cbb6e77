//! What cannot be mirrored: one clear line each, with the source's name.

use std::path::Path;
use std::time::Duration;

use kubestats::git::{FetchOptions, GitError, Mirror, Remote};

use super::{mirrored, sync};
use crate::support::repos::fixture;

/// Syncs what cannot be synced; the message must be one line that names the source and says `words`.
#[track_caller]
fn refused(directory: &Path, remote: &Remote, words: &str) -> GitError {
    let error = sync(directory, remote).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(words), "{message}");
    assert!(message.contains(&remote.url_without_credentials()), "{message}");
    assert!(!message.contains('\n'), "{message}");
    error
}

#[test]
fn an_empty_repository() {
    let repository = fixture("empty");
    let error = refused(&repository.beside("mirror"), &Remote::Path(repository.path()), "is empty");
    assert!(matches!(error, GitError::Empty { .. }));
}

#[test]
fn a_shallow_repository() {
    let repository = fixture("shallow");
    let error = refused(&repository.beside("mirror"), &Remote::Path(repository.path()), "is shallow");
    assert!(matches!(error, GitError::Shallow { .. }));
}

#[test]
fn a_shallow_mirror() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    std::fs::write(mirror.directory().join("shallow"), format!("{}\n", mirror.head().commit)).unwrap();
    let error = Mirror::open(mirror.directory()).unwrap_err();
    assert!(matches!(error, GitError::Shallow { .. }), "{error}");
}

#[test]
fn a_bundle_that_is_cut_short_or_corrupt_or_incomplete() {
    let repository = fixture("create-modify-delete");
    let whole = std::fs::read(repository.bundle()).unwrap();
    let path = repository.path().join("damaged.bundle");
    let remote = Remote::Bundle(path.clone());
    let mut flipped = whole.clone();
    let middle = whole.len() - 40;
    flipped[middle] ^= 0xff;
    for damaged in [&whole[..whole.len() - 30], &flipped, &whole[..30], b"no bundle at all"] {
        std::fs::write(&path, damaged).unwrap();
        let error = refused(&repository.beside("mirror"), &remote, "bundle");
        assert!(matches!(error, GitError::Bundle { .. }), "{error}");
    }
    repository.git(&["bundle", "create", "--quiet", path.to_str().unwrap(), "HEAD~1..main", "HEAD"]);
    refused(&repository.beside("mirror"), &remote, "prerequisite");
    // And after all that, the whole one.
    std::fs::write(&path, whole).unwrap();
    sync(&repository.beside("mirror"), &remote).unwrap();
}

#[test]
fn a_path_that_is_gone_or_is_no_repository() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    refused(&folder.path().join("mirror"), &Remote::Path(gone), "No such file");
    let plain = folder.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    refused(&folder.path().join("mirror"), &Remote::Path(plain), "not appear to be a git repository");
}

#[test]
fn a_head_without_a_branch() {
    let repository = fixture("create-modify-delete");
    repository.git(&["branch", "--move", "main", "other"]);
    repository.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    let error = refused(&repository.beside("mirror"), &Remote::Path(repository.path()), "HEAD names no branch");
    assert!(matches!(error, GitError::NoDefaultBranch { .. }));
}

#[test]
fn a_repository_beyond_the_limits() {
    let repository = fixture("create-modify-delete");
    let remote = Remote::Path(repository.path());
    let no_time = FetchOptions { time: Duration::ZERO, ..FetchOptions::default() };
    let error = Mirror::sync(&repository.beside("mirror"), &remote, None, &no_time, &mut |_| ()).unwrap_err();
    assert!(matches!(error, GitError::TimedOut { .. }), "{error}");
    // Large and incompressible, so that the fetch takes long enough to be looked at.
    let mut noise = Vec::new();
    let mut state = 1_u64;
    while noise.len() < 8 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.extend_from_slice(&state.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    std::fs::write(repository.path().join("noise"), noise).unwrap();
    repository.commit_file("new.yaml", "a: 1\n", "noise");
    let no_space = FetchOptions { bytes: 100, ..FetchOptions::default() };
    let error = Mirror::sync(&repository.beside("mirror"), &remote, None, &no_space, &mut |_| ()).unwrap_err();
    assert!(matches!(error, GitError::TooLarge { bytes: 100, .. }), "{error}");
    sync(&repository.beside("mirror"), &remote).unwrap();
}

#[test]
fn another_object_format_than_the_mirrors() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    let other = fixture("sha256");
    let error = refused(mirror.directory(), &Remote::Path(other.path()), "another object format");
    assert!(matches!(error, GitError::ObjectFormat { .. }));
    refused(mirror.directory(), &Remote::Bundle(other.bundle()), "");
}

#[test]
fn a_directory_that_is_no_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let error = Mirror::open(folder.path()).unwrap_err();
    assert!(matches!(error, GitError::Mirror { .. }), "{error}");
}
