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

use std::collections::BTreeSet;
use std::sync::Arc;

use super::paths::{PathId, Paths};
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

    fn add(&mut self, context: Context) {
        if !self.too_many {
            self.known.insert(context);
            if self.known.len() > MAX_CONTEXTS {
                self.too_many = true;
                self.known.clear();
            }
        }
    }

    fn add_all(&mut self, others: &Self, namespace: Option<&Arc<str>>) {
        if others.too_many {
            self.too_many = true;
            self.known.clear();
        }
        for context in &others.known {
            let namespace = context.namespace.as_ref().or(namespace).cloned();
            self.add(Context { namespace, ..context.clone() });
        }
    }
}

/// Solves the contexts of all paths that may have changed because `changed` did; returns the files whose contexts are others now.
pub fn solve(paths: &mut Paths, changed: &BTreeSet<PathId>) -> Vec<PathId> {
    let affected = closure(paths, changed);
    let before: Vec<Contexts> =
        affected.iter().map(|path| std::mem::take(&mut paths.node_mut(*path).contexts)).collect();
    let mut waiting: Vec<PathId> = affected.iter().rev().copied().collect();
    let mut is_waiting: BTreeSet<PathId> = affected.iter().copied().collect();
    while let Some(path) = waiting.pop() {
        is_waiting.remove(&path);
        let contexts = equation(paths, path);
        if contexts != paths.node(path).contexts {
            paths.node_mut(path).contexts = contexts;
            for next in paths.reached_from(path) {
                if is_waiting.insert(next) {
                    waiting.push(next);
                }
            }
        }
    }
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

/// The right side of a path's equation.
fn equation(paths: &Paths, path: PathId) -> Contexts {
    let node = paths.node(path);
    let mut contexts = Contexts::default();
    for builder in node.builders.iter().filter(|builder| paths.is_on(builder)) {
        let base = builder.base.and_then(|base| paths.kustomization(base)?.namespace.as_ref());
        contexts.add(Context {
            namespace: builder.target_namespace.as_ref().or(base).cloned(),
            default_namespace: builder.default_namespace.clone(),
            builder: Some(builder.resource),
        });
    }
    if path != paths.root() && paths.kustomization(node.parent).is_none() {
        contexts.add_all(&paths.node(node.parent).contexts, None);
    }
    for directory in &node.included_by {
        let namespace = paths.kustomization(*directory).and_then(|kustomization| kustomization.namespace.as_ref());
        contexts.add_all(&paths.node(*directory).contexts, namespace);
    }
    if paths.kustomization(path).is_some() && node.builders.is_empty() && node.included_by.is_empty() {
        contexts.add(Context::default());
    }
    contexts
}
