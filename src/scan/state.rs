//! The resources that are alive at one point of the walk.

use std::collections::HashMap;
use std::sync::Arc;

use super::lifecycle::Declared;
use crate::manifest::resources::Identity;
use crate::manifest::yaml::Node;
use crate::model;

/// A resource that is alive, with its data once they were needed.
#[derive(Clone)]
pub struct Live {
    pub record: model::Resource,
    /// `None` after a resumption, until the resource's file is touched: then the blob of its last event is read again.
    pub data: Option<Node>,
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
}

/// Resources alive, by the path of their file. A file without resources is not held.
#[derive(Default)]
pub struct State {
    files: HashMap<Arc<[u8]>, Vec<Live>>,
}

impl State {
    /// The state at a checkpoint: resources without their data.
    pub fn resume(resources: Vec<model::Resource>) -> Self {
        let mut state = Self::default();
        for record in resources {
            state.insert(Live { record, data: None });
        }
        state
    }

    pub fn insert(&mut self, live: Live) {
        self.files.entry(live.record.path.clone()).or_default().push(live);
    }

    /// Takes all resources of a file out.
    pub fn take(&mut self, path: &[u8]) -> Vec<Live> {
        self.files.remove(path).unwrap_or_default()
    }

    pub fn put_back(&mut self, path: Arc<[u8]>, resources: Vec<Live>) {
        if !resources.is_empty() {
            self.files.insert(path, resources);
        }
    }

    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    pub fn resources(&self) -> impl Iterator<Item = &Live> {
        self.files.values().flatten()
    }

    /// Resources of a file whose data are not known yet.
    pub fn without_data(&mut self, path: &[u8]) -> impl Iterator<Item = &mut Live> {
        self.files.get_mut(path).into_iter().flatten().filter(|live| live.data.is_none())
    }
}

/// The resources of a manifest by what [`Live::key`] tells of them.
pub fn by_key(resources: &[Declared]) -> HashMap<(Identity, u32), &Declared> {
    resources
        .iter()
        .map(|declared| ((declared.resource.identity.clone(), declared.resource.ordinal), declared))
        .collect()
}
