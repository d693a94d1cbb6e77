//! OCIRepository: an artifact of a registry, which may be a chart.

use super::Kind;
use super::fields::{flag, lower_text, seconds, text};
use super::references::{secret, service_account};
use super::source_version::{VersionField, read_version};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "OCIRepository",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[
        secret("spec.secretRef"),
        secret("spec.certSecretRef"),
        secret("spec.proxySecretRef"),
        secret("spec.verify.secretRef"),
        secret("spec.verify.trustedRootSecretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(repository: &Node, facts: &mut Facts) {
    let Some(spec) = repository.get("spec") else { return };
    facts.url = text(spec, "url");
    facts.source_type = lower_text(spec, "provider");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
    read_version(spec, &VERSIONS, facts);
}

/// In the order in which Flux looks at them; without any, it is the tag `latest`.
const VERSIONS: [VersionField; 3] = [
    ("ref.digest", VersionClass::of_digest),
    ("ref.semver", |semver| VersionClass::of_chart(Some(semver))),
    ("ref.tag", VersionClass::of_tag),
];
