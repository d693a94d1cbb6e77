//! What the blobs of a chunk hold.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use rayon::prelude::*;

use super::ScanError;
use super::budget::Reservation;
use super::chunks::{Chunk, Fetched};
use super::lifecycle::{Contents, Declared, Manifest};
use crate::git::{Blob, BlobId, BlobReader, Commit};
use crate::manifest::file::file_facts;
use crate::manifest::kinds;
use crate::manifest::redact::Redactor;
use crate::manifest::resources::resources_of;
use crate::manifest::yaml::{MAX_BYTES, Unparsable, Versions};

/// Bytes of text kept to read later versions of files against. When there are more, the files that were read longest ago are let go
/// until half of it is left.
const KEPT_TEXT: usize = 8 << 20;

pub(super) type Parsed = HashMap<BlobId, Contents>;

/// Commits with what the blobs they refer to hold.
pub(super) struct ParsedChunk {
    pub commits: Vec<Commit>,
    pub blobs: Parsed,
    pub memory: Reservation,
}

/// Parses chunk after chunk, so that the next one is ready when the last is applied.
pub(super) fn parse_chunks(redactor: &Redactor, chunks: &Receiver<Chunk>, sender: &SyncSender<ParsedChunk>) {
    let mut files = Files::default();
    for Chunk { commits, blobs, memory } in chunks {
        let blobs = files.parse(redactor, &commits, blobs);
        if sender.send(ParsedChunk { commits, blobs, memory }).is_err() {
            return;
        }
    }
}

/// The newest version of a file that was read, and the chunk that it came with.
type Kept = (Versions, u64);

/// The newest version of each file that was read: the next one is read against it.
#[derive(Default)]
struct Files {
    versions: HashMap<Vec<u8>, Kept>,
    /// Chunks that were read.
    chunks: u64,
}

impl Files {
    /// Reads each blob once, as a version of the file that it first stands for. Files share the cores; the versions of one follow each
    /// other.
    fn parse(&mut self, redactor: &Redactor, commits: &[Commit], blobs: Vec<Fetched>) -> Parsed {
        let mut unread: HashMap<BlobId, Option<Vec<u8>>> = blobs.into_iter().collect();
        let mut files: HashMap<&[u8], Vec<Fetched>> = HashMap::new();
        let mut gone: Vec<&[u8]> = Vec::new();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            let Some(id) = change.blob else {
                gone.push(&change.path);
                continue;
            };
            if let Some((id, bytes)) = unread.remove_entry(&id) {
                files.entry(&change.path).or_default().push((id, bytes));
            }
        }
        let files: Vec<_> = files
            .into_iter()
            .map(|(path, blobs)| (path.to_owned(), self.versions.remove(path).unwrap_or_default().0, blobs))
            .collect();
        let read = files.into_par_iter().map(|(path, mut versions, blobs)| {
            let parsed: Vec<_> = blobs.into_iter().map(|blob| parse(redactor, &mut versions, blob)).collect();
            (path, versions, parsed)
        });
        let mut all = Parsed::new();
        self.chunks += 1;
        for (path, versions, parsed) in read.collect::<Vec<_>>() {
            all.extend(parsed);
            self.versions.insert(path, (versions, self.chunks));
        }
        // Most files that are gone never come back.
        for path in gone {
            self.versions.remove(path);
        }
        self.let_go();
        all
    }

    fn let_go(&mut self) {
        let text = |(versions, _): &Kept| versions.text_bytes();
        let mut kept: usize = self.versions.values().map(text).sum();
        if kept <= KEPT_TEXT {
            return;
        }
        let mut oldest: Vec<(u64, Vec<u8>)> =
            self.versions.iter().map(|(path, (_, chunk))| (*chunk, path.clone())).collect();
        oldest.sort_unstable();
        for (_, path) in oldest {
            if kept <= KEPT_TEXT / 2 {
                return;
            }
            kept -= self.versions.remove(&path).as_ref().map_or(0, text);
        }
    }
}

pub(super) fn parse(redactor: &Redactor, versions: &mut Versions, (id, bytes): Fetched) -> (BlobId, Contents) {
    let read = bytes.map_or_else(|| Err(Unparsable::too_large()), |bytes| parse_manifest(redactor, versions, &bytes));
    (id, Arc::new(read))
}

fn parse_manifest(redactor: &Redactor, versions: &mut Versions, bytes: &[u8]) -> Result<Manifest, Unparsable> {
    let documents = versions.read(bytes)?;
    let declared = |resource| {
        let resource = redactor.resource(resource);
        let facts = Arc::new(kinds::facts(&resource));
        Declared { resource, facts }
    };
    let resources = resources_of(&documents)?.into_iter().map(declared).collect();
    Ok(Manifest { resources, facts: file_facts(redactor, bytes, &documents).map(Arc::new) })
}

/// The resources of a manifest; none of one that cannot be read.
pub(super) fn declared(read: &Contents) -> Vec<Declared> {
    read.as_ref().as_ref().map(|manifest| manifest.resources.clone()).unwrap_or_default()
}

/// Reads the wanted blobs once each; one that is too large comes without its bytes.
pub(super) fn fetch(reader: &mut BlobReader, wanted: &[BlobId]) -> Result<Vec<Fetched>, ScanError> {
    let mut blobs = Vec::with_capacity(wanted.len());
    let mut missing = None;
    reader.read_many(wanted, MAX_BYTES as u64, |id, blob| match blob {
        Blob::Bytes(bytes) => blobs.push((id, Some(bytes.to_vec()))),
        Blob::TooLarge(_) => blobs.push((id, None)),
        Blob::Missing => missing = Some(id),
    })?;
    match missing {
        Some(id) => Err(ScanError::MissingBlob(id)),
        None => Ok(blobs),
    }
}
