//! Kustomization of Flux: a directory of a source that is built and applied. (The file kustomize itself reads has the same kind in the
//! group `kustomize.config.k8s.io`, and is no resource of a cluster.)

use super::fields::{at, flag, items, seconds, text};
use super::references::{ANY_KIND, Shape, directory, local, own, secret, service_account};
use super::smallest::Smallest;
use super::{Kind, config_map};
use crate::manifest::yaml::Node;
use crate::model::{Facts, Image, MAX_IMAGES};

pub static KIND: Kind = Kind {
    name: "Kustomization",
    groups: &["kustomize.toolkit.fluxcd.io"],
    references: &[
        own("spec.sourceRef", &["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]),
        own("spec.dependsOn[]", &["Kustomization"]).with(Shape::ObjectOrName),
        own("spec.healthChecks[]", ANY_KIND),
        local("spec.postBuild.substituteFrom[]", &["ConfigMap", "Secret"]),
        secret("spec.decryption.secretRef"),
        service_account("spec.decryption.serviceAccountName"),
        secret("spec.kubeConfig.secretRef"),
        local("spec.kubeConfig.configMapRef", &["ConfigMap"]),
        service_account("spec.serviceAccountName"),
        directory("spec.path"),
        directory("spec.components[]"),
    ],
    read,
};

fn read(kustomization: &Node, facts: &mut Facts) {
    let Some(spec) = kustomization.get("spec") else { return };
    facts.path = text(spec, "path");
    facts.target_namespace = text(spec, "targetNamespace");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
    facts.prune = flag(spec, "prune");
    facts.wait = flag(spec, "wait");
    facts.images = images(spec);
    if let Some(variables) = at(spec, "postBuild.substitute") {
        config_map::read_variables(variables, facts);
    }
}

/// What `spec.images` puts in place of other images.
fn images(spec: &Node) -> Vec<Image> {
    let mut images = Smallest::new(MAX_IMAGES);
    for item in items(spec, "images") {
        let field = |key| text(item, key);
        let (tag, digest) = (field("newTag").unwrap_or_default(), field("digest").unwrap_or_default());
        if let Some(repository) = field("newName").or_else(|| field("name")) {
            images.push(Image { repository, tag, digest });
        }
    }
    images.into_sorted()
}
