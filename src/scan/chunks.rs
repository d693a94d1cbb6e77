//! A history in chunks: consecutive commits with the blobs they refer to, each within the memory that its scan may hold.

use std::collections::HashMap;
use std::sync::mpsc::SyncSender;

use super::ScanError;
use super::budget::{Reservation, Share};
use crate::git::{BlobId, BlobReader, Commit, CommitId, Mirror};
use crate::manifest::yaml::MAX_BYTES;

/// Commits that travel together from Git to the parser.
const COMMITS: usize = 512;
/// A chunk ends early when it refers to this many blobs.
const BLOBS: usize = 768;
/// A chunk ends before the commit whose blobs would bring it past this many bytes. A commit is never divided.
const BYTES: u64 = 4 << 20;

/// Bytes of memory that a byte of a manifest takes, its tree included: 40 ConfigMaps of 1 MiB with 27 bytes a line, all alive, made
/// a scan peak at 10 times their text.
pub(super) const MEMORY_OF_TEXT: u64 = 10;

/// A blob as Git has it; one that is too large comes without its bytes.
pub(super) type Fetched = (BlobId, Option<Vec<u8>>);

/// Commits with the blobs they refer to.
pub(super) struct Chunk {
    pub commits: Vec<Commit>,
    pub blobs: Vec<Fetched>,
    pub memory: Reservation,
}

/// Sends the history in chunks; ends early when nobody listens any more.
///
/// # Errors
/// When Git fails, or a blob is missing.
pub(super) fn read_history(
    mirror: &Mirror,
    since: Option<CommitId>,
    share: &Share,
    sender: &SyncSender<Chunk>,
) -> Result<(), ScanError> {
    let mut reader = mirror.blobs()?;
    let mut commits: Vec<Commit> = Vec::new();
    let mut blobs = 0;
    for commit in mirror.history(since)? {
        let commit = commit?;
        blobs += blobs_of(&commit).count();
        commits.push(commit);
        if commits.len() >= COMMITS || blobs >= BLOBS {
            blobs = 0;
            if !send_all(std::mem::take(&mut commits), &mut reader, share, sender)? {
                return Ok(());
            }
        }
    }
    send_all(commits, &mut reader, share, sender)?;
    Ok(())
}

/// Sends commits in as many chunks as their bytes ask for. Answers whether somebody listens still.
fn send_all(
    commits: Vec<Commit>,
    reader: &mut BlobReader,
    share: &Share,
    sender: &SyncSender<Chunk>,
) -> Result<bool, ScanError> {
    let sizes = sizes(reader, &commits)?;
    let mut chunk = Selection::default();
    for commit in commits {
        if !chunk.has_room(&commit, &sizes) && !chunk.send(reader, &sizes, share, sender)? {
            return Ok(false);
        }
        chunk.add(commit, &sizes);
    }
    chunk.send(reader, &sizes, share, sender)
}

/// The sizes of all blobs that commits refer to, in bytes.
fn sizes(reader: &mut BlobReader, commits: &[Commit]) -> Result<HashMap<BlobId, u64>, ScanError> {
    let mut wanted: Vec<BlobId> = commits.iter().flat_map(blobs_of).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let sizes = reader.sizes(&wanted)?;
    wanted.into_iter().zip(sizes).map(|(id, size)| Ok((id, size.ok_or(ScanError::MissingBlob(id))?))).collect()
}

fn blobs_of(commit: &Commit) -> impl Iterator<Item = BlobId> {
    commit.changes.iter().filter_map(|change| change.blob)
}

/// What a blob of this size brings into memory: nothing when it is too large to be read.
fn read_bytes(size: u64) -> u64 {
    if size <= MAX_BYTES as u64 { size } else { 0 }
}

/// Commits that become a chunk.
#[derive(Default)]
struct Selection {
    commits: Vec<Commit>,
    bytes: u64,
}

impl Selection {
    fn has_room(&self, commit: &Commit, sizes: &HashMap<BlobId, u64>) -> bool {
        self.commits.is_empty() || self.bytes + bytes_of(commit, sizes) <= BYTES
    }

    fn add(&mut self, commit: Commit, sizes: &HashMap<BlobId, u64>) {
        self.bytes += bytes_of(&commit, sizes);
        self.commits.push(commit);
    }

    /// Waits for memory, reads the blobs and sends everything; nothing of it is left.
    fn send(
        &mut self,
        reader: &mut BlobReader,
        sizes: &HashMap<BlobId, u64>,
        share: &Share,
        sender: &SyncSender<Chunk>,
    ) -> Result<bool, ScanError> {
        let Self { commits, bytes } = std::mem::take(self);
        if commits.is_empty() {
            return Ok(true);
        }
        let memory = share.chunk(bytes * MEMORY_OF_TEXT);
        let mut wanted: Vec<BlobId> = commits.iter().flat_map(blobs_of).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let too_large = |id: &BlobId| sizes.get(id).is_some_and(|size| *size > MAX_BYTES as u64);
        let (too_large, wanted): (Vec<BlobId>, Vec<BlobId>) = wanted.into_iter().partition(too_large);
        let mut blobs: Vec<Fetched> = too_large.into_iter().map(|id| (id, None)).collect();
        reader.contents(&wanted, |id, bytes| blobs.push((id, Some(bytes.to_vec()))))?;
        Ok(sender.send(Chunk { commits, blobs, memory }).is_ok())
    }
}

/// The bytes that a commit's blobs bring; those that came with an earlier commit are counted again, which is rare.
fn bytes_of(commit: &Commit, sizes: &HashMap<BlobId, u64>) -> u64 {
    blobs_of(commit).filter_map(|id| sizes.get(&id)).map(|size| read_bytes(*size)).sum()
}
