//! What resources mean in their whole repository, commit by commit: effective namespaces, the chart and version that a release installs,
//! references to others.
//!
//! The resolved values are a function of the state at a commit, whatever way led there. After each commit only what it may have changed is
//! resolved again:
//!
//! 1. Files and resources of the commit are taken in.
//! 2. [`builds`] tells which files are reached by other builds than before.
//! 3. Namespaces are resolved of the resources in them, and of those that the commit touched.
//! 4. Sources that are others now, or elsewhere, have their users resolved again: charts follow.
//! 5. What differs from before becomes rows.
//!
//! The rules are those of Flux v2.9 and kustomize (`docs/resolution.md`).

mod builds;
mod charts;
mod lookup;
mod paths;
mod rows;
mod scope;
mod slots;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use builds::Context;
use paths::{Builder, PathId, Paths};
use slots::{Key, Placement, Role, Slot, Slots, key_of};

pub use paths::can_have_facts;
pub use rows::Resolved;
use rows::Row;

use crate::model::{
    Chart, Edge, Facts, FileChange, FileFacts, Reference, Repository, Resolution, ResolutionChange, Resource,
    ResourceId, Step,
};

/// A file and what it says beside its resources; `None`: nothing any more.
pub type Said = (Arc<[u8]>, Option<Arc<FileFacts>>);

/// A resource that a commit touched.
pub struct Touched<'a> {
    pub record: &'a Resource,
    /// `None` when the commit deleted it.
    pub facts: Option<&'a Arc<Facts>>,
}

/// The state of one repository's resolution.
pub struct Resolver {
    /// `owner/name` in lower case, to know the repository by in URLs.
    full_name: String,
    paths: Paths,
    slots: Slots,
    /// Resources in which variables are to be filled in.
    templated: BTreeSet<ResourceId>,
    /// Resources whose chart is a directory of a Git repository, perhaps of this one.
    in_directories: BTreeSet<ResourceId>,
}

/// What one commit makes necessary.
#[derive(Default)]
struct Work {
    /// Paths whose contexts may be others.
    paths: BTreeSet<PathId>,
    /// Files whose flags may be others.
    flagged: Vec<PathId>,
    /// Resources that the commit changed.
    touched: BTreeSet<ResourceId>,
    /// Resources to resolve again.
    resources: BTreeSet<ResourceId>,
    /// Sources that came, went, moved or changed.
    keys: BTreeSet<Key>,
    /// Resources whose own manifest says something else of their chart than before.
    own: BTreeSet<ResourceId>,
    /// What the commit deleted, as it was.
    gone: BTreeMap<ResourceId, Slot>,
    /// Whether variables may have other values.
    variables: bool,
}

impl Work {
    fn note(&mut self, slot: &Slot) {
        self.keys.extend(slot.key());
        self.variables |= matches!(slot.role, Role::Builder | Role::ConfigMap);
    }
}

impl Resolver {
    pub fn new(repository: &Repository) -> Self {
        Self {
            full_name: repository.full_name().to_lowercase(),
            paths: Paths::new(),
            slots: Slots::default(),
            templated: BTreeSet::new(),
            in_directories: BTreeSet::new(),
        }
    }

    /// Takes up a state that was stored: what files said, and the resources alive. Their rows are stored, too.
    pub fn resume(&mut self, files: Vec<(Arc<[u8]>, Arc<FileFacts>)>, resources: &[Resource]) {
        let files: Vec<_> = files.into_iter().map(|(path, facts)| (path, Some(facts))).collect();
        let touched: Vec<Touched<'_>> =
            resources.iter().map(|record| Touched { record, facts: Some(&record.facts) }).collect();
        let step = Arc::new(Step::default());
        self.commit(0, &step, &files, &touched, &mut Resolved::default());
    }

    /// Takes in one commit: the files that say something beside their resources, and its resources. `sequence` is the
    /// commit's. Answers the resolution of every touched resource, in their order: after the commit, or for a deleted one before it.
    pub fn commit(
        &mut self,
        sequence: u64,
        step: &Arc<Step>,
        files: &[Said],
        touched: &[Touched<'_>],
        rows: &mut Resolved,
    ) -> Vec<Arc<Resolution>> {
        let mut work = Work::default();
        for (path, facts) in files {
            let relevant = paths::relevant(path, facts.as_deref()).map(Arc::new);
            let file = self.paths.id(path, &mut work.paths);
            if self.paths.set_facts(file, relevant.clone(), &mut work.paths, &mut work.flagged) {
                work.resources.extend(&self.in_directories);
                rows.files.push(FileChange { sequence, step: step.clone(), path: path.clone(), facts: relevant });
            }
        }
        for touched in touched {
            self.take_in(touched, &mut work);
        }
        let row = Row { sequence, step, rows };
        self.resolve(&mut work, row);
        touched.iter().map(|touched| self.resolution(touched.record.id, &work)).collect()
    }

    fn resolution(&self, id: ResourceId, work: &Work) -> Arc<Resolution> {
        let slot = self.slots.get(id).or_else(|| work.gone.get(&id));
        slot.map(|slot| slot.resolution.clone()).unwrap_or_default()
    }

    fn take_in(&mut self, Touched { record, facts }: &Touched<'_>, work: &mut Work) {
        work.resources.insert(record.id);
        work.touched.insert(record.id);
        self.templated.remove(&record.id);
        self.in_directories.remove(&record.id);
        let before = self.slots.remove(record.id);
        if let Some(before) = &before {
            self.paths.node_mut(before.path).resources.retain(|id| *id != record.id);
            work.note(before);
        }
        let Some(facts) = facts else {
            if let Some(before) = before {
                self.stop(record.id, &before.builds, work);
                work.gone.insert(record.id, before);
            }
            return;
        };
        let path = self.paths.id(&record.path, &mut work.paths);
        self.paths.node_mut(path).resources.push(record.id);
        let mut slot = Slot::new(record, path, (*facts).clone());
        work.note(&slot);
        if let Some(before) = before {
            if charts::says_otherwise(&before, &slot) {
                work.own.insert(record.id);
            }
            slot.take_over(before);
        }
        if slot.is_templated() {
            self.templated.insert(record.id);
        }
        if slot.chart_reference().is_some_and(|reference| reference.kind == "GitRepository") {
            self.in_directories.insert(record.id);
        }
        self.slots.insert(record.id, slot);
        self.build(record.id, work);
    }

    /// Starts the builds of a builder's directories, moves them, or stops them.
    fn build(&mut self, id: ResourceId, work: &mut Work) {
        let Some(slot) = self.slots.get(id) else { return };
        let mut after = Vec::new();
        if let Some(directory) = self.directory(slot) {
            let is_application = slot.role == Role::Application;
            let namespace: Option<Arc<str>> = slot.facts.target_namespace.as_deref().map(Into::into);
            let (default_namespace, target_namespace) =
                if is_application { (namespace, None) } else { (None, namespace) };
            let mut components: Vec<Vec<u8>> =
                slot.components().filter_map(|component| paths::join(&directory, component.as_bytes())).collect();
            components.sort();
            components.dedup();
            let builder = Builder { resource: id, file: slot.path, base: None, target_namespace, default_namespace };
            let base = self.paths.id(&directory, &mut work.paths);
            after.push((base, builder.clone()));
            for component in components {
                let component = self.paths.id(&component, &mut work.paths);
                after.push((component, Builder { base: Some(base), ..builder.clone() }));
            }
        }
        let Some(slot) = self.slots.get_mut(id) else { return };
        if slot.builds != after {
            let before = std::mem::replace(&mut slot.builds, after.clone());
            self.stop(id, &before, work);
            for (directory, builder) in after {
                self.paths.start(directory, builder, &mut work.paths);
            }
        }
    }

    fn stop(&mut self, id: ResourceId, builds: &[(PathId, Builder)], work: &mut Work) {
        for (directory, _) in builds {
            self.paths.stop(*directory, id, &mut work.paths);
        }
    }

    /// The directory of this repository that a resource builds. A path of its own is taken to be in this repository: where it is not,
    /// nothing lies there. Of builds of a whole repository (path `./`) it has to be known that it is this one.
    fn directory(&self, slot: &Slot) -> Option<Vec<u8>> {
        match slot.role {
            Role::Builder => {}
            Role::Application if slot.facts.chart_name.is_none() && slot.facts.path.is_some() => {}
            _ => return None,
        }
        let directory = paths::join(b"", slot.facts.path.as_deref().unwrap_or_default().as_bytes())?;
        if !directory.is_empty() {
            return Some(directory);
        }
        let is_this =
            |url: &str| crate::model::source_identity(url).to_lowercase().ends_with(&format!("/{}", self.full_name));
        let is_this_one = match slot.source_reference() {
            _ if slot.role == Role::Application => slot.facts.url.as_deref().is_some_and(is_this),
            Some(reference) if reference.name == "flux-system" => true,
            // The same repository at another branch has other files.
            Some(reference) => key_of(reference).is_some_and(|key| {
                self.slots.named(&key).any(|(_, source)| {
                    let branch = source.facts.version.as_deref();
                    source.facts.url.as_deref().is_some_and(is_this) && matches!(branch, None | Some("main" | "master"))
                })
            }),
            None => false,
        };
        is_this_one.then_some(directory)
    }

    fn resolve(&mut self, work: &mut Work, mut row: Row<'_>) {
        for key in work.keys.clone() {
            let builders: Vec<ResourceId> = self.slots.users(&key).collect();
            for id in builders {
                if self.slots.get(id).is_some_and(|slot| slot.role == Role::Builder) {
                    self.build(id, work);
                }
            }
        }
        let reached = builds::solve(&mut self.paths, &work.paths);
        for file in reached.iter().chain(&work.flagged) {
            work.resources.extend(&self.paths.node(*file).resources);
        }
        if work.variables {
            work.resources.extend(&self.templated);
        }
        self.place_all(work);
        let mut users: BTreeSet<ResourceId> = work.keys.iter().flat_map(|key| self.slots.users(key)).collect();
        users.extend(&work.resources);
        // Releases follow charts, and charts follow sources: two steps.
        let mut charts = BTreeMap::new();
        for id in users.clone() {
            if let Some(slot) = self.slots.get(id).filter(|slot| slot.role == Role::HelmChart) {
                let chart = self.chart(slot);
                if chart != slot.resolution.chart {
                    users.extend(slot.key().iter().flat_map(|key| self.slots.users(key)));
                }
                charts.insert(id, chart);
            }
        }
        for (id, chart) in charts {
            self.finish(id, chart, work, &mut row);
        }
        // And releases follow their patches.
        let patches = users.iter().filter_map(|id| self.slots.get(*id)).filter(|slot| slot.placement.is_patch);
        let patched: BTreeSet<Key> = patches.filter_map(Slot::key).collect();
        users.extend(patched.iter().flat_map(|key| self.slots.users(key)));
        for id in users {
            match self.slots.get(id) {
                None => row.end(id, work),
                Some(slot) if slot.role == Role::HelmChart => {}
                Some(slot) => {
                    let chart = self.chart(slot);
                    self.finish(id, chart, work, &mut row);
                }
            }
        }
    }

    /// Resolves where resources are applied, and whether they are patches or vendored.
    fn place_all(&mut self, work: &mut Work) {
        for id in &work.resources {
            let Some(slot) = self.slots.get(*id) else { continue };
            let placement = Placement {
                namespaces: self.namespaces(slot),
                is_patch: self.paths.is_patch(slot.path),
                is_vendored: self.paths.is_vendored(slot.path),
            };
            if slot.is_templated() || placement.is_patch {
                work.keys.extend(slot.key());
            }
            if placement != slot.placement {
                work.keys.extend(slot.key());
                if let Some(slot) = self.slots.get_mut(*id) {
                    slot.placement = placement;
                }
            }
        }
    }

    /// Effective namespaces, one for each build that reaches the file: what overrides all, else its own, else the build's default.
    fn namespaces(&self, slot: &Slot) -> Vec<Arc<str>> {
        if slot.is_cluster_scoped {
            return Vec::new();
        }
        let own = |context: &Context| {
            let namespace =
                context.namespace.as_ref().or(slot.namespace.as_ref()).or(context.default_namespace.as_ref())?;
            match variables::is_templated(namespace) {
                true => self.fill(namespace, context.builder).map(Into::into),
                false => Some(namespace.clone()),
            }
        };
        let contexts = &self.paths.node(slot.path).contexts;
        let mut builds = contexts.builds().peekable();
        let mut namespaces: BTreeSet<Arc<str>> = match builds.peek() {
            Some(_) => builds.filter_map(own).collect(),
            None => own(&Context::default()).into_iter().collect(),
        };
        namespaces.remove("");
        namespaces.into_iter().collect()
    }

    /// Stores what is resolved of one resource, and the rows of what is new.
    fn finish(&mut self, id: ResourceId, chart: Option<Chart>, work: &Work, row: &mut Row<'_>) {
        let Some(slot) = self.slots.get(id) else { return };
        let edges = self.edges(slot);
        let Placement { namespaces, is_patch, is_vendored } = slot.placement.clone();
        let resolution = Resolution { namespaces, is_patch, is_vendored, chart };
        let is_new = !slot.has_row || resolution != *slot.resolution;
        if is_new && let (Some(before), Some(after)) = (&slot.resolution.chart, &resolution.chart) {
            let cause = match work.own.contains(&id) {
                true => None,
                false => {
                    let mut patches = self.patches_of(slot).into_iter().map(|(id, _)| id);
                    patches.find(|id| work.touched.contains(id)).or(after.source).or(before.source)
                }
            };
            row.version(id, before, after, cause);
        }
        row.edges(id, &slot.edges, &edges);
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.edges = edges;
        if is_new {
            slot.resolution = Arc::new(resolution);
            slot.has_row = true;
            let resolution = Some(slot.resolution.clone());
            row.rows.resolutions.push(ResolutionChange {
                sequence: row.sequence,
                step: row.step.clone(),
                resource: id,
                resolution,
            });
        }
    }

    /// One edge a reference, or one for each namespace where it is left to the referrer's.
    fn edges(&self, slot: &Slot) -> Vec<Edge> {
        let builder = self.builder(slot.path);
        let mut edges = Vec::with_capacity(slot.facts.references.len());
        for reference in &slot.facts.references {
            let edge = |namespace: Arc<str>, is_declared| {
                let Reference { field, kind, name, selector, produces, .. } = reference.clone();
                let name = self.fill(&name, builder).unwrap_or(name);
                Edge { field, kind, namespace, is_declared, name, selector, produces }
            };
            match &reference.namespace {
                Some(namespace) => edges.push(edge(namespace.as_str().into(), true)),
                None if reference.kind == DIRECTORY || slot.placement.namespaces.is_empty() => {
                    edges.push(edge("".into(), false))
                }
                None => edges.extend(slot.placement.namespaces.iter().map(|namespace| edge(namespace.clone(), false))),
            }
        }
        edges.sort();
        edges.dedup();
        edges
    }
}

/// Kind of the references that name a path.
const DIRECTORY: &str = "directory";
