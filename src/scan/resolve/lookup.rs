//! Looking things up from where a resource stands: variables, and the nearest of several.

use super::paths::PathId;
use super::slots::{Slot, key_of};
use super::{Resolver, variables};
use crate::model::{Reference, ResourceId};

impl Resolver {
    /// Who fills in the variables of a file: of several that build it, the one whose own file comes first, by path.
    pub(super) fn builder(&self, file: PathId) -> Option<ResourceId> {
        let builders = self.paths.node(file).contexts.builds().filter_map(|context| context.builder);
        builders.min_by_key(|id| {
            let slot = self.slots.get(*id);
            (slot.map(|slot| (self.paths.path(slot.path).clone(), slot.namespace.clone(), slot.name.clone())), *id)
        })
    }

    /// A text with the variables that its builder gives filled in; `None` where one is not known.
    pub(super) fn fill(&self, text: &str, builder: Option<ResourceId>) -> Option<String> {
        if !variables::is_templated(text) {
            return Some(text.to_owned());
        }
        let builder = self.slots.get(builder?)?;
        variables::substitute(text, |name| self.variable(builder, name))
    }

    /// Inline variables beat those of ConfigMaps, and later ConfigMaps earlier ones.
    fn variable<'a>(&'a self, builder: &'a Slot, name: &str) -> Option<&'a str> {
        let value = |slot: &'a Slot| {
            let variables = &slot.facts.variables;
            let at = variables.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
            Some(variables[at].1.as_str())
        };
        let from = || {
            let references: Vec<&Reference> = builder.variable_references().collect();
            references
                .into_iter()
                .rev()
                .find_map(|reference| value(self.nearest(self.slots.named(&key_of(reference)?), builder.path)?.1))
        };
        value(builder).or_else(from)
    }

    /// The candidate whose file is nearest to a path: of most leading directories in common, then by path and id.
    pub(super) fn nearest<'a>(
        &'a self,
        candidates: impl Iterator<Item = (ResourceId, &'a Slot)>,
        to: PathId,
    ) -> Option<(ResourceId, &'a Slot)> {
        let to = self.paths.path(to);
        candidates.min_by_key(|(id, slot)| {
            let path = self.paths.path(slot.path);
            let common = path
                .split(|byte| *byte == b'/')
                .zip(to.split(|byte| *byte == b'/'))
                .take_while(|(one, two)| one == two)
                .count();
            (usize::MAX - common, path.clone(), *id)
        })
    }
}
