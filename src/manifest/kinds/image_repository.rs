//! ImageRepository: a container image whose tags Flux lists.

use super::Kind;
use super::fields::{flag, lower_text, seconds, text};
use super::references::{secret, service_account};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ImageRepository",
    groups: &["image.toolkit.fluxcd.io"],
    references: &[
        secret("spec.secretRef"),
        secret("spec.certSecretRef"),
        secret("spec.proxySecretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(repository: &Node, facts: &mut Facts) {
    let Some(spec) = repository.get("spec") else { return };
    facts.url = text(spec, "image");
    facts.source_type = lower_text(spec, "provider");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
