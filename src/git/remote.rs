//! Where a repository comes from.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::url::{RemoteUrl, normalise_url, redact_source};

/// Where a repository comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Remote {
    /// A local repository, bare or with a work tree.
    Path(PathBuf),
    /// A `git bundle` file.
    Bundle(PathBuf),
    /// An https, http, ssh or git URL, or `git@host:path`. It may hold credentials: show it only through
    /// [`Remote::url_without_credentials`].
    Url(String),
}

impl Remote {
    /// The unique alias of the repository (its identity): the normalised URL; for a local repository whose remote
    /// `origin` is a URL with a host, that URL; else the canonical path.
    ///
    /// # Errors
    /// A path that is gone, or a URL that is none.
    pub fn alias(&self) -> Result<String, GitError> {
        match self {
            Self::Url(url) => normalise_url(url),
            Self::Bundle(path) => Ok(canonical(path)?.to_string_lossy().into_owned()),
            Self::Path(path) => {
                let path = canonical(path)?;
                let origin = origin_of(&path).and_then(|url| normalise_url(&url).ok());
                Ok(origin.unwrap_or_else(|| path.to_string_lossy().into_owned()))
            }
        }
    }

    /// The source as people know it: the path, or the URL without user name and password.
    pub fn url_without_credentials(&self) -> String {
        match self {
            Self::Path(path) | Self::Bundle(path) => path.display().to_string(),
            Self::Url(text) => match RemoteUrl::parse(text) {
                Some(url) if !url.is_scp => format!("{}/{}", url.origin(), url.path),
                _ => redact_source(text),
            },
        }
    }

    /// The operand for git: an absolute path, or a URL without a password. It never begins with a dash.
    pub(super) fn operand(&self) -> Result<OsString, GitError> {
        match self {
            Self::Path(path) | Self::Bundle(path) => Ok(canonical(path)?.into_os_string()),
            Self::Url(text) => {
                let url = self.parsed_url()?;
                Ok(match (url.is_scp, url.scheme.as_str()) {
                    (true, _) => text.into(),
                    (false, "ssh") if !url.username.is_empty() => {
                        let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
                        format!("ssh://{}@{}{port}/{}", url.username, url.host, url.path).into()
                    }
                    _ => format!("{}/{}", url.origin(), url.path).into(),
                })
            }
        }
    }

    /// The parsed URL of a [`Remote::Url`].
    pub(super) fn parsed_url(&self) -> Result<RemoteUrl, GitError> {
        let parsed = match self {
            Self::Url(url) => RemoteUrl::parse(url),
            Self::Path(_) | Self::Bundle(_) => None,
        };
        parsed.ok_or_else(|| GitError::Source {
            name: self.url_without_credentials(),
            problem: "not the URL of a repository".to_owned(),
        })
    }

    /// Whether this is a local repository with a cut-off history.
    pub(super) fn is_shallow_path(&self) -> bool {
        match self {
            Self::Path(path) => is_shallow(&common_directory(path)),
            Self::Bundle(_) | Self::Url(_) => false,
        }
    }
}

/// Shows no credentials.
impl std::fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let variant = match self {
            Self::Path(_) => "Path",
            Self::Bundle(_) => "Bundle",
            Self::Url(_) => "Url",
        };
        write!(formatter, "{variant}({})", self.url_without_credentials())
    }
}

/// Whether a git directory's history is cut off. Git writes the commits where it ends into the file `shallow`.
pub(super) fn is_shallow(git_directory: &Path) -> bool {
    fs::metadata(git_directory.join("shallow")).is_ok_and(|file| file.len() > 0)
}

/// Whether a folder is a Git repository: it has a `.git`, or is a bare repository itself.
pub(super) fn is_repository(path: &Path) -> bool {
    let dot_git = path.join(".git");
    dot_git.is_file() || is_git_directory(&dot_git) || is_git_directory(path)
}

fn is_git_directory(path: &Path) -> bool {
    // A linked work tree's git directory has no `objects` of its own, but is only reached through a `.git` file.
    path.join("HEAD").symlink_metadata().is_ok() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// The directory that holds a repository's objects: follows the `.git` file of a linked work tree or submodule, and
/// the `commondir` file of a linked work tree. A path inside each is relative to the directory of the file.
fn common_directory(path: &Path) -> PathBuf {
    let dot_git = path.join(".git");
    let git_directory = match fs::read_to_string(&dot_git) {
        Ok(text) => path.join(text.trim_start_matches("gitdir:").trim()),
        Err(_) if dot_git.is_dir() => dot_git,
        Err(_) => path.to_owned(),
    };
    match fs::read_to_string(git_directory.join("commondir")) {
        Ok(text) => git_directory.join(text.trim()),
        Err(_) => git_directory,
    }
}

/// The URL of a local repository's remote `origin`.
fn origin_of(path: &Path) -> Option<String> {
    let mut git = Git::in_source(&common_directory(path), "config");
    git.arguments(["--get", "remote.origin.url"]);
    // Git fails when the key is not there.
    let url = git.output().ok()?;
    Some(String::from_utf8_lossy(&url).trim().to_owned())
}

fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    path.canonicalize().map_err(GitError::io(path.display().to_string()))
}
