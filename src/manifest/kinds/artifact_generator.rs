//! ArtifactGenerator: puts artifacts together out of sources.

use super::Kind;
use super::fields::{items, text_of};
use super::references::{Shape, local, own};
use crate::manifest::yaml::Node;
use crate::model::{Artifact, Facts, MAX_ARTIFACTS, Reference};

const SOURCES: &str = "spec.sources[]";

pub static KIND: Kind = Kind {
    name: "ArtifactGenerator",
    groups: &["source.extensions.fluxcd.io"],
    references: &[
        own(SOURCES, &["Bucket", "GitRepository", "OCIRepository", "HelmChart", "ExternalArtifact"]),
        local("spec.artifacts[].name", &["ExternalArtifact"]).with(Shape::Name).produced(),
    ],
    read,
};

fn read(generator: &Node, facts: &mut Facts) {
    let sources = items(generator, "spec.sources");
    let artifacts = items(generator, "spec.artifacts").iter().filter_map(|artifact| read_artifact(artifact, sources));
    facts.artifacts = artifacts.take(MAX_ARTIFACTS).collect();
}

/// An artifact is put together by copying. Charts are directories or archives; single files beside them (values, above all) are laid over what
/// was copied before.
fn read_artifact(artifact: &Node, sources: &[Node]) -> Option<Artifact> {
    let text = |node: &Node, key| node.get(key).and_then(text_of).map(str::to_owned);
    let copied = items(artifact, "copy").iter().filter_map(|copy| copy.get("from").and_then(text_of));
    let (alias, path) = copied.filter_map(directory_or_archive).next()?;
    let source = sources.iter().find(|source| source.get("alias").and_then(text_of) == Some(alias))?;
    let source = Reference {
        field: SOURCES.to_owned(),
        kind: text(source, "kind")?,
        namespace: text(source, "namespace"),
        name: text(source, "name")?,
        selector: String::new(),
        produces: false,
    };
    Some(Artifact { name: text(artifact, "name")?, source, path: path.map(str::to_owned) })
}

/// The source's alias and the directory of `@alias/path`, where that is one (`/`, `/*` or `/**` at its end), or no directory for an archive.
fn directory_or_archive(from: &str) -> Option<(&str, Option<&str>)> {
    let from = from.strip_prefix('@')?;
    let Some((alias, path)) = from.split_once('/') else { return Some((from, Some(""))) };
    let directory = path.trim_end_matches(['/', '*']);
    match path.is_empty() || directory.len() < path.len() {
        true => Some((alias, Some(directory))),
        false => (path.ends_with(".tgz") || path.ends_with(".tar.gz")).then_some((alias, None)),
    }
}
