//! HelmRelease of Flux: a chart and its values.

use super::Kind;
use super::fields::{at, flag, seconds, text};
use super::helm_values::read_values;
use super::references::{Shape, local, own, secret, service_account};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "HelmRelease",
    groups: &["helm.toolkit.fluxcd.io"],
    references: &[
        own("spec.chart.spec.sourceRef", &["HelmRepository", "GitRepository", "Bucket"]),
        // v2alpha1 had no template of a chart.
        own("spec.chart.sourceRef", &["HelmRepository", "GitRepository", "Bucket"]),
        own("spec.chartRef", &["OCIRepository", "HelmChart", "ExternalArtifact"]),
        own("spec.dependsOn[]", &["HelmRelease"]).with(Shape::ObjectOrName),
        local("spec.valuesFrom[]", &["ConfigMap", "Secret"]),
        secret("spec.kubeConfig.secretRef"),
        local("spec.kubeConfig.configMapRef", &["ConfigMap"]),
        secret("spec.chart.spec.verify.secretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(release: &Node, facts: &mut Facts) {
    let Some(spec) = release.get("spec") else { return };
    if let Some(chart) = at(spec, "chart.spec").or_else(|| spec.get("chart")) {
        read_chart(chart, facts);
    }
    facts.target_namespace = text(spec, "targetNamespace");
    facts.release_name = text(spec, "releaseName");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
    if let Some(values) = spec.get("values") {
        read_values(values, facts);
    }
}

/// A chart and its version, as all kinds with a chart declare them (v2alpha1 and Flux v1 call the chart `name`). The version of a directory
/// in a source is the source's.
pub fn read_chart(chart: &Node, facts: &mut Facts) {
    facts.chart_name = text(chart, "chart").or_else(|| text(chart, "name"));
    if matches!(text(chart, "sourceRef.kind").as_deref(), Some("GitRepository" | "Bucket")) {
        facts.version_class = Some(VersionClass::Path);
        return;
    }
    facts.version = text(chart, "version");
    // A patch may have the version alone, or neither.
    if facts.version.is_some() || facts.chart_name.is_some() {
        facts.version_class = Some(VersionClass::of_chart(facts.version.as_deref()));
    }
}
