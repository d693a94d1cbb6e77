//! The resources alive, as far as resolution needs them, found by id and by the names that others refer to them by.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::named::Named;
use super::paths::{Builder, PathId};
use super::scope::is_cluster_scoped;
use crate::model::{Edge, Facts, Reference, Resolution, Resource, ResourceId};

/// What others refer to a resource by: kind and name.
pub type Key = (&'static str, Arc<str>);

/// What resolution does with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A Flux Kustomization or a FluxInstance: it builds a directory.
    Builder,
    /// An Argo CD Application: it builds a directory, or installs a chart.
    Application,
    /// A Flux source, by its kind.
    Source(&'static str),
    HelmChart,
    HelmRelease,
    /// A HelmRelease of Flux v1: it names its chart's place itself.
    HelmReleaseV1,
    /// Makes artifacts, which charts may come from.
    ArtifactGenerator,
    /// Gives variables.
    ConfigMap,
    Other,
}

impl Role {
    fn of(resource: &Resource) -> Self {
        match (&*resource.group, &*resource.kind) {
            ("kustomize.toolkit.fluxcd.io", "Kustomization") | ("fluxcd.controlplane.io", "FluxInstance") => {
                Self::Builder
            }
            ("argoproj.io", "Application") => Self::Application,
            ("source.toolkit.fluxcd.io", "HelmRepository") => Self::Source("HelmRepository"),
            ("source.toolkit.fluxcd.io", "GitRepository") => Self::Source("GitRepository"),
            ("source.toolkit.fluxcd.io", "OCIRepository") => Self::Source("OCIRepository"),
            ("source.toolkit.fluxcd.io", "Bucket") => Self::Source("Bucket"),
            ("source.toolkit.fluxcd.io", "HelmChart") => Self::HelmChart,
            ("source.extensions.fluxcd.io", "ArtifactGenerator") => Self::ArtifactGenerator,
            ("helm.toolkit.fluxcd.io", "HelmRelease") => Self::HelmRelease,
            ("helm.fluxcd.io" | "flux.weave.works", "HelmRelease") => Self::HelmReleaseV1,
            ("", "ConfigMap") => Self::ConfigMap,
            _ => Self::Other,
        }
    }

    /// The kind that a reference to such a resource names.
    const fn referred_to_as(self) -> Option<&'static str> {
        match self {
            Self::Source(kind) => Some(kind),
            Self::HelmChart => Some("HelmChart"),
            // By its patches.
            Self::HelmRelease => Some("HelmRelease"),
            Self::ConfigMap => Some("ConfigMap"),
            _ => None,
        }
    }
}

/// Where a resource is applied, and what its file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Sorted, distinct.
    pub namespaces: Vec<Arc<str>>,
    pub is_patch: bool,
    pub is_vendored: bool,
}

/// One resource alive.
#[derive(Debug)]
pub struct Slot {
    pub role: Role,
    pub path: PathId,
    pub file: Arc<[u8]>,
    pub is_cluster_scoped: bool,
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    pub facts: Arc<Facts>,
    pub placement: Placement,
    /// As the last row says it.
    pub resolution: Arc<Resolution>,
    /// Whether there is such a row: a resource has one from its first commit on, even if nothing is resolved of it.
    pub has_row: bool,
    /// Sorted, distinct.
    pub edges: Vec<Edge>,
    /// The directories it builds.
    pub builds: Vec<(PathId, Builder)>,
}

impl Slot {
    pub fn new(resource: &Resource, path: PathId, facts: Arc<Facts>) -> Self {
        Self {
            role: Role::of(resource),
            path,
            file: resource.path.clone(),
            is_cluster_scoped: is_cluster_scoped(&resource.group, &resource.kind),
            namespace: resource.namespace.clone(),
            name: resource.name.clone(),
            facts,
            placement: Placement::default(),
            resolution: Arc::default(),
            has_row: false,
            edges: Vec::new(),
            builds: Vec::new(),
        }
    }

    /// Takes over what was resolved of the resource before its manifest changed.
    pub fn take_over(&mut self, before: Self) {
        self.placement = before.placement;
        self.resolution = before.resolution;
        self.has_row = before.has_row;
        self.edges = before.edges;
        self.builds = before.builds;
    }

    /// The key that others find it by.
    pub fn key(&self) -> Option<Key> {
        Some((self.role.referred_to_as()?, self.name.clone()))
    }

    /// The same, or those of what it makes.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let made = if self.role == Role::ArtifactGenerator { &self.facts.artifacts[..] } else { &[] };
        self.key().into_iter().chain(made.iter().map(|artifact| (ARTIFACT, artifact.name.as_str().into())))
    }

    /// The reference to where its chart comes from.
    pub fn chart_reference(&self) -> Option<&Reference> {
        let fields: &[&str] = match self.role {
            Role::HelmRelease => &["spec.chartRef", "spec.chart.spec.sourceRef", "spec.chart.sourceRef"],
            Role::HelmChart => &["spec.sourceRef"],
            _ => return None,
        };
        fields.iter().find_map(|field| self.facts.references.iter().find(|reference| reference.field == *field))
    }

    /// The reference to what it builds a directory of.
    pub fn source_reference(&self) -> Option<&Reference> {
        let is_source = |reference: &&Reference| reference.field == "spec.sourceRef";
        (self.role == Role::Builder).then(|| self.facts.references.iter().find(is_source)).flatten()
    }

    /// The ConfigMaps and Secrets that give it variables, in order.
    pub fn variable_references(&self) -> impl Iterator<Item = &Reference> {
        self.facts.references.iter().filter(|reference| reference.field == "spec.postBuild.substituteFrom[]")
    }

    /// Directories that it adds to what it builds, relative to it.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        let components = self.facts.references.iter().filter(|reference| reference.field == "spec.components[]");
        components.map(|reference| reference.name.as_str())
    }
}

/// Kind of what an ArtifactGenerator makes: it stands in the cluster alone, and is found by who makes it.
pub const ARTIFACT: &str = "ExternalArtifact";

/// The key of what a reference names, if it is something that is looked up.
pub fn key_of(reference: &Reference) -> Option<Key> {
    const KINDS: [&str; 7] =
        ["HelmRepository", "GitRepository", "OCIRepository", "Bucket", "HelmChart", "ConfigMap", ARTIFACT];
    let kind = KINDS.into_iter().find(|kind| *kind == reference.kind)?;
    Some((kind, reference.name.as_str().into()))
}

/// All of them.
#[derive(Debug, Default)]
pub struct Slots {
    by_id: HashMap<ResourceId, Slot>,
    by_key: HashMap<Key, Named>,
    /// Builders by their source.
    builders: HashMap<Key, BTreeSet<ResourceId>>,
}

impl Slots {
    pub fn get(&self, id: ResourceId) -> Option<&Slot> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: ResourceId) -> Option<&mut Slot> {
        self.by_id.get_mut(&id)
    }

    pub fn insert(&mut self, id: ResourceId, slot: Slot) {
        for key in slot.keys() {
            self.by_key.entry(key).or_default().insert(id, &slot.file, &slot.placement);
        }
        if let Some(key) = slot.source_reference().and_then(key_of) {
            self.builders.entry(key).or_default().insert(id);
        }
        self.by_id.insert(id, slot);
    }

    pub fn remove(&mut self, id: ResourceId) -> Option<Slot> {
        let slot = self.by_id.remove(&id)?;
        for key in slot.keys() {
            let Some(named) = self.by_key.get_mut(&key) else { continue };
            named.remove(id, &slot.file, &slot.placement);
            if named.is_empty() {
                self.by_key.remove(&key);
            }
        }
        if let Some(key) = slot.source_reference().and_then(key_of)
            && let Some(builders) = self.builders.get_mut(&key)
        {
            builders.remove(&id);
            if builders.is_empty() {
                self.builders.remove(&key);
            }
        }
        Some(slot)
    }

    /// Notes where a resource is applied.
    pub fn place(&mut self, id: ResourceId, placement: Placement) {
        if let Some(slot) = self.remove(id) {
            self.insert(id, Slot { placement, ..slot });
        }
    }

    /// Resources of one kind and name.
    pub fn named(&self, key: &Key) -> Option<&Named> {
        self.by_key.get(key)
    }

    /// The Flux Kustomizations that build directories of this source.
    pub fn builders(&self, source: &Key) -> impl Iterator<Item = ResourceId> {
        self.builders.get(source).into_iter().flatten().copied()
    }
}
