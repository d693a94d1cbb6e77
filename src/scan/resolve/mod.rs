//! What resources mean in their whole repository, commit by commit: effective namespaces, the chart and version that a release installs,
//! references to others.
//!
//! The resolved values are a function of the state at a commit, whatever way led there. After each commit only what it may have changed is
//! resolved again:
//!
//! 1. Files and resources of the commit are taken in.
//! 2. [`builds`] tells which files are reached by other builds than before.
//! 3. Namespaces are resolved of the resources in them, and of those that the commit touched.
//! 4. Each resolution notes what it is [`reads`] from. Whoever read something that is other now is resolved again.
//! 5. What differs from before becomes rows.
//!
//! Nothing is read from its own kind of answer (namespaces need builds alone, HelmCharts namespaces, releases both), so that one pass through
//! the kinds ends it. The rules are those of Flux v2.9 and kustomize (`docs/resolution.md`).

mod builds;
mod charts;
mod lookup;
mod named;
mod paths;
mod reads;
mod rows;
mod scope;
mod slots;
mod variables;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use builds::Context;
use paths::{Builder, Changed, PathId, Paths};
use reads::{Read, Readers, Reads};
use slots::{Key, Placement, Role, Slot, Slots, key_of};

pub use paths::can_have_facts;
pub use rows::Resolved;
use rows::Row;

use crate::model::{
    Edge, Facts, FileChange, FileFacts, Reference, Repository, Resolution, ResolutionChange, Resource, ResourceId, Step,
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
    readers: Readers,
    /// How many sources are this repository, by what builders refer to them by.
    own_sources: HashMap<Key, usize>,
}

/// What one commit makes necessary.
#[derive(Default)]
struct Work {
    changed: Changed,
    /// What is other than before, for those who read it.
    other: BTreeSet<Read>,
    /// Sources that came or went as this repository.
    own_sources: BTreeSet<Key>,
    /// Resources that the commit changed.
    touched: BTreeSet<ResourceId>,
    /// Resources to resolve again: where they are applied is known already, and read from this.
    placed: BTreeMap<ResourceId, Reads>,
    /// Whether files are vendored, as far as it was asked.
    vendored: HashMap<PathId, bool>,
    /// Resources whose own manifest says something else of their chart than before.
    own: BTreeSet<ResourceId>,
    /// What the commit deleted, as it was.
    gone: BTreeMap<ResourceId, Slot>,
}

impl Work {
    fn note(&mut self, id: ResourceId, slot: &Slot) {
        match slot.role {
            // Others are looked up by nobody.
            Role::HelmRelease if !slot.placement.is_patch => {}
            Role::Builder | Role::Application => drop(self.other.insert(Read::Builder(id))),
            _ => {
                let namespaces = &slot.placement.namespaces;
                for key in slot.keys() {
                    let there = namespaces.iter().map(|namespace| Read::In(key.clone(), Some(namespace.clone())));
                    self.other.extend(there);
                    if namespaces.is_empty() {
                        self.other.insert(Read::In(key.clone(), None));
                    }
                    self.other.insert(Read::Named(key));
                }
            }
        }
    }
}

impl Resolver {
    pub fn new(repository: &Repository) -> Self {
        Self {
            full_name: repository.full_name().to_lowercase(),
            paths: Paths::new(),
            slots: Slots::default(),
            readers: Readers::default(),
            own_sources: HashMap::new(),
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
            let file = self.paths.id(path, &mut work.changed);
            if self.paths.set_facts(file, relevant.clone(), &mut work.changed) {
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
        work.touched.insert(record.id);
        let before = self.slots.remove(record.id);
        if let Some(before) = &before {
            self.paths.node_mut(before.path).resources.remove(&record.id);
            self.count_source(before, |count| count - 1, work);
            work.note(record.id, before);
        }
        let Some(facts) = facts else {
            if let Some(before) = before {
                self.stop(&before.builds, work);
                work.gone.insert(record.id, before);
            }
            return;
        };
        let path = self.paths.id(&record.path, &mut work.changed);
        self.paths.node_mut(path).resources.insert(record.id);
        let mut slot = Slot::new(record, path, (*facts).clone());
        self.count_source(&slot, |count| count + 1, work);
        if let Some(before) = before {
            if charts::says_otherwise(&before, &slot) {
                work.own.insert(record.id);
            }
            slot.take_over(before);
        }
        work.note(record.id, &slot);
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
            let base = self.paths.id(&directory, &mut work.changed);
            let builder = Builder {
                resource: id,
                file: slot.path,
                base,
                is_component: false,
                target_namespace,
                default_namespace,
            };
            after.push((base, builder.clone()));
            for component in components {
                let component = self.paths.id(&component, &mut work.changed);
                after.push((component, Builder { is_component: true, ..builder.clone() }));
            }
        }
        let Some(slot) = self.slots.get_mut(id) else { return };
        if slot.builds != after {
            let before = std::mem::replace(&mut slot.builds, after.clone());
            self.stop(&before, work);
            for (directory, builder) in after {
                self.paths.start(directory, builder, &mut work.changed);
            }
        }
    }

    fn stop(&mut self, builds: &[(PathId, Builder)], work: &mut Work) {
        for (directory, builder) in builds {
            self.paths.stop(*directory, builder, &mut work.changed);
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
        let is_this_one = match slot.source_reference() {
            _ if slot.role == Role::Application => slot.facts.url.as_deref().is_some_and(|url| self.is_this(url)),
            Some(reference) if reference.name == "flux-system" => true,
            Some(reference) => key_of(reference).is_some_and(|key| self.own_sources.contains_key(&key)),
            None => false,
        };
        is_this_one.then_some(directory)
    }

    /// Whether a URL is this repository's.
    fn is_this(&self, url: &str) -> bool {
        crate::model::source_identity(url).to_lowercase().ends_with(&format!("/{}", self.full_name))
    }

    fn count_source(&mut self, slot: &Slot, count: impl Fn(usize) -> usize, work: &mut Work) {
        // The same repository at another branch has other files.
        let is_main = matches!(slot.facts.version.as_deref(), None | Some("main" | "master"));
        let is_this_one = is_main && slot.facts.url.as_deref().is_some_and(|url| self.is_this(url));
        let Some(key) = slot.key().filter(|_| is_this_one) else { return };
        let before = self.own_sources.get(&key).copied().unwrap_or_default();
        let after = count(before);
        match after {
            0 => self.own_sources.remove(&key),
            _ => self.own_sources.insert(key.clone(), after),
        };
        if before == 0 || after == 0 {
            work.own_sources.insert(key);
        }
    }

    fn resolve(&mut self, work: &mut Work, mut row: Row<'_>) {
        for key in std::mem::take(&mut work.own_sources) {
            for id in self.slots.builders(&key).collect::<Vec<_>>() {
                self.build(id, work);
            }
        }
        self.paths.follow_switched(&mut work.changed);
        let reached = builds::solve(&mut self.paths, &work.changed.paths);
        let others: Vec<PathId> = reached.into_iter().chain(work.changed.flagged.iter().copied()).collect();
        let mut waiting: Vec<ResourceId> = work.touched.iter().copied().collect();
        for path in others {
            waiting.extend(&self.paths.node(path).resources);
            work.other.insert(Read::Path(path));
        }
        let charts = work.changed.charts.iter().map(|directory| Read::Chart(self.paths.path(*directory).clone()));
        work.other.extend(charts);
        self.place_all(waiting, work);
        // Releases follow charts, and charts follow sources: two steps.
        for id in self.placed(work, |role| role == Role::HelmChart) {
            self.finish(id, work, &mut row);
        }
        self.place_all(Vec::new(), work);
        for id in self.placed(work, |role| role != Role::HelmChart) {
            self.finish(id, work, &mut row);
        }
        for id in work.gone.keys() {
            self.readers.set(*id, BTreeSet::new());
            row.end(*id, work);
        }
    }

    fn placed(&self, work: &Work, is_of: impl Fn(Role) -> bool) -> Vec<ResourceId> {
        let is_of = |id: &ResourceId| self.slots.get(*id).is_some_and(|slot| is_of(slot.role));
        work.placed.keys().copied().filter(is_of).collect()
    }

    /// Resolves where resources are applied, and whether they are patches or vendored: of those that wait, and of all that read something that is
    /// other now.
    fn place_all(&mut self, mut waiting: Vec<ResourceId>, work: &mut Work) {
        loop {
            for id in waiting.drain(..) {
                if !work.placed.contains_key(&id) {
                    self.place(id, work);
                }
            }
            let other = std::mem::take(&mut work.other);
            waiting.extend(other.iter().flat_map(|read| self.readers.of(read)));
            if waiting.is_empty() {
                return;
            }
        }
    }

    fn place(&mut self, id: ResourceId, work: &mut Work) {
        let Some(slot) = self.slots.get(id) else { return };
        let reads = Reads::default();
        let placement = Placement {
            namespaces: self.namespaces(slot, &reads),
            is_patch: self.paths.is_patch(slot.path),
            is_vendored: *work.vendored.entry(slot.path).or_insert_with(|| self.paths.is_vendored(slot.path)),
        };
        work.placed.insert(id, reads);
        if placement != slot.placement {
            work.note(id, slot);
            self.slots.place(id, placement);
            if let Some(slot) = self.slots.get(id) {
                work.note(id, slot);
            }
        }
    }

    /// Effective namespaces, one for each build that reaches the file: what overrides all, else its own, else the build's default.
    fn namespaces(&self, slot: &Slot, reads: &Reads) -> Vec<Arc<str>> {
        if slot.is_cluster_scoped {
            return Vec::new();
        }
        let own = |context: &Context| {
            let namespace =
                context.namespace.as_ref().or(slot.namespace.as_ref()).or(context.default_namespace.as_ref())?;
            match variables::is_templated(namespace) {
                true => self.fill(namespace, context.builder, reads).map(Into::into),
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
    fn finish(&mut self, id: ResourceId, work: &mut Work, row: &mut Row<'_>) {
        let Some((slot, reads)) = self.slots.get(id).zip(work.placed.remove(&id)) else { return };
        let chart = self.chart(slot, &reads);
        let edges = self.edges(slot, &reads);
        let Placement { namespaces, is_patch, is_vendored } = slot.placement.clone();
        let resolution = Resolution { namespaces, is_patch, is_vendored, chart };
        let is_new = !slot.has_row || resolution != *slot.resolution;
        if is_new && let (Some(before), Some(after)) = (&slot.resolution.chart, &resolution.chart) {
            let cause = match work.own.contains(&id) {
                true => None,
                false => {
                    let patches = self.patches_of(slot, &reads).into_iter().map(|(id, _)| id);
                    let mut others = patches.chain(self.makers_of(slot, &reads));
                    others.find(|id| work.touched.contains(id)).or(after.source).or(before.source)
                }
            };
            row.version(id, before, after, cause);
        }
        row.edges(id, &slot.edges, &edges);
        if slot.role == Role::HelmChart && is_new {
            work.note(id, slot);
        }
        self.readers.set(id, reads.into_set());
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
    fn edges(&self, slot: &Slot, reads: &Reads) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(slot.facts.references.len());
        for reference in &slot.facts.references {
            let edge = |namespace: Arc<str>, is_declared| {
                let Reference { field, kind, name, selector, produces, .. } = reference.clone();
                let name = self.fill_in(slot, &name, reads).unwrap_or(name);
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
