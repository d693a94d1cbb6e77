//! Records of `git log --raw -z`: their format, and their exact reading.
//!
//! One commit is the fields of [`FORMAT`], each ended by a NUL byte. When it changed anything, a newline and the rows
//! follow: `:<old mode> <new mode> <old id> <new id> <status>` NUL `<path>` NUL. The next commit begins with a
//! hexadecimal digit, a row with a colon. Git builds the fields from C strings, so none can contain a NUL byte.

use std::io::BufRead;

use super::error::GitError;
use super::id::{BlobId, CommitId};

/// The fields of a commit; the last one is ended by `-z` itself.
pub(super) const FORMAT: &str = "--format=tformat:%H%x00%P%x00%ct%x00%an%x00%ae%x00%s";

/// Bytes kept of a name, an e-mail address or a subject: a commit may hold a subject of any length.
const FIELD_LIMIT: usize = 16 * 1024;

/// Longest path of a manifest, in bytes. No system opens a longer one, so nothing was ever applied from it.
const PATH_LIMIT: usize = 4096;

/// Files that one commit may change, and manifests among them. Ten trees that each name the next one ten times are a
/// repository of a kilobyte with ten billion files.
const MOST_FILES: usize = 1_000_000;
const MOST_MANIFESTS: usize = 250_000;

/// One commit of the first-parent history, compared with its first parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: CommitId,
    /// Committer time in seconds since 1970, as it stands: it may be negative, in the future, or before its parent's.
    pub time: i64,
    /// Author name; empty when the commit has none. Bytes that are not UTF-8 are replaced.
    pub author: String,
    /// Author e-mail address; may be empty.
    pub author_email: String,
    /// The first paragraph of the message on one line; may be empty.
    pub subject: String,
    /// Changed files named `*.yaml` or `*.yml`, in the order of git's trees.
    pub changes: Vec<FileChange>,
}

/// One changed YAML file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path's bytes, exact.
    pub path: Vec<u8>,
    /// The new content. `None` when the file is gone: deleted, or no regular file any more (symlink, submodule).
    pub blob: Option<BlobId>,
}

/// A commit as it was read, before its time and its place in the chain are checked.
pub(super) struct Record {
    pub commit: Commit,
    pub first_parent: Option<CommitId>,
    /// False when git could not read the committer line; the time is then 0.
    pub has_time: bool,
}

/// Reads one record; `None` at the end of the output.
pub(super) fn read(input: &mut impl BufRead) -> Result<Option<Record>, GitError> {
    let Some(mut record) = read_header(input)? else {
        return Ok(None);
    };
    if peek(input)? == Some(b'\n') {
        input.consume(1);
    }
    let mut row = Vec::new();
    let mut files = 0;
    let Commit { id, ref mut changes, .. } = record.commit;
    while peek(input)? == Some(b':') {
        read_field(input, &mut row, FIELD_LIMIT)?;
        let blob = new_blob(&row)?;
        let mut path = Vec::new();
        read_field(input, &mut path, PATH_LIMIT + 1)?;
        files += 1;
        if path.len() <= PATH_LIMIT && (path.ends_with(b".yaml") || path.ends_with(b".yml")) {
            changes.push(FileChange { path, blob });
        }
        for (count, limit) in [(files, MOST_FILES), (changes.len(), MOST_MANIFESTS)] {
            if count > limit {
                return Err(GitError::TooManyFiles { commit: id, limit });
            }
        }
    }
    keep_one_a_path(changes);
    Ok(Some(record))
}

/// Keeps the last row of each path. Trees that name a file twice, or in a wrong order, are made by no git, but git reads
/// them; rows of all others come in the order of their paths.
fn keep_one_a_path(changes: &mut Vec<FileChange>) {
    if changes.is_sorted_by(|one, two| one.path < two.path) {
        return;
    }
    changes.reverse();
    changes.sort_by(|one, two| one.path.cmp(&two.path));
    changes.dedup_by(|one, two| one.path == two.path);
}

fn read_header(input: &mut impl BufRead) -> Result<Option<Record>, GitError> {
    if peek(input)?.is_none() {
        return Ok(None);
    }
    let mut field = Vec::new();
    read_field(input, &mut field, FIELD_LIMIT)?;
    let id = CommitId::from_hex(&field).map_err(|_| unexpected("a commit id", &field))?;
    // Of any number of parents the first one counts.
    read_field(input, &mut field, FIELD_LIMIT)?;
    let first_parent = match field.split(|byte| *byte == b' ').next() {
        None | Some(b"") => None,
        Some(hex) => Some(CommitId::from_hex(hex).map_err(|_| unexpected("a parent id", hex))?),
    };
    read_field(input, &mut field, FIELD_LIMIT)?;
    let time = parse_time(&field);
    let mut text = || -> Result<String, GitError> {
        read_field(input, &mut field, FIELD_LIMIT)?;
        Ok(String::from_utf8_lossy(&field).into_owned())
    };
    let commit = Commit {
        id,
        time: time.unwrap_or(0),
        author: text()?,
        author_email: text()?,
        subject: text()?,
        changes: Vec::new(),
    };
    Ok(Some(Record { commit, first_parent, has_time: time.is_some() }))
}

/// The new content of a row's file, when it is a regular file.
fn new_blob(row: &[u8]) -> Result<Option<BlobId>, GitError> {
    // ":100644 100755 <old id> <new id> M"
    let mut columns = row.split(|byte| *byte == b' ').skip(1);
    let (Some(mode), Some(_), Some(id)) = (columns.next(), columns.next(), columns.next()) else {
        return Err(unexpected("a row of changes", row));
    };
    if !mode.starts_with(b"100") {
        return Ok(None);
    }
    BlobId::from_hex(id).map(Some).map_err(|_| unexpected("a blob id", id))
}

/// Seconds since 1970. A number that does not fit 64 bits is clamped: nobody can have meant it, and it must not stop a scan.
pub(super) fn parse_time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, limit) = match text.strip_prefix('-') {
        Some(digits) => (digits, i64::MIN),
        None => (text, i64::MAX),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(limit))
}

fn peek(input: &mut impl BufRead) -> Result<Option<u8>, GitError> {
    let available = input.fill_buf().map_err(GitError::io("reading git log"))?;
    Ok(available.first().copied())
}

/// Reads up to the next NUL byte, keeps at most `limit` bytes, drops the rest.
fn read_field(input: &mut impl BufRead, field: &mut Vec<u8>, limit: usize) -> Result<(), GitError> {
    field.clear();
    loop {
        let available = input.fill_buf().map_err(GitError::io("reading git log"))?;
        if available.is_empty() {
            return Err(unexpected("a field that ends", field));
        }
        let end = available.iter().position(|byte| *byte == 0);
        let part = &available[..end.unwrap_or(available.len())];
        let kept = part.len().min(limit - field.len());
        field.extend_from_slice(&part[..kept]);
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn unexpected(wanted: &str, got: &[u8]) -> GitError {
    let shown = String::from_utf8_lossy(&got[..got.len().min(80)]).into_owned();
    GitError::Unexpected { command: "log", problem: format!("{shown:?} instead of {wanted}") }
}
