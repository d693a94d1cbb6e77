//! Receiver: a webhook that has Flux reconcile at once.

use super::Kind;
use super::fields::{flag, lower_text, seconds};
use super::references::{FLUX_KINDS, own, secret};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "Receiver",
    groups: &["notification.toolkit.fluxcd.io"],
    references: &[own("spec.resources[]", FLUX_KINDS), secret("spec.secretRef")],
    read,
};

fn read(receiver: &Node, facts: &mut Facts) {
    let Some(spec) = receiver.get("spec") else { return };
    facts.source_type = lower_text(spec, "type");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
