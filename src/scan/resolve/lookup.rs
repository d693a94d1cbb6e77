//! Looking things up from where a resource stands: who builds it, and what variables are.

use super::paths::PathId;
use super::reads::{Read, Reads};
use super::slots::{Slot, key_of};
use super::{Resolver, variables};
use crate::model::{Reference, ResourceId};

/// ConfigMaps that give one builder variables; of more, the last count.
const MAX_VARIABLE_SOURCES: usize = 32;

impl Resolver {
    /// Who fills in the variables of a file: of several that build it, the one whose own file comes first, by path.
    fn builder(&self, file: PathId, reads: &Reads) -> Option<ResourceId> {
        reads.note(Read::Path(file));
        let builders = self.paths.node(file).contexts.builds().filter_map(|context| context.builder);
        builders.min_by_key(|id| {
            reads.note(Read::Builder(*id));
            let slot = self.slots.get(*id);
            (slot.map(|slot| (slot.file.clone(), slot.namespace.clone(), slot.name.clone())), *id)
        })
    }

    /// A declared text of a resource with variables filled in; `None` where one is not known.
    pub(super) fn fill_in(&self, slot: &Slot, text: &str, reads: &Reads) -> Option<String> {
        match variables::is_templated(text) {
            true => self.fill(text, self.builder(slot.path, reads), reads),
            false => Some(text.to_owned()),
        }
    }

    /// The same, as it stands where a variable is not known.
    pub(super) fn filled(&self, slot: &Slot, text: Option<&str>, reads: &Reads) -> Option<String> {
        let text = text?;
        Some(self.fill_in(slot, text, reads).unwrap_or_else(|| text.to_owned()))
    }

    /// A text with the variables of a builder filled in; `None` where one is not known.
    pub(super) fn fill(&self, text: &str, builder: Option<ResourceId>, reads: &Reads) -> Option<String> {
        let builder = builder?;
        reads.note(Read::Builder(builder));
        let builder = self.slots.get(builder)?;
        variables::substitute(text, |name| self.variable(builder, name, reads))
    }

    /// Inline variables beat those of ConfigMaps, and later ConfigMaps earlier ones.
    fn variable<'a>(&'a self, builder: &'a Slot, name: &str, reads: &Reads) -> Option<&'a str> {
        let value = |slot: &'a Slot| {
            let variables = &slot.facts.variables;
            let at = variables.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
            Some(variables[at].1.as_str())
        };
        let from = |reference: &Reference| {
            let key = key_of(reference)?;
            reads.note(Read::Named(key.clone()));
            value(self.slots.get(self.slots.named(&key)?.nearest(&builder.file)?)?)
        };
        let references = || {
            let references: Vec<&Reference> = builder.variable_references().collect();
            references.into_iter().rev().take(MAX_VARIABLE_SOURCES)
        };
        value(builder).or_else(|| references().find_map(from))
    }
}
