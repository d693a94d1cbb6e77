//! The repository's directories and files as far as builds need them: who includes whom, and where resources lie.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::builds::Contexts;
use crate::model::{FileFacts, KustomizationFile, ResourceId};

/// A path of the repository; a directory, a file, or one that is only named by a kustomization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u32);

/// A Flux Kustomization (or an Argo CD Application) that builds a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builder {
    pub resource: ResourceId,
    /// The file that declares it.
    pub file: PathId,
    /// Of a component (`spec.components`): the directory whose kustomization it is added to.
    pub base: Option<PathId>,
    /// Overrides the namespace of all resources.
    pub target_namespace: Option<Arc<str>>,
    /// Stands where a resource has none.
    pub default_namespace: Option<Arc<str>>,
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
    /// Resources alive in this file.
    pub resources: Vec<ResourceId>,
    /// Flux Kustomizations that build this directory.
    pub builders: Vec<Builder>,
    /// Directories that Flux Kustomizations declared in this file build.
    starts: Vec<PathId>,
    /// Directories whose kustomization lists this path.
    pub included_by: Vec<PathId>,
    patched_by: Vec<PathId>,
    pub contexts: Contexts,
}

/// All paths that were ever named; a path keeps its id.
#[derive(Debug)]
pub struct Paths {
    ids: HashMap<Arc<[u8]>, PathId>,
    nodes: Vec<Node>,
    /// Files that declare builders.
    starting: BTreeSet<PathId>,
}

/// File names of a kustomization that kubestats reads, the one that counts first (kustomize refuses a directory with both).
const KUSTOMIZATION_FILES: [&[u8]; 2] = [b"kustomization.yaml", b"kustomization.yml"];
/// A file that more directories include than this is not searched for more patches.
const MAX_INCLUDERS: usize = 1_000;
const CHART_FILE: &[u8] = b"Chart.yaml";
const FLUX_COMPONENTS: &[u8] = b"gotk-components.yaml";

impl Paths {
    pub fn new() -> Self {
        let mut paths = Self { ids: HashMap::new(), nodes: Vec::new(), starting: BTreeSet::new() };
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
    pub fn id(&mut self, path: &[u8], changed: &mut impl Extend<PathId>) -> PathId {
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
            changed.extend([parent]);
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
            resources: Vec::new(),
            builders: Vec::new(),
            starts: Vec::new(),
            included_by: Vec::new(),
            patched_by: Vec::new(),
            contexts: Contexts::default(),
        });
        if id != parent {
            self.node_mut(parent).children.push(id);
        }
        id
    }

    /// The path that a directory's kustomization means by `text`; `None` when it leads out of the repository.
    fn relative(&mut self, directory: PathId, text: &str, changed: &mut impl Extend<PathId>) -> Option<PathId> {
        let path = join(self.path(directory), text.as_bytes())?;
        Some(self.id(&path, changed))
    }

    pub fn kustomization(&self, directory: PathId) -> Option<&Kustomization> {
        self.node(directory).kustomization.as_ref()
    }

    /// Paths whose contexts come from this one's.
    pub fn reached_from(&self, path: PathId) -> impl Iterator<Item = PathId> {
        let node = self.node(path);
        let includes = node.kustomization.as_ref().map_or(&[][..], |kustomization| &kustomization.includes);
        let children = if node.kustomization.is_some() { &[][..] } else { &node.children };
        // A component takes the namespace of the kustomization that it is added to.
        let components = node.builders.iter().filter(|builder| builder.base.is_none()).flat_map(move |builder| {
            let starts = &self.node(builder.file).starts;
            starts.iter().filter(move |start| self.node(**start).builders.iter().any(|other| other.base == Some(path)))
        });
        includes.iter().chain(children).chain(&node.starts).chain(components).copied()
    }

    /// Has a directory built; `changed` takes what may be reached by other builds now.
    pub fn start(&mut self, directory: PathId, builder: Builder, changed: &mut impl Extend<PathId>) {
        self.node_mut(builder.file).starts.push(directory);
        self.starting.insert(builder.file);
        self.node_mut(directory).builders.push(builder);
        self.note_start(directory, changed);
    }

    /// Takes a build back.
    pub fn stop(&mut self, directory: PathId, resource: ResourceId, changed: &mut impl Extend<PathId>) {
        self.note_start(directory, changed);
        let builders = &mut self.node_mut(directory).builders;
        let (stopped, kept): (Vec<Builder>, Vec<Builder>) =
            std::mem::take(builders).into_iter().partition(|builder| builder.resource == resource);
        *builders = kept;
        for builder in stopped {
            let starts = &mut self.node_mut(builder.file).starts;
            if let Some(at) = starts.iter().position(|start| *start == directory) {
                starts.swap_remove(at);
            }
            if starts.is_empty() {
                self.starting.remove(&builder.file);
            }
        }
    }

    /// Whether the Flux Kustomizations below a directory count depends on who builds it.
    fn note_start(&self, directory: PathId, changed: &mut impl Extend<PathId>) {
        changed.extend([directory]);
        let path = self.path(directory);
        let below = self.starting.iter().map(|file| self.node(*file)).filter(|node| is_below(&node.path, path));
        changed.extend(below.flat_map(|node| node.starts.iter().copied()));
    }

    /// Whether a build takes place. A Flux Kustomization in a file that another one's directory holds has to be applied by a build itself: with
    /// its file left out of a kustomization it is switched off. One that builds its own file is a root.
    pub fn is_on(&self, builder: &Builder) -> bool {
        let mut directory = self.node(builder.file).parent;
        let mut is_below_others = false;
        loop {
            for other in self.node(directory).builders.iter().filter(|other| other.base.is_none()) {
                if other.resource == builder.resource {
                    return true;
                }
                is_below_others = true;
            }
            if directory == self.root() {
                return !is_below_others || self.node(builder.file).contexts.any_flux();
            }
            directory = self.node(directory).parent;
        }
    }

    /// Sets what a file says beside its resources. Paths whose contexts may be others now are added to `changed`, files whose flags may be
    /// others to `flagged`. False when nothing changed.
    pub fn set_facts(
        &mut self,
        file: PathId,
        facts: Option<Arc<FileFacts>>,
        changed: &mut impl Extend<PathId>,
        flagged: &mut Vec<PathId>,
    ) -> bool {
        if self.node(file).facts == facts {
            return false;
        }
        let had_chart = self.node(file).facts.as_ref().is_some_and(|facts| facts.chart.is_some());
        let has_chart = facts.as_ref().is_some_and(|facts| facts.chart.is_some());
        self.node_mut(file).facts = facts;
        let directory = self.node(file).parent;
        self.read_kustomization(directory, changed, flagged);
        if had_chart != has_chart {
            self.files_below(directory, flagged);
        }
        true
    }

    fn read_kustomization(&mut self, directory: PathId, changed: &mut impl Extend<PathId>, flagged: &mut Vec<PathId>) {
        let file = KUSTOMIZATION_FILES.iter().find_map(|name| {
            let file = self.ids.get(&child(self.path(directory), name)[..])?;
            self.node(*file).facts.clone().filter(|facts| facts.kustomization.is_some())
        });
        let file = file.as_ref().and_then(|facts| facts.kustomization.as_ref());
        let after = file.map(|file| self.find(directory, file, changed));
        if self.node(directory).kustomization == after {
            return;
        }
        changed.extend([directory]);
        changed.extend(self.reached_from(directory).collect::<Vec<_>>());
        let before = std::mem::replace(&mut self.node_mut(directory).kustomization, after);
        changed.extend(self.reached_from(directory).collect::<Vec<_>>());
        if let Some(before) = before {
            for path in before.includes {
                self.node_mut(path).included_by.retain(|by| *by != directory);
                flagged.push(path);
            }
            for path in before.patches {
                self.node_mut(path).patched_by.retain(|by| *by != directory);
                flagged.push(path);
            }
        }
        let Some(Kustomization { includes, patches, .. }) = self.kustomization(directory) else { return };
        let (includes, patches) = (includes.clone(), patches.clone());
        flagged.extend(includes.iter().chain(&patches));
        for path in includes {
            self.node_mut(path).included_by.push(directory);
        }
        for path in patches {
            self.node_mut(path).patched_by.push(directory);
        }
    }

    fn find(
        &mut self,
        directory: PathId,
        file: &KustomizationFile,
        changed: &mut impl Extend<PathId>,
    ) -> Kustomization {
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

    fn files_below(&self, directory: PathId, found: &mut Vec<PathId>) {
        let mut waiting = vec![directory];
        while let Some(path) = waiting.pop() {
            let node = self.node(path);
            waiting.extend(&node.children);
            if !node.resources.is_empty() {
                found.push(path);
            }
        }
    }

    /// Directories whose kustomizations include a path, directly or through others: the innermost first, then by path.
    pub fn includers(&self, path: PathId) -> Vec<PathId> {
        let mut found: Vec<PathId> = Vec::new();
        let mut seen: BTreeSet<PathId> = BTreeSet::new();
        let mut level = vec![path];
        while !level.is_empty() && found.len() < MAX_INCLUDERS {
            let mut next: Vec<PathId> = level.iter().flat_map(|path| &self.node(*path).included_by).copied().collect();
            next.retain(|directory| seen.insert(*directory));
            next.sort_by(|one, two| self.path(*one).cmp(self.path(*two)));
            found.extend(&next);
            level = next;
        }
        found
    }

    /// Whether a directory's kustomization applies a file as a patch.
    pub fn patches(&self, directory: PathId, file: PathId) -> bool {
        self.node(file).patched_by.contains(&directory)
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
        loop {
            if self.chart(directory).is_some() {
                return true;
            }
            if directory == self.root() {
                return false;
            }
            directory = self.node(directory).parent;
        }
    }

    /// The chart that lies in a directory.
    pub fn chart(&self, directory: PathId) -> Option<&crate::model::ChartFile> {
        let file = self.ids.get(&child(self.path(directory), CHART_FILE)[..])?;
        self.node(*file).facts.as_ref()?.chart.as_ref()
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
