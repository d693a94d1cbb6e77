//! Alert: which events go to a Provider.

use super::Kind;
use super::fields::flag;
use super::references::{FLUX_KINDS, local, own};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "Alert",
    groups: &["notification.toolkit.fluxcd.io"],
    references: &[local("spec.providerRef", &["Provider"]), own("spec.eventSources[]", FLUX_KINDS)],
    read,
};

fn read(alert: &Node, facts: &mut Facts) {
    let Some(spec) = alert.get("spec") else { return };
    facts.suspend = flag(spec, "suspend");
}
