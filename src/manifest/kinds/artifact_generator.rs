//! ArtifactGenerator: puts artifacts together out of sources.

use super::Kind;
use super::references::{Shape, local, own};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ArtifactGenerator",
    groups: &["source.extensions.fluxcd.io"],
    references: &[
        own("spec.sources[]", &["Bucket", "GitRepository", "OCIRepository", "HelmChart", "ExternalArtifact"]),
        local("spec.artifacts[].name", &["ExternalArtifact"]).with(Shape::Name).produced(),
    ],
    read,
};

/// It holds nothing but references.
fn read(_: &Node, _: &mut Facts) {}
