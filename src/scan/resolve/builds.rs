//! Which builds reach which files: kustomizations and what they include, Flux Kustomizations and the directories they build.
//!
//! Every path has a set of [`Context`]s, one for each way in which a build reaches it. They are the least solution of one equation for
//! each path, so they do not depend on the order in which a history brought things about:
//!
//! * a Flux Kustomization whose `spec.path` is the directory starts a build there, and at its `spec.components`, unless it is switched off itself
//!   ([`Paths::is_on`]);
//! * a directory or file that a kustomization lists is reached by all builds of that kustomization, whose `namespace` applies unless one
//!   further out does (rule 2 of effective namespaces);
//! * where a directory has no kustomization, Flux generates one from all files and directories below it (fluxcd/pkg, kustomize generator):
//!   they are reached by what reaches the directory;
//! * a kustomization that nobody includes or builds is a root: someone may build it by hand, or Argo CD.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::paths::{Builder, PathId, Paths};
use crate::model::ResourceId;

/// One way in which a build reaches a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context {
    /// What overrides the namespace of all resources: the target namespace of the Flux Kustomization, or the outermost `namespace` of the
    /// kustomizations on the way.
    pub namespace: Option<Arc<str>>,
    /// What a resource without a namespace gets: the destination of an Argo CD Application.
    pub default_namespace: Option<Arc<str>>,
    /// The Flux Kustomization (or Application) that builds; none for a root.
    pub builder: Option<ResourceId>,
}

/// A path that more builds reach than this is not resolved: no real file comes near, and a hostile one must not cost more.
pub const MAX_CONTEXTS: usize = 64;

/// The contexts of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    known: BTreeSet<Context>,
    too_many: bool,
}

impl Contexts {
    /// The builds that count for a file: those of Flux, or if there are none, the roots. None of them where there are too many.
    pub fn builds(&self) -> impl Iterator<Item = &Context> {
        let any_flux = self.any_flux();
        self.known.iter().filter(move |context| !self.too_many && context.builder.is_some() == any_flux)
    }

    /// Whether Flux applies the file at all, as far as is known.
    pub fn any_flux(&self) -> bool {
        self.too_many || self.known.iter().any(|context| context.builder.is_some())
    }

    /// Whether it is new.
    fn add(&mut self, reach: &Reach) -> bool {
        if self.too_many {
            return false;
        }
        let is_new = match reach {
            Reach::By(context) => self.known.insert(context.clone()),
            Reach::TooMany => true,
        };
        if matches!(reach, Reach::TooMany) || self.known.len() > MAX_CONTEXTS {
            self.too_many = true;
            self.known.clear();
        }
        is_new
    }

    fn reaches(&self) -> impl Iterator<Item = Reach> {
        let too_many = self.too_many.then_some(Reach::TooMany);
        self.known.iter().cloned().map(Reach::By).chain(too_many)
    }
}

/// A way to reach a path, or too many of them.
#[derive(Clone)]
enum Reach {
    By(Context),
    TooMany,
}

impl Reach {
    /// As what a kustomization of this namespace includes is reached.
    fn within(self, namespace: Option<&Arc<str>>) -> Self {
        match self {
            Self::By(context) if context.namespace.is_none() => {
                Self::By(Context { namespace: namespace.cloned(), ..context })
            }
            other => other,
        }
    }
}

/// Solves the contexts of all paths that may have changed because `changed` did; returns the files whose contexts are others now.
///
/// Contexts only come together: each that is new at a path goes on along every way that leads from there, once.
pub fn solve(paths: &mut Paths, changed: &BTreeSet<PathId>) -> Vec<PathId> {
    let affected = closure(paths, changed);
    let before: Vec<Contexts> =
        affected.iter().map(|path| std::mem::take(&mut paths.node_mut(*path).contexts)).collect();
    let mut spread = Spread { paths, waiting: VecDeque::new() };
    for path in &affected {
        spread.begin(*path);
    }
    spread.on();
    let others = affected.iter().zip(before).filter(|(path, before)| paths.node(**path).contexts != *before);
    others.map(|(path, _)| *path).filter(|path| !paths.node(*path).resources.is_empty()).collect()
}

/// The changed paths and all that is reached from them, however far.
fn closure(paths: &Paths, changed: &BTreeSet<PathId>) -> Vec<PathId> {
    let mut found: BTreeSet<PathId> = changed.clone();
    let mut order: Vec<PathId> = changed.iter().copied().collect();
    let mut next = 0;
    while let Some(path) = order.get(next).copied() {
        next += 1;
        order.extend(paths.reached_from(path).filter(|reached| found.insert(*reached)));
    }
    order
}

/// A context that is new at a path.
struct Arrival {
    path: PathId,
    reach: Reach,
    /// It is the first of a build of Flux or Argo CD there.
    is_first: bool,
}

/// Contexts on their way.
struct Spread<'a> {
    paths: &'a mut Paths,
    waiting: VecDeque<Arrival>,
}

impl Spread<'_> {
    /// The right side of a path's equation, as far as the others are known.
    fn begin(&mut self, path: PathId) {
        let mut found = Contexts::default();
        for builder in self.paths.builders(path).filter(|builder| self.paths.is_on(builder)) {
            found.add(&Reach::By(start(self.paths, builder)));
            if found.too_many {
                break;
            }
        }
        let node = self.paths.node(path);
        if path != self.paths.root() && self.paths.kustomization(node.parent).is_none() {
            for reach in self.paths.node(node.parent).contexts.reaches() {
                found.add(&reach);
            }
        }
        for directory in &node.included_by {
            let namespace = self.namespace(*directory);
            for reach in self.paths.node(*directory).contexts.reaches() {
                found.add(&reach.within(namespace));
            }
        }
        let is_root = self.paths.kustomization(path).is_some()
            && self.paths.builders(path).len() == 0
            && node.included_by.is_empty();
        if is_root {
            found.add(&Reach::By(Context::default()));
        }
        found.reaches().for_each(|reach| self.add(path, reach));
    }

    fn on(&mut self) {
        while let Some(Arrival { path, reach, is_first }) = self.waiting.pop_front() {
            let mut next: Vec<(PathId, Reach)> = Vec::new();
            next.extend(self.paths.contained(path).map(|contained| (contained, reach.clone())));
            let within = reach.within(self.namespace(path));
            next.extend(self.paths.included(path).map(|included| (included, within.clone())));
            if is_first {
                // The Flux Kustomizations that the file declares are applied.
                let started = self.paths.started(path);
                next.extend(started.map(|(directory, builder)| (directory, Reach::By(start(self.paths, builder)))));
            }
            for (path, reach) in next {
                self.add(path, reach);
            }
        }
    }

    fn namespace(&self, directory: PathId) -> Option<&Arc<str>> {
        self.paths.kustomization(directory)?.namespace.as_ref()
    }

    fn add(&mut self, path: PathId, reach: Reach) {
        let contexts = &mut self.paths.node_mut(path).contexts;
        let was_flux = contexts.any_flux();
        if contexts.add(&reach) {
            let reach = if contexts.too_many { Reach::TooMany } else { reach };
            let is_first = contexts.any_flux() && !was_flux;
            self.waiting.push_back(Arrival { path, reach, is_first });
        }
    }
}

/// How a builder reaches the directory that it builds.
fn start(paths: &Paths, builder: &Builder) -> Context {
    let base = if builder.is_component { paths.kustomization(builder.base) } else { None };
    let base = base.and_then(|base| base.namespace.as_ref());
    Context {
        namespace: builder.target_namespace.as_ref().or(base).cloned(),
        default_namespace: builder.default_namespace.clone(),
        builder: Some(builder.resource),
    }
}
