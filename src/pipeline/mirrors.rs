//! Mirrors of known repositories: where they are fetched from, what a fetch has covered, and the disk they take.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::RepositoryLock;
use super::scan::blocking;
use super::{Pipeline, PipelineError, Progress};
use crate::git::{self, Credentials, Head, Mirror, Remote};
use crate::model::{Repository, RepositoryId};
use crate::store::query::AliasesOf;

/// Where a repository is fetched from.
#[derive(Clone)]
pub(super) struct Source {
    pub remote: Remote,
    pub credentials: Option<Credentials>,
    pub fetch: Fetch,
}

/// What a fetch has covered.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetched {
    /// The newest push that the forge knew of, as it tells its time, in seconds since 1970; `None`: not known.
    pub pushed_at: Option<i64>,
    /// The default branch that it knew of; empty: none.
    pub branch: String,
    /// The mirror's head.
    pub commit: String,
}

/// When a scan fetches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetch {
    Always,
    /// Only where there is no mirror.
    IfAbsent,
}

impl Source {
    /// As somebody named it, with the credentials it holds itself.
    pub fn new(remote: Remote) -> Self {
        Self { remote, credentials: None, fetch: Fetch::Always }
    }
}

impl Pipeline {
    /// The bare clone of a repository.
    pub(super) fn mirror_directory(&self, id: RepositoryId) -> PathBuf {
        self.mirrors.join(format!("{id}.git"))
    }

    /// Takes the lock under which a repository is fetched, scanned and removed.
    pub(super) fn lock(&self, id: RepositoryId) -> Result<RepositoryLock, PipelineError> {
        fs::create_dir_all(&self.mirrors).map_err(self.failed(&self.mirrors))?;
        RepositoryLock::take(&self.mirrors.join(format!("{id}.lock")), &self.program)
    }

    /// Where a known repository is fetched from: the path it was found at, as long as no forge answered for it; else its URL, with the
    /// token of its host.
    pub(super) async fn source(&self, repository: &Repository, fetch: Fetch) -> Result<Source, PipelineError> {
        if repository.forge_id.is_none()
            && let Some(remote) = self.local_source(repository).await?
        {
            return Ok(Source { remote, credentials: None, fetch });
        }
        if !repository.url.contains("://") {
            // A path that is gone: the error says so.
            let mut remotes = git::classify(&repository.url)?;
            let remote = remotes.pop().ok_or_else(|| PipelineError::Several(repository.url.clone()))?;
            return Ok(Source { remote, credentials: None, fetch });
        }
        let host = repository.url.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let opens = |known: &&super::HostCredentials| Some(known.host.as_str()) == host;
        let credentials = self.credentials.iter().find(opens).map(|known| known.credentials.clone());
        // Forges that give ids answer under this name without a redirection, which git does not follow with a token.
        let suffix = if repository.forge_id.is_some() { ".git" } else { "" };
        Ok(Source { remote: Remote::Url(format!("{}{suffix}", repository.url)), credentials, fetch })
    }

    async fn local_source(&self, repository: &Repository) -> Result<Option<Remote>, PipelineError> {
        let aliases = self.reader.now(&AliasesOf { repository: repository.id }).await?;
        let paths = aliases.iter().filter(|alias| alias.starts_with('/') && Path::new(alias).exists());
        let remote = |path: &String| match git::classify(path) {
            Ok(remotes) if remotes.len() == 1 => remotes.into_iter().next(),
            _ => None,
        };
        Ok(paths.filter_map(remote).next())
    }

    /// The mirror, fetched as the source says.
    pub(super) async fn mirror(
        &self,
        id: RepositoryId,
        source: &Source,
        progress: Arc<dyn Progress>,
    ) -> Result<(Mirror, Head), PipelineError> {
        let directory = self.mirror_directory(id);
        let (source, options) = (source.clone(), self.fetching.clone());
        blocking(move || {
            let opened = if source.fetch == Fetch::IfAbsent { Mirror::open(&directory).ok() } else { None };
            let mirror = match opened {
                Some(mirror) => mirror,
                None => Mirror::sync_unless(
                    &|| progress.is_stopped(),
                    &directory,
                    &source.remote,
                    source.credentials.as_ref(),
                    &options,
                    &mut |step| progress.fetching(&step),
                )?,
            };
            let head = mirror.head().clone();
            Ok((mirror, head))
        })
        .await
    }

    /// What the last fetch of a mirror covered; `None`: there was none, or it is not known.
    pub(super) fn fetched(&self, id: RepositoryId) -> Option<Fetched> {
        let text = fs::read_to_string(self.push_file(id)).ok()?;
        let mut lines = text.lines();
        let (pushed_at, branch, commit) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Fetched { pushed_at: pushed_at.parse().ok(), branch: branch.to_owned(), commit: commit.to_owned() })
    }

    /// Remembers a fetch. Beside the mirror, not in it: one that was removed for its size need not come back before the next push.
    pub(super) fn note_fetch(&self, id: RepositoryId, fetched: &Fetched) -> Result<(), PipelineError> {
        let Fetched { pushed_at, branch, commit } = fetched;
        let pushed_at = pushed_at.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let path = self.push_file(id);
        fs::write(&path, format!("{pushed_at}\n{branch}\n{commit}\n")).map_err(self.failed(&path))
    }

    /// Removes a mirror and what was noted of it, under the repository's lock. With `forget`, nothing is left of its last fetch.
    pub(super) async fn remove_mirror(&self, id: RepositoryId, forget: bool) -> Result<(), PipelineError> {
        let directory = self.mirror_directory(id);
        if !blocking(move || Ok(Mirror::remove(&directory)?)).await? {
            return Err(PipelineError::Busy { holder: "its mirror is being fetched".to_owned() });
        }
        if forget { self.remove_file(&self.push_file(id)) } else { Ok(()) }
    }

    fn push_file(&self, id: RepositoryId) -> PathBuf {
        self.mirrors.join(format!("{id}.push"))
    }

    fn remove_file(&self, path: &Path) -> Result<(), PipelineError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(path)(error)),
            _ => Ok(()),
        }
    }

    #[allow(clippy::unused_self, reason = "reads as the other methods do")]
    fn failed(&self, path: &Path) -> impl FnOnce(std::io::Error) -> PipelineError {
        let path = path.to_owned();
        |source| PipelineError::File { path, source }
    }
}
