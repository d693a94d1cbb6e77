//! Application of Argo CD: a chart or a directory, and where it is deployed.

use super::Kind;
use super::fields::{at, flag, items, plain_text, text};
use super::helm_values::{read_values, values_of_text};
use super::references::{Shape, directory, local};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "Application",
    groups: &["argoproj.io"],
    references: &[
        local("spec.project", &["AppProject"]).with(Shape::Name),
        directory("spec.sources[].path"),
        directory("spec.source.path").unless(&["spec.sources"]),
        directory("spec.sourceHydrator.drySource.path").unless(&["spec.sources", "spec.source"]),
    ],
    read: |application, facts| read(application.get("spec"), facts),
};

/// Reads the spec of an Application, which an ApplicationSet has, too.
pub fn read(spec: Option<&Node>, facts: &mut Facts) {
    let Some(spec) = spec else { return };
    facts.target_namespace = text(spec, "destination.namespace");
    facts.prune = flag(spec, "syncPolicy.automated.prune");
    let Some(source) = source(spec) else { return };
    facts.chart_name = text(source, "chart");
    facts.version = text(source, "targetRevision");
    facts.url = text(source, "repoURL");
    facts.path = text(source, "path");
    facts.release_name = text(source, "helm.releaseName");
    let version = facts.version.as_deref();
    facts.version_class = match (&facts.chart_name, &facts.url) {
        (Some(_), _) => Some(VersionClass::of_chart(version)),
        (None, Some(_)) => Some(VersionClass::of_git_revision(version)),
        (None, None) => None,
    };
    if let Some(values) = values(spec) {
        read_values(&values, facts);
    }
}

/// The inline Helm values; Argo CD takes the object before the text.
pub fn values(spec: &Node) -> Option<Node> {
    let source = source(spec)?;
    let text = || at(source, "helm.values").and_then(plain_text).and_then(values_of_text);
    at(source, "helm.valuesObject").cloned().or_else(text)
}

/// The source that facts are about: of several, the first with a chart; others often hold no more than values.
fn source(spec: &Node) -> Option<&Node> {
    let sources = items(spec, "sources");
    let charted = sources.iter().find(|source| source.get("chart").is_some());
    let several = charted.or(sources.first());
    several.or_else(|| spec.get("source")).or_else(|| at(spec, "sourceHydrator.drySource"))
}
