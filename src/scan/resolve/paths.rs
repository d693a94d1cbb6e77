//! The repository's directories and files as far as builds need them: who includes whom, and where resources lie.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::builds::Contexts;
use crate::model::{ChartFile, FileFacts, KustomizationFile, ResourceId};

/// A path of the repository; a directory, a file, or one that is only named by a kustomization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u32);

/// A Flux Kustomization (or an Argo CD Application) that builds a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builder {
    pub resource: ResourceId,
    /// The file that declares it.
    pub file: PathId,
    /// The directory of its `spec.path`.
    pub base: PathId,
    /// It builds one of its `spec.components`, which is added to the kustomization of the base.
    pub is_component: bool,
    /// Overrides the namespace of all resources.
    pub target_namespace: Option<Arc<str>>,
    /// Stands where a resource has none.
    pub default_namespace: Option<Arc<str>>,
}

/// One build of a directory: whose it is, and whether as a component.
type Build = (ResourceId, bool);

/// What a commit changed of the paths.
#[derive(Debug, Default)]
pub struct Changed {
    /// Paths whose contexts may be others.
    pub paths: BTreeSet<PathId>,
    /// Paths that others include or patch than before, and files whose flags may be others.
    pub flagged: BTreeSet<PathId>,
    /// Directories of charts that are others.
    pub charts: Vec<PathId>,
    /// Directories that somebody builds whom nobody built before, or the other way round.
    switched: BTreeSet<PathId>,
}

/// A kustomization with its paths found.
#[derive(Debug, PartialEq, Eq)]
pub struct Kustomization {
    pub namespace: Option<Arc<str>>,
    /// Sorted, distinct.
    includes: Vec<PathId>,
    patches: Vec<PathId>,
}

/// What is known of one path.
#[derive(Debug)]
pub struct Node {
    path: Arc<[u8]>,
    /// The directory it lies in; the root's is itself.
    pub parent: PathId,
    children: Vec<PathId>,
    /// Of a file that says something beside its resources.
    pub facts: Option<Arc<FileFacts>>,
    /// Of a directory.
    kustomization: Option<Kustomization>,
    /// The `Chart.yaml` of a directory.
    chart: Option<PathId>,
    /// Resources alive in this file.
    pub resources: BTreeSet<ResourceId>,
    /// Flux Kustomizations that build this directory.
    builders: BTreeMap<Build, Builder>,
    /// How many of them by their `spec.path`.
    built: usize,
    /// Directories that Flux Kustomizations declared in this file build.
    starts: BTreeSet<(PathId, Build)>,
    /// Components that are added to this directory.
    components: BTreeSet<(PathId, ResourceId)>,
    /// Directories whose kustomization lists this path.
    pub included_by: BTreeSet<PathId>,
    pub patched_by: BTreeSet<PathId>,
    pub contexts: Contexts,
}

/// All paths that were ever named; a path keeps its id.
#[derive(Debug)]
pub struct Paths {
    ids: HashMap<Arc<[u8]>, PathId>,
    nodes: Vec<Node>,
    /// Files that declare builders.
    starting: BTreeMap<Arc<[u8]>, PathId>,
}

/// File names of a kustomization that kubestats reads, the one that counts first (kustomize refuses a directory with both).
const KUSTOMIZATION_FILES: [&[u8]; 2] = [b"kustomization.yaml", b"kustomization.yml"];
/// The kustomizations that include more, seen from one file, are not searched for its patches.
const MAX_INCLUDERS: usize = 256;
const CHART_FILE: &[u8] = b"Chart.yaml";
const FLUX_COMPONENTS: &[u8] = b"gotk-components.yaml";

impl Paths {
    pub fn new() -> Self {
        let mut paths = Self { ids: HashMap::new(), nodes: Vec::new(), starting: BTreeMap::new() };
        paths.insert(Arc::from(&b""[..]), PathId(0));
        paths
    }

    pub fn root(&self) -> PathId {
        PathId(0)
    }

    pub fn node(&self, path: PathId) -> &Node {
        &self.nodes[path.0 as usize]
    }

    pub fn node_mut(&mut self, path: PathId) -> &mut Node {
        &mut self.nodes[path.0 as usize]
    }

    pub fn path(&self, path: PathId) -> &Arc<[u8]> {
        &self.node(path).path
    }

    /// The id of a path; it and the directories above it are made where they are new. New paths have no contexts yet: they
    /// are among what is `changed` for the next solution.
    pub fn id(&mut self, path: &[u8], changed: &mut Changed) -> PathId {
        if let Some(known) = self.ids.get(path) {
            return *known;
        }
        // From the first directory that is known downwards: a path may have thousands of levels.
        let mut ends: Vec<usize> = vec![path.len()];
        let mut parent = self.root();
        while let Some(slash) = path[..ends[ends.len() - 1]].iter().rposition(|byte| *byte == b'/') {
            if let Some(known) = self.ids.get(&path[..slash]) {
                parent = *known;
                break;
            }
            ends.push(slash);
        }
        for end in ends.into_iter().rev() {
            parent = self.insert(Arc::from(&path[..end]), parent);
            changed.paths.insert(parent);
        }
        parent
    }

    fn insert(&mut self, path: Arc<[u8]>, parent: PathId) -> PathId {
        let id = PathId(u32::try_from(self.nodes.len()).expect("four thousand million paths do not fit into memory"));
        self.ids.insert(path.clone(), id);
        self.nodes.push(Node {
            path,
            parent,
            children: Vec::new(),
            facts: None,
            kustomization: None,
            chart: None,
            resources: BTreeSet::new(),
            builders: BTreeMap::new(),
            built: 0,
            starts: BTreeSet::new(),
            components: BTreeSet::new(),
            included_by: BTreeSet::new(),
            patched_by: BTreeSet::new(),
            contexts: Contexts::default(),
        });
        if id != parent {
            self.node_mut(parent).children.push(id);
        }
        id
    }

    /// The path that a directory's kustomization means by `text`; `None` when it leads out of the repository.
    fn relative(&mut self, directory: PathId, text: &str, changed: &mut Changed) -> Option<PathId> {
        let path = join(self.path(directory), text.as_bytes())?;
        Some(self.id(&path, changed))
    }

    pub fn kustomization(&self, directory: PathId) -> Option<&Kustomization> {
        self.node(directory).kustomization.as_ref()
    }

    /// Paths whose contexts come from this one's.
    pub fn reached_from(&self, path: PathId) -> impl Iterator<Item = PathId> {
        let starts = self.node(path).starts.iter().map(|(directory, _)| *directory);
        self.contained(path).chain(self.included(path)).chain(starts)
    }

    /// What Flux builds with a directory without a kustomization.
    pub fn contained(&self, directory: PathId) -> impl Iterator<Item = PathId> {
        let node = self.node(directory);
        let children = if node.kustomization.is_some() { &[][..] } else { &node.children };
        children.iter().copied()
    }

    /// What the kustomization of a directory includes.
    pub fn included(&self, directory: PathId) -> impl Iterator<Item = PathId> {
        let kustomization = self.node(directory).kustomization.as_ref();
        kustomization.into_iter().flat_map(|kustomization| &kustomization.includes).copied()
    }

    /// The builders of a directory.
    pub fn builders(&self, directory: PathId) -> impl ExactSizeIterator<Item = &Builder> {
        self.node(directory).builders.values()
    }

    /// The builders that a file declares, and what they build.
    pub fn started(&self, file: PathId) -> impl Iterator<Item = (PathId, &Builder)> {
        let starts = self.node(file).starts.iter();
        starts.filter_map(|(directory, build)| Some((*directory, self.node(*directory).builders.get(build)?)))
    }

    /// Has a directory built; `changed` takes what may be reached by other builds now.
    pub fn start(&mut self, directory: PathId, builder: Builder, changed: &mut Changed) {
        changed.paths.insert(directory);
        let Builder { resource, file, base, is_component, .. } = builder;
        if is_component {
            self.node_mut(base).components.insert((directory, resource));
        } else {
            self.count(directory, |built| built + 1, changed);
        }
        let build = (resource, is_component);
        self.node_mut(file).starts.insert((directory, build));
        self.starting.insert(self.path(file).clone(), file);
        self.node_mut(directory).builders.insert(build, builder);
    }

    /// Takes a build back.
    pub fn stop(&mut self, directory: PathId, builder: &Builder, changed: &mut Changed) {
        let Builder { resource, file, base, is_component, .. } = *builder;
        let build = (resource, is_component);
        if self.node_mut(directory).builders.remove(&build).is_none() {
            return;
        }
        changed.paths.insert(directory);
        if is_component {
            self.node_mut(base).components.remove(&(directory, resource));
        } else {
            self.count(directory, |built| built - 1, changed);
        }
        let node = self.node_mut(file);
        node.starts.remove(&(directory, build));
        if node.starts.is_empty() {
            let path = node.path.clone();
            self.starting.remove(&path);
        }
    }

    fn count(&mut self, directory: PathId, count: impl Fn(usize) -> usize, changed: &mut Changed) {
        let node = self.node_mut(directory);
        let before = node.built;
        node.built = count(before);
        if (before == 0) != (node.built == 0) {
            changed.switched.insert(directory);
        }
    }

    /// Adds the directories whose builds may be on or off now: whether the Flux Kustomizations below a directory count depends on whether
    /// somebody builds it.
    pub fn follow_switched(&self, changed: &mut Changed) {
        let mut switched: Vec<&Arc<[u8]>> =
            std::mem::take(&mut changed.switched).into_iter().map(|directory| self.path(directory)).collect();
        switched.sort();
        let mut outermost: Vec<&[u8]> = Vec::new();
        for directory in switched {
            // What lies below one is below it, too: directories of one stand together, but for others between them (`a`, `a-b`, `a/b`).
            let mut ends = directory.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            let is_outermost = |folder: &[u8]| outermost.binary_search(&folder).is_ok();
            if !is_outermost(b"") && !ends.any(|end| is_outermost(&directory[..end])) {
                outermost.push(directory);
            }
        }
        for directory in outermost {
            let prefix = if directory.is_empty() { Vec::new() } else { [directory, b"/"].concat() };
            let files = self.starting.range::<[u8], _>((Excluded(&prefix[..]), Unbounded));
            for (_, file) in files.take_while(|(path, _)| path.starts_with(&prefix)) {
                changed.paths.extend(self.node(*file).starts.iter().map(|(started, _)| *started));
            }
        }
    }

    /// Whether a build takes place. A Flux Kustomization in a file that another one's directory holds has to be applied by a build itself: with
    /// its file left out of a kustomization it is switched off. One that builds its own file is a root.
    pub fn is_on(&self, builder: &Builder) -> bool {
        let file = self.node(builder.file);
        is_below(&file.path, self.path(builder.base)) || file.contexts.any_flux() || !self.is_built(file.parent)
    }

    /// Whether somebody builds a directory, or one above it.
    fn is_built(&self, mut directory: PathId) -> bool {
        while self.node(directory).built == 0 {
            if directory == self.root() {
                return false;
            }
            directory = self.node(directory).parent;
        }
        true
    }

    /// Sets what a file says beside its resources. False when nothing changed.
    pub fn set_facts(&mut self, file: PathId, facts: Option<Arc<FileFacts>>, changed: &mut Changed) -> bool {
        if self.node(file).facts == facts {
            return false;
        }
        let chart = |facts: &Option<Arc<FileFacts>>| facts.as_ref().and_then(|facts| facts.chart.clone());
        let (before, after) = (chart(&self.node(file).facts), chart(&facts));
        self.node_mut(file).facts = facts;
        let directory = self.node(file).parent;
        self.read_kustomization(directory, changed);
        if before != after {
            self.node_mut(directory).chart = after.as_ref().map(|_| file);
            changed.charts.push(directory);
        }
        if before.is_some() != after.is_some() {
            self.files_below(directory, &mut changed.flagged);
        }
        true
    }

    fn read_kustomization(&mut self, directory: PathId, changed: &mut Changed) {
        let file = KUSTOMIZATION_FILES.iter().find_map(|name| {
            let file = self.ids.get(&child(self.path(directory), name)[..])?;
            self.node(*file).facts.clone().filter(|facts| facts.kustomization.is_some())
        });
        let file = file.as_ref().and_then(|facts| facts.kustomization.as_ref());
        let after = file.map(|file| self.find(directory, file, changed));
        if self.node(directory).kustomization == after {
            return;
        }
        changed.paths.insert(directory);
        changed.paths.extend(self.reached_from(directory));
        // A component takes the namespace of the kustomization that it is added to.
        changed.paths.extend(self.node(directory).components.iter().map(|(component, _)| *component));
        let before = std::mem::replace(&mut self.node_mut(directory).kustomization, after);
        changed.paths.extend(self.reached_from(directory));
        for Kustomization { includes, patches, .. } in before.into_iter() {
            for path in includes {
                self.node_mut(path).included_by.remove(&directory);
                changed.flagged.insert(path);
            }
            for path in patches {
                self.node_mut(path).patched_by.remove(&directory);
                changed.flagged.insert(path);
            }
        }
        let Some(Kustomization { includes, patches, .. }) = self.kustomization(directory) else { return };
        let (includes, patches) = (includes.clone(), patches.clone());
        changed.flagged.extend(includes.iter().chain(&patches));
        for path in includes {
            self.node_mut(path).included_by.insert(directory);
        }
        for path in patches {
            self.node_mut(path).patched_by.insert(directory);
        }
    }

    fn find(&mut self, directory: PathId, file: &KustomizationFile, changed: &mut Changed) -> Kustomization {
        let mut ids = |paths: &[String]| {
            let mut found: Vec<PathId> =
                paths.iter().filter_map(|path| self.relative(directory, path, changed)).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        Kustomization {
            includes: ids(&file.includes),
            patches: ids(&file.patches),
            namespace: file.namespace.as_deref().map(Into::into),
        }
    }

    fn files_below(&self, directory: PathId, found: &mut BTreeSet<PathId>) {
        let mut waiting = vec![directory];
        while let Some(path) = waiting.pop() {
            let node = self.node(path);
            waiting.extend(&node.children);
            if !node.resources.is_empty() {
                found.insert(path);
            }
        }
    }

    /// Directories whose kustomizations include a path, directly or through others: the innermost first, then by path. `read` is told of each
    /// path whose includers were asked for.
    pub fn includers(&self, path: PathId, read: impl Fn(PathId)) -> Vec<PathId> {
        let mut found: Vec<PathId> = Vec::new();
        let mut seen: BTreeSet<PathId> = BTreeSet::new();
        let mut level = vec![path];
        while !level.is_empty() {
            level.iter().copied().for_each(&read);
            let mut next: Vec<PathId> = Vec::new();
            for directory in level.iter().flat_map(|path| &self.node(*path).included_by) {
                if seen.insert(*directory) {
                    next.push(*directory);
                }
                if seen.len() > MAX_INCLUDERS {
                    return found;
                }
            }
            next.sort_by(|one, two| self.path(*one).cmp(self.path(*two)));
            found.extend(&next);
            level = next;
        }
        found
    }

    /// Whether the file is a patch, and no kustomization lists it as a resource.
    pub fn is_patch(&self, file: PathId) -> bool {
        let node = self.node(file);
        !node.patched_by.is_empty() && node.included_by.is_empty()
    }

    /// Whether the file is Flux's own, or lies in a chart's folder.
    pub fn is_vendored(&self, file: PathId) -> bool {
        if file_name(self.path(file)) == FLUX_COMPONENTS {
            return true;
        }
        let mut directory = self.node(file).parent;
        while self.node(directory).chart.is_none() {
            if directory == self.root() {
                return false;
            }
            directory = self.node(directory).parent;
        }
        true
    }

    /// The chart that lies in a directory.
    pub fn chart(&self, directory: PathId) -> Option<&ChartFile> {
        self.node(self.node(directory).chart?).facts.as_ref()?.chart.as_ref()
    }

    /// A path that is known already.
    pub fn known(&self, path: &[u8]) -> Option<PathId> {
        self.ids.get(path).copied()
    }
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// The facts that count under a file's name.
pub fn relevant(path: &[u8], facts: Option<&FileFacts>) -> Option<FileFacts> {
    let facts = facts?;
    let name = file_name(path);
    let mut found = FileFacts::default();
    if KUSTOMIZATION_FILES.contains(&name) {
        found.kustomization.clone_from(&facts.kustomization);
    } else if name == CHART_FILE {
        found.chart.clone_from(&facts.chart);
    } else if name == FLUX_COMPONENTS {
        found.flux_version.clone_from(&facts.flux_version);
    }
    (found != FileFacts::default()).then_some(found)
}

/// Whether a file of this path can say something beside its resources.
pub fn can_have_facts(path: &[u8]) -> bool {
    let name = file_name(path);
    KUSTOMIZATION_FILES.contains(&name) || name == CHART_FILE || name == FLUX_COMPONENTS
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn child(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, name].join(&b'/') }
}

/// `text` as a path below the repository's root, seen from `directory`; `None` when it leads out.
pub fn join(directory: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = directory.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    for part in text.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}
