//! ExternalArtifact: an artifact that another controller makes.

use super::Kind;
use super::references::{ANY_KIND, own};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ExternalArtifact",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[own("spec.sourceRef", ANY_KIND)],
    read,
};

/// It holds nothing but the reference.
fn read(_: &Node, _: &mut Facts) {}
