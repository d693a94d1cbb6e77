//! The resources that are alive at one point of the walk.

use std::collections::HashMap;
use std::sync::Arc;

use super::ScanError;
use super::lifecycle::Declared;
use crate::manifest::kinds;
use crate::manifest::resources::{Identity, Resource};
use crate::manifest::yaml::Node;
use crate::model;

/// A resource that is alive.
#[derive(Clone)]
pub struct Live {
    pub record: model::Resource,
    /// `None` after a resumption, and when there was no memory for them, until the resource's file is touched: then the blob of
    /// its last event is read again.
    pub data: Option<Node>,
    /// Bytes of memory that the data take, estimated; whether they are here or not.
    pub bytes: u64,
}

impl Live {
    /// What tells this resource from the others of its file.
    pub fn key(&self) -> (Identity, u32) {
        (self.identity(), self.record.ordinal)
    }

    pub fn identity(&self) -> Identity {
        Identity {
            group: self.record.group.clone(),
            kind: self.record.kind.clone(),
            namespace: self.record.namespace.clone(),
            name: self.record.name.clone(),
        }
    }

    /// The record as it is stored. Without data its keys are those that it got when they were let go.
    pub fn with_values_keys(&self) -> model::Resource {
        let mut record = self.record.clone();
        if let Some(data) = &self.data {
            record.values_keys = kinds::values_keys(&self.identity(), data);
        }
        record
    }

    /// Bytes of data that are in memory.
    fn held(&self) -> u64 {
        if self.data.is_some() { self.bytes } else { 0 }
    }
}

/// Resources alive, by the path of their file. A file without resources is not held.
#[derive(Default)]
pub struct State {
    files: HashMap<Arc<[u8]>, Vec<Live>>,
    /// Bytes of data that are in memory.
    held: u64,
}

impl State {
    /// The state at a checkpoint: resources without their data.
    pub fn resume(resources: Vec<model::Resource>) -> Self {
        let mut state = Self::default();
        for record in resources {
            state.insert(Live { record, data: None, bytes: 0 });
        }
        state
    }

    pub fn insert(&mut self, live: Live) {
        self.held += live.held();
        self.files.entry(live.record.path.clone()).or_default().push(live);
    }

    /// Takes all resources of a file out.
    pub fn take(&mut self, path: &[u8]) -> Vec<Live> {
        let taken = self.files.remove(path).unwrap_or_default();
        self.held -= taken.iter().map(Live::held).sum::<u64>();
        taken
    }

    pub fn put_back(&mut self, path: Arc<[u8]>, resources: Vec<Live>) {
        if !resources.is_empty() {
            self.held += resources.iter().map(Live::held).sum::<u64>();
            self.files.insert(path, resources);
        }
    }

    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    pub fn resources(&self) -> impl Iterator<Item = &Live> {
        self.files.values().flatten()
    }

    /// Bytes that the data of all resources take in memory, estimated.
    pub fn bytes(&self) -> u64 {
        self.held
    }

    /// Resources of a file whose data are not here.
    pub fn without_data(&self, path: &[u8]) -> impl Iterator<Item = &Live> {
        self.files.get(path).into_iter().flatten().filter(|live| live.data.is_none())
    }

    /// Gives data to the resources of a file that have none.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn fill(&mut self, path: &[u8], find: impl Fn(&Live) -> Result<Resource, ScanError>) -> Result<(), ScanError> {
        for live in self.files.get_mut(path).into_iter().flatten().filter(|live| live.data.is_none()) {
            let Resource { data, bytes, .. } = find(live)?;
            (live.data, live.bytes) = (Some(data), bytes);
            live.record.values_keys.clear();
            self.held += bytes;
        }
        Ok(())
    }

    /// Lets go of data when they take more than so many bytes, until half of that is left: the largest first.
    pub fn keep_within(&mut self, bytes: u64) {
        if self.held <= bytes {
            return;
        }
        let mut held: Vec<&mut Live> = self.files.values_mut().flatten().filter(|live| live.data.is_some()).collect();
        held.sort_unstable_by_key(|live| std::cmp::Reverse(live.bytes));
        for live in held {
            if self.held <= bytes / 2 {
                return;
            }
            self.held -= live.bytes;
            live.record = live.with_values_keys();
            live.data = None;
        }
    }
}

/// The resources of a manifest by what [`Live::key`] tells of them.
pub fn by_key(resources: &[Declared]) -> HashMap<(Identity, u32), &Declared> {
    resources
        .iter()
        .map(|declared| ((declared.resource.identity.clone(), declared.resource.ordinal), declared))
        .collect()
}
