//! Bucket: a folder of an object store.

use super::Kind;
use super::fields::{flag, lower_text, seconds, text};
use super::references::{secret, service_account};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "Bucket",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[
        secret("spec.secretRef"),
        secret("spec.certSecretRef"),
        secret("spec.proxySecretRef"),
        secret("spec.sts.secretRef"),
        secret("spec.sts.certSecretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(bucket: &Node, facts: &mut Facts) {
    let Some(spec) = bucket.get("spec") else { return };
    let parts = [text(spec, "endpoint"), text(spec, "bucketName")];
    facts.url = parts.into_iter().flatten().reduce(|endpoint, name| format!("{endpoint}/{name}"));
    facts.source_type = lower_text(spec, "provider");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
