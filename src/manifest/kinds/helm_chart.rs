//! HelmChart: one chart of a source.

use super::Kind;
use super::fields::{flag, seconds};
use super::helm_release::read_chart;
use super::references::{local, secret};
use crate::manifest::yaml::Node;
use crate::model::Facts;

pub static KIND: Kind = Kind {
    name: "HelmChart",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[
        local("spec.sourceRef", &["HelmRepository", "GitRepository", "Bucket"]),
        secret("spec.verify.secretRef"),
    ],
    read,
};

fn read(chart: &Node, facts: &mut Facts) {
    let Some(spec) = chart.get("spec") else { return };
    read_chart(spec, facts);
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
}
