//! Resources of one kind and name, found by where they are applied and how near their files are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use super::slots::Placement;
use crate::model::ResourceId;

/// Resources by their files.
type Files = BTreeMap<Arc<[u8]>, BTreeSet<ResourceId>>;

/// All resources of one kind and name.
#[derive(Debug, Default)]
pub struct Named {
    applied: Files,
    /// Those of them whose namespace is not known.
    nowhere: Files,
    by_namespace: HashMap<Arc<str>, Files>,
    /// What patches one of them is none of them.
    patches: Files,
}

impl Named {
    pub fn insert(&mut self, id: ResourceId, file: &Arc<[u8]>, placement: &Placement) {
        if placement.is_patch {
            return insert(&mut self.patches, id, file);
        }
        insert(&mut self.applied, id, file);
        if placement.namespaces.is_empty() {
            insert(&mut self.nowhere, id, file);
        }
        for namespace in &placement.namespaces {
            insert(self.by_namespace.entry(namespace.clone()).or_default(), id, file);
        }
    }

    pub fn remove(&mut self, id: ResourceId, file: &[u8], placement: &Placement) {
        if placement.is_patch {
            return remove(&mut self.patches, id, file);
        }
        remove(&mut self.applied, id, file);
        if placement.namespaces.is_empty() {
            remove(&mut self.nowhere, id, file);
        }
        for namespace in &placement.namespaces {
            if let Some(files) = self.by_namespace.get_mut(namespace) {
                remove(files, id, file);
                if files.is_empty() {
                    self.by_namespace.remove(namespace);
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.applied.is_empty() && self.patches.is_empty()
    }

    /// The nearest to `to` in one of the namespaces.
    pub fn nearest_in(&self, wanted: &[Arc<str>], to: &[u8]) -> Option<ResourceId> {
        let there = wanted.iter().filter_map(|namespace| nearest(self.by_namespace.get(namespace)?, to));
        there.min().map(|near| near.id)
    }

    /// The nearest that may be in one of the namespaces. In which one it lies may not be known, of the candidates, or of who looks, who then
    /// wants none: the name alone tells.
    pub fn nearest_of_unknown(&self, wanted: &[Arc<str>], to: &[u8]) -> Option<ResourceId> {
        nearest(if wanted.is_empty() { &self.applied } else { &self.nowhere }, to).map(|near| near.id)
    }

    /// The nearest of all, patches too.
    pub fn nearest(&self, to: &[u8]) -> Option<ResourceId> {
        nearest(&self.applied, to).into_iter().chain(nearest(&self.patches, to)).min().map(|near| near.id)
    }

    /// The patches, by path. None of more than `most`.
    pub fn patches(&self, most: usize) -> impl Iterator<Item = ResourceId> {
        let count = self.patches.values().map(BTreeSet::len).take(most + 1).sum::<usize>();
        self.patches.values().flatten().copied().take(if count > most { 0 } else { most })
    }
}

fn insert(files: &mut Files, id: ResourceId, file: &Arc<[u8]>) {
    files.entry(file.clone()).or_default().insert(id);
}

fn remove(files: &mut Files, id: ResourceId, file: &[u8]) {
    if let Some(ids) = files.get_mut(file) {
        ids.remove(&id);
        if ids.is_empty() {
            files.remove(file);
        }
    }
}

/// A candidate; the least one is nearest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Near<'a> {
    /// Against the number of leading folders in common.
    distance: usize,
    file: &'a [u8],
    id: ResourceId,
}

/// The candidate whose file is nearest to a path: of most leading folders in common, then by path and id. Files of a folder stand together in
/// the order of their paths, so that one of the nearest stands beside `to`.
fn nearest<'a>(files: &'a Files, to: &[u8]) -> Option<Near<'a>> {
    let before = files.range::<[u8], _>((Unbounded, Included(to))).next_back();
    let after = files.range::<[u8], _>((Excluded(to), Unbounded)).next();
    let common = before.into_iter().chain(after).map(|(file, _)| folders_in_common(file, to)).max()?;
    let folder = match common {
        0 => &[][..],
        common => {
            let mut ends = to.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
            &to[..ends.nth(common - 1).unwrap_or(to.len())]
        }
    };
    let (file, ids) = files.range::<[u8], _>((Included(folder), Unbounded)).next()?;
    Some(Near { distance: usize::MAX - common, file, id: *ids.first()? })
}

/// The file itself counts as one.
fn folders_in_common(one: &[u8], other: &[u8]) -> usize {
    let parts = |path| <[u8]>::split(path, |byte| *byte == b'/');
    parts(one).zip(parts(other)).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RepositoryId;

    #[test]
    fn the_nearest_file_has_most_folders_in_common_and_is_the_first_by_path() {
        let paths = ["a-b/c.yaml", "a/b/c.yaml", "a/b/d.yaml", "a/c.yaml", "b.yaml", "c/d/e/f.yaml"];
        let repository = RepositoryId::from_alias("");
        let id = |path: &str| ResourceId::new(repository, "", [""; 4], path.as_bytes(), 0);
        let mut files = Files::new();
        for path in paths {
            insert(&mut files, id(path), &Arc::from(path.as_bytes()));
        }
        for (to, expected) in [
            ("a/b/c.yaml", "a/b/c.yaml"),
            ("a/b/z.yaml", "a/b/c.yaml"),
            ("a/b/c/z.yaml", "a/b/c.yaml"),
            ("a/z.yaml", "a/b/c.yaml"),
            ("a/c/z.yaml", "a/b/c.yaml"),
            ("c/z.yaml", "c/d/e/f.yaml"),
            ("z.yaml", "a-b/c.yaml"),
        ] {
            let found = nearest(&files, to.as_bytes()).map(|near| near.file);
            assert_eq!(found, Some(expected.as_bytes()), "{to}");
        }
    }
}
