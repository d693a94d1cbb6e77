//! HelmRelease of Flux v1, which was archived in 2022.

use super::Kind;
use super::fields::{flag, text};
use super::helm_release::read_chart;
use super::helm_values::read_values;
use super::references::{local, own};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "HelmRelease",
    groups: &["helm.fluxcd.io", "flux.weave.works"],
    references: &[
        own("spec.valuesFrom[].configMapKeyRef", &["ConfigMap"]),
        own("spec.valuesFrom[].secretKeyRef", &["Secret"]),
        // The first version had secrets alone.
        local("spec.valueFileSecrets[]", &["Secret"]),
        local("spec.chart.chartPullSecret", &["Secret"]),
        own("spec.chart.secretRef", &["Secret"]),
    ],
    read,
};

/// The chart is of a repository with an index, or a directory in a Git repository.
fn read(release: &Node, facts: &mut Facts) {
    let Some(spec) = release.get("spec") else { return };
    facts.target_namespace = text(spec, "targetNamespace");
    facts.release_name = text(spec, "releaseName");
    facts.wait = flag(spec, "wait");
    if let Some(values) = spec.get("values") {
        read_values(values, facts);
    }
    let Some(chart) = spec.get("chart") else { return };
    facts.url = text(chart, "git");
    if facts.url.is_some() {
        facts.path = text(chart, "path");
        facts.chart_name.clone_from(&facts.path);
        facts.version = text(chart, "ref");
        facts.version_class = Some(VersionClass::of_git_revision(facts.version.as_deref()));
    } else {
        facts.url = text(chart, "repository");
        read_chart(chart, facts);
    }
}
