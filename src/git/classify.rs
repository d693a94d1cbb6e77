//! What a user's SOURCE text means.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::remote::{Remote, is_repository};
use super::url::{RemoteUrl, redact_source};

/// What a SOURCE means: a local repository (a work tree or bare), a `.bundle` file, a folder of either (one level deep,
/// sorted by name), an https, http, ssh or git URL, or `git@host:path`. An existing path wins over `host:path`.
///
/// # Errors
/// One line that names the source (without credentials), what is wrong, and what was expected.
pub fn classify(source: &str) -> Result<Vec<Remote>, GitError> {
    let problem = |problem: &str| GitError::Source { name: redact_source(source), problem: problem.to_owned() };
    if source.is_empty() {
        return Err(problem("an empty source"));
    }
    if let Some(path) = source.strip_prefix("file://") {
        return classify_path(source, Path::new(path));
    }
    if source.contains("://") {
        return match RemoteUrl::parse(source) {
            Some(_) => Ok(vec![Remote::Url(source.to_owned())]),
            None => Err(problem("not a URL that can be fetched")),
        };
    }
    let path = Path::new(source);
    if path.symlink_metadata().is_err() && RemoteUrl::parse(source).is_some() {
        return Ok(vec![Remote::Url(source.to_owned())]);
    }
    classify_path(source, path)
}

fn classify_path(source: &str, path: &Path) -> Result<Vec<Remote>, GitError> {
    let problem = |problem: String| GitError::Source { name: redact_source(source), problem };
    let metadata = fs::metadata(path).map_err(|error| problem(error_text(&error)))?;
    if metadata.is_file() {
        return match is_bundle_name(path) || has_bundle_signature(path) {
            true => Ok(vec![Remote::Bundle(path.to_owned())]),
            false => Err(problem("a file that is no Git bundle".to_owned())),
        };
    }
    if is_repository(path) {
        return Ok(vec![Remote::Path(path.to_owned())]);
    }
    let entries = sorted_entries(path).map_err(|error| problem(error_text(&error)))?;
    let remotes: Vec<Remote> = entries.into_iter().filter_map(classify_entry).collect();
    match remotes.is_empty() {
        true => Err(problem("a folder without a Git repository or .bundle file in it".to_owned())),
        false => Ok(remotes),
    }
}

/// An entry of a folder; anything that is neither a repository nor a bundle is passed over.
fn classify_entry(path: PathBuf) -> Option<Remote> {
    if path.is_dir() {
        return is_repository(&path).then_some(Remote::Path(path));
    }
    (is_bundle_name(&path) && path.is_file()).then_some(Remote::Bundle(path))
}

fn sorted_entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn is_bundle_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bundle")
}

/// A bundle begins with the line `# v2 git bundle` or `# v3 git bundle`.
fn has_bundle_signature(path: &Path) -> bool {
    let mut start = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && (&start == b"# v2 git bundle\n" || &start == b"# v3 git bundle\n")
}

fn error_text(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
