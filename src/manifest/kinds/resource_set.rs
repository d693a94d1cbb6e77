//! ResourceSet: templates of resources, filled in by Flux Operator. What they make is not known from the manifest.

use super::Kind;
use super::fields::flag;
use super::flux_instance::read_annotations;
use super::references::{ANY_KIND, local, own, service_account};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ResourceSet",
    groups: &["fluxcd.controlplane.io"],
    references: &[
        local("spec.inputsFrom[]", &["ResourceSetInputProvider"]),
        own("spec.dependsOn[]", ANY_KIND),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(set: &Node, facts: &mut Facts) {
    read_annotations(set, facts);
    facts.wait = flag(set, "spec.wait");
}
