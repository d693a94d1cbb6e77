//! What is known of each kind: one file a kind, one list.
//!
//! A new kind is one file here, one line in [`KINDS`], and one folder in `tests/it/fixtures/kinds`. Kinds, their API groups
//! (all versions, old ones too) and their reference fields are those of Flux v2.9, Flux Operator v0.55, Flux v1 and Argo CD.

use crate::manifest::resources::Resource;
use crate::model::Facts;

/// The facts of a resource; empty for a kind that nothing is known of.
pub fn facts(resource: &Resource) -> Facts {
    let _ = resource;
    Facts::default()
}
