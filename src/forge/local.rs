//! Folders, bundles and lists of this machine, as a forge named `local`.
//!
//! The search expression is a path: a repository, a `.bundle` file, a folder of either (one level deep), or a list, which is a text file
//! with one URL or path a line; `#` begins a comment. Relative paths of a list begin at its folder. There are no ids: a path stands for
//! one.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use url::Url;

use super::{Answers, Forge, ForgeError, Found, KnownAs, Pages, SearchOutcome, SearchQuery, Searched};
use crate::model::{ForgeMetrics, ForgeRepository, Profile, RateLimit, Repository, RepositoryId};

/// The forge of folders, bundles and lists on this machine.
pub const HOST: &str = "local";
/// Far more than the names of all repositories there are.
const MOST_LIST_BYTES: u64 = 16 << 20;

#[derive(Clone, Copy, Debug)]
pub struct Local;

impl Forge for Local {
    fn host(&self) -> &str {
        HOST
    }

    async fn search<P: Pages>(&self, query: &SearchQuery, pages: &mut P) -> Searched {
        let expression = query.expression.clone();
        let mut outcome = SearchOutcome::default();
        let (mut found, is_incomplete) = match on_a_thread(move || everything(&expression)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) | Err(error) => return Searched { outcome, ended: Err(error) },
        };
        if let Some(limit) = query.limit {
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let count = found.len() as u64;
        if found.is_empty() || pages.take(found).await.is_continue() {
            outcome = SearchOutcome { found: count, requests: 0, is_incomplete };
        }
        Searched { outcome, ended: Ok(()) }
    }

    async fn repositories(&self, ids: &[KnownAs]) -> Answers {
        let paths: Vec<String> = ids.iter().map(|known| known.id.id.clone()).collect();
        match on_a_thread(move || paths.iter().map(|path| Some(at(path))).collect()).await {
            Ok(found) => Answers { found, ended: Ok(()) },
            Err(error) => Answers { found: vec![None; ids.len()], ended: Err(error) },
        }
    }

    fn batch_size(&self) -> usize {
        1_000
    }

    async fn repository(&self, full_name: &str) -> Result<Found, ForgeError> {
        let path = full_name.to_owned();
        on_a_thread(move || at(&path)).await
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }

    fn advice(&self) -> Option<&'static str> {
        None
    }
}

/// Files are read on a thread of their own: a folder may lie on a slow disk.
async fn on_a_thread<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, ForgeError> {
    let ended = tokio::task::spawn_blocking(read).await;
    ended.map_err(|error| ForgeError::Unexpected { forge: HOST.to_owned(), reason: error.to_string() })
}

fn at(path: &str) -> Found {
    repository_at(Path::new(path)).map_or(Found::Gone, |repository| Found::Here(Box::new(repository)))
}

/// What an expression means, and whether lines of a list mean nothing.
fn everything(expression: &str) -> Result<(Vec<ForgeRepository>, bool), ForgeError> {
    let bad =
        |reason: String| ForgeError::BadQuery { forge: HOST.to_owned(), expression: expression.to_owned(), reason };
    let path = Path::new(expression);
    let metadata = fs::metadata(path).map_err(|error| bad(reason(&error)))?;
    if metadata.is_dir() || is_bundle(path) {
        let found = in_folder(path).map_err(|error| bad(reason(&error)))?;
        return match found.is_empty() {
            true => Err(bad("a folder without a Git repository or .bundle file in it".to_owned())),
            false => Ok((found, false)),
        };
    }
    // Devices and pipes have no end.
    if !metadata.is_file() {
        return Err(bad("neither a folder nor a file".to_owned()));
    }
    let mut text = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MOST_LIST_BYTES + 1).read_to_end(&mut text));
    read.map_err(|error| bad(reason(&error)))?;
    if text.len() as u64 > MOST_LIST_BYTES {
        return Err(bad(format!("a list of more than {} MiB", MOST_LIST_BYTES >> 20)));
    }
    let text = String::from_utf8(text).map_err(|_| bad("neither a bundle nor a text".to_owned()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut found, mut is_incomplete) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let Some(entry) = entry(line) else { continue };
        let of_line = in_list(entry, folder);
        if of_line.is_empty() {
            tracing::warn!(list = expression, line = number + 1, "neither a URL nor a repository: passed over");
            is_incomplete = true;
        }
        found.extend(of_line);
    }
    Ok((found, is_incomplete))
}

/// A line without its comment; a `#` within a word is none.
fn entry(line: &str) -> Option<&str> {
    let line = line.trim_start_matches('\u{feff}');
    let end = line.match_indices('#').map(|(at, _)| at);
    let end = end.into_iter().find(|at| line[..*at].is_empty() || line[..*at].ends_with(char::is_whitespace));
    let entry = line[..end.unwrap_or(line.len())].trim();
    (!entry.is_empty()).then_some(entry)
}

fn in_list(entry: &str, folder: &Path) -> Vec<ForgeRepository> {
    let path = folder.join(entry);
    if path.exists() {
        return in_folder(&path).unwrap_or_default();
    }
    without_credentials(entry).map(|url| named(&url, ForgeMetrics::default())).into_iter().collect()
}

/// A URL that git could fetch; `git@host:path` is one. User names belong to ssh URLs; elsewhere they are credentials.
fn without_credentials(entry: &str) -> Option<String> {
    if !entry.contains("://") {
        let (authority, path) = entry.split_once(':')?;
        let is_remote = authority.contains('@') && !authority.contains('/') && !path.contains('@');
        return (is_remote && !authority.starts_with('-') && !path.is_empty()).then(|| entry.to_owned());
    }
    let mut url = Url::parse(entry).ok()?;
    let is_fetched = ["https", "http", "ssh", "git"].contains(&url.scheme()) && url.path().len() > 1;
    if !is_fetched || !url.has_host() {
        return None;
    }
    url.set_password(None).ok()?;
    if url.scheme() != "ssh" {
        url.set_username("").ok()?;
    }
    Some(url.into())
}

/// The repository at a path, or those of a folder, by name.
fn in_folder(path: &Path) -> std::io::Result<Vec<ForgeRepository>> {
    if let Some(repository) = repository_at(path) {
        return Ok(vec![repository]);
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    Ok(entries.iter().filter_map(|path| repository_at(path)).collect())
}

fn repository_at(path: &Path) -> Option<ForgeRepository> {
    if !(is_repository(path) || is_bundle(path)) {
        return None;
    }
    let path = fs::canonicalize(path).ok()?;
    // Of a folder, files do not tell a size without being counted one by one.
    let size_kb = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map_or(0, |file| file.len().div_ceil(1024));
    Some(named(path.to_str()?, ForgeMetrics { size_kb, ..ForgeMetrics::default() }))
}

/// A repository of which only the place is known.
fn named(place: &str, metrics: ForgeMetrics) -> ForgeRepository {
    // `git@host:owner/name` and `ssh://host/owner/name` name as https does.
    let alias = match place.contains("://") || place.starts_with('/') {
        true => place.to_owned(),
        false => format!("ssh://{}", place.replacen(':', "/", 1)),
    };
    let alias = alias.trim_end_matches('/');
    let alias = if alias.contains("://") { alias.strip_suffix(".git").unwrap_or(alias) } else { alias };
    let Repository { owner, name, .. } = Repository::discovered(RepositoryId::from_alias(alias), alias, 0);
    ForgeRepository {
        id: None,
        node_id: None,
        owner,
        name,
        clone_url: place.to_owned(),
        profile: Profile::default(),
        metrics,
        is_private: false,
    }
}

/// As git sees it: a work tree, a linked one, or a bare repository.
fn is_repository(path: &Path) -> bool {
    let is_git_directory = |path: &Path| {
        path.join("HEAD").symlink_metadata().is_ok() && path.join("objects").is_dir() && path.join("refs").is_dir()
    };
    let dot_git = path.join(".git");
    dot_git.is_file() || is_git_directory(&dot_git) || is_git_directory(path)
}

/// By its name, or by the line that bundles begin with.
fn is_bundle(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut start = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let is_signed = read.is_ok() && [b"# v2 git bundle\n", b"# v3 git bundle\n"].contains(&&start);
    is_signed || path.extension().is_some_and(|extension| extension == "bundle")
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
