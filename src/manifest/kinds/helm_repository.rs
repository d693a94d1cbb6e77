//! HelmRepository: charts behind an index, or in a registry (`spec.type: oci`).

use super::Kind;
use super::fields::{flag, lower_text, seconds, text};
use super::references::secret;
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "HelmRepository",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[secret("spec.secretRef"), secret("spec.certSecretRef")],
    read,
};

fn read(repository: &Node, facts: &mut Facts) {
    let Some(spec) = repository.get("spec") else { return };
    facts.url = text(spec, "url");
    facts.source_type = lower_text(spec, "type").or_else(|| lower_text(spec, "provider"));
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
