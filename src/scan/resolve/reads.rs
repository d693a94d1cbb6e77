//! What a resolution was read from: whoever reads what a commit changed is resolved again, and nobody else has to know why.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::paths::PathId;
use super::slots::Key;
use crate::model::ResourceId;

/// Something that the resolution of a resource may be read from, beside the resource itself and the builds of its own file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// The sources, charts or ConfigMaps of one kind and name; of HelmReleases, their patches.
    Named(Key),
    /// Those in one namespace, or those of which it is not known: a repository of many clusters has one in each.
    In(Key, Option<Arc<str>>),
    /// What a Flux Kustomization declares.
    Builder(ResourceId),
    /// Who builds a path, and who includes or patches it.
    Path(PathId),
    /// The chart that lies in a directory.
    Chart(Arc<[u8]>),
}

/// What one resolution reads, noted on the way.
#[derive(Debug, Default)]
pub struct Reads(RefCell<BTreeSet<Read>>);

impl Reads {
    pub fn note(&self, read: Read) {
        self.0.borrow_mut().insert(read);
    }

    pub fn into_set(self) -> BTreeSet<Read> {
        self.0.into_inner()
    }
}

/// Who reads what.
#[derive(Debug, Default)]
pub struct Readers {
    by_read: HashMap<Read, BTreeSet<ResourceId>>,
    by_reader: HashMap<ResourceId, BTreeSet<Read>>,
}

impl Readers {
    pub fn of(&self, read: &Read) -> impl Iterator<Item = ResourceId> {
        self.by_read.get(read).into_iter().flatten().copied()
    }

    /// Sets what a resource reads; nothing for one that is gone.
    pub fn set(&mut self, reader: ResourceId, reads: BTreeSet<Read>) {
        let before = self.by_reader.remove(&reader).unwrap_or_default();
        for read in before.difference(&reads) {
            if let Some(readers) = self.by_read.get_mut(read) {
                readers.remove(&reader);
                if readers.is_empty() {
                    self.by_read.remove(read);
                }
            }
        }
        for read in reads.difference(&before) {
            self.by_read.entry(read.clone()).or_default().insert(reader);
        }
        if !reads.is_empty() {
            self.by_reader.insert(reader, reads);
        }
    }
}
