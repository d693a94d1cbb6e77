//! ImagePolicy: which tag of an ImageRepository is the one.

use super::Kind;
use super::fields::{flag, seconds, text};
use super::references::own;
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "ImagePolicy",
    groups: &["image.toolkit.fluxcd.io"],
    references: &[own("spec.imageRepositoryRef", &["ImageRepository"])],
    read,
};

fn read(policy: &Node, facts: &mut Facts) {
    let Some(spec) = policy.get("spec") else { return };
    facts.version = text(spec, "policy.semver.range");
    facts.version_class = facts.version.as_deref().map(|range| VersionClass::of_chart(Some(range)));
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
