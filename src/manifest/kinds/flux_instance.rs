//! FluxInstance: a distribution of Flux that Flux Operator installs, and what it syncs.

use super::Kind;
use super::fields::{at, duration_seconds, flag, lower_text, text, text_of};
use super::references::{Shape, local};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "FluxInstance",
    groups: &["fluxcd.controlplane.io"],
    references: &[
        local("spec.sync", &["GitRepository", "OCIRepository", "Bucket"]).with(Shape::Sync).produced(),
        local("spec.sync", &["Kustomization"]).with(Shape::Sync).produced(),
        local("spec.sync.pullSecret", &["Secret"]).with(Shape::Name),
        local("spec.distribution.imagePullSecret", &["Secret"]).with(Shape::Name),
        local("spec.distribution.artifactPullSecret", &["Secret"]).with(Shape::Name),
    ],
    read,
};

fn read(instance: &Node, facts: &mut Facts) {
    read_annotations(instance, facts);
    let Some(spec) = instance.get("spec") else { return };
    facts.version = text(spec, "distribution.version");
    facts.version_class = facts.version.as_deref().map(|version| VersionClass::of_chart(Some(version)));
    facts.url = text(spec, "sync.url");
    facts.source_type = lower_text(spec, "sync.provider");
    facts.path = text(spec, "sync.path");
    facts.wait = flag(spec, "wait");
}

/// Flux Operator is told by annotations when to reconcile.
pub fn read_annotations(resource: &Node, facts: &mut Facts) {
    let Some(annotations) = at(resource, "metadata.annotations") else { return };
    let annotation = |key| annotations.get(key).and_then(text_of);
    facts.interval_seconds = annotation("fluxcd.controlplane.io/reconcileEvery").and_then(duration_seconds);
    facts.suspend = match annotation("fluxcd.controlplane.io/reconcile") {
        Some("disabled") => Some(true),
        Some("enabled") => Some(false),
        _ => None,
    };
}
