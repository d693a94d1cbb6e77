//! ResourceSetInputProvider: where a ResourceSet's inputs come from.

use super::Kind;
use super::fields::{lower_text, text};
use super::flux_instance::read_annotations;
use super::references::{secret, service_account};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ResourceSetInputProvider",
    groups: &["fluxcd.controlplane.io"],
    references: &[secret("spec.secretRef"), secret("spec.certSecretRef"), service_account("spec.serviceAccountName")],
    read,
};

fn read(provider: &Node, facts: &mut Facts) {
    read_annotations(provider, facts);
    facts.source_type = lower_text(provider, "spec.type");
    facts.url = text(provider, "spec.url");
}
