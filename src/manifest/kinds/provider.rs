//! Provider: where Flux sends notifications.

use super::Kind;
use super::fields::{flag, lower_text, seconds};
use super::references::{secret, service_account};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "Provider",
    groups: &["notification.toolkit.fluxcd.io"],
    references: &[
        secret("spec.secretRef"),
        secret("spec.certSecretRef"),
        secret("spec.proxySecretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

/// Without the address, which is often the secret itself.
fn read(provider: &Node, facts: &mut Facts) {
    let Some(spec) = provider.get("spec") else { return };
    facts.source_type = lower_text(spec, "type");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
