//! ImageUpdateAutomation: writes what ImagePolicies chose into a Git repository.

use super::Kind;
use super::fields::{flag, seconds, text};
use super::references::{Shape, directory, local, own, secret};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "ImageUpdateAutomation",
    groups: &["image.toolkit.fluxcd.io"],
    references: &[
        own("spec.sourceRef", &["GitRepository"]),
        // v1alpha1 had the checkout and the commit beside each other.
        local("spec.checkout.gitRepositoryRef", &["GitRepository"]),
        local("spec.policySelector", &["ImagePolicy"]).with(Shape::Selector),
        secret("spec.git.commit.signingKey.secretRef"),
        secret("spec.commit.signingKey.secretRef"),
        directory("spec.update.path"),
    ],
    read,
};

fn read(automation: &Node, facts: &mut Facts) {
    let Some(spec) = automation.get("spec") else { return };
    facts.path = text(spec, "update.path");
    // The first version called it so.
    facts.interval_seconds = seconds(spec, "interval").or_else(|| seconds(spec, "runInterval"));
    facts.suspend = flag(spec, "suspend");
}
