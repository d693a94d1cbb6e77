//! Facts: what kubestats knows about a resource because it knows its kind.

use serde::{Deserialize, Serialize};

/// Typed values taken out of one resource, as its own manifest declares them. What has to be looked up elsewhere in the
/// repository (a chart behind a `chartRef`, a namespace that a kustomization sets) is resolved later, and kept apart.
///
/// The same data always give the same facts; they are taken from redacted data. Absent means that the manifest does not say
/// it, except where a default of the kind is named at the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// A chart's name, or its path in a Git source: `spec.chart.spec.chart` of a HelmRelease, `spec.source.chart` of an
    /// Argo CD Application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_name: Option<String>,
    /// The declared version of what the resource is about: of its chart, of the artifact or Git reference of a source, of
    /// Flux for a FluxInstance, of the tags an ImagePolicy chooses from. The text as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_class: Option<VersionClass>,
    /// Where a source lies: `spec.url`, `endpoint/bucket`, the `repoURL` of an Argo CD source, `spec.image` of an ImageRepository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `spec.type` or `spec.provider` of a source or a notification provider, lower case: `oci`, `slack`, `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    /// The directory that is built or charted: `spec.path` of a Kustomization, `path` of an Argo CD source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `spec.targetNamespace`; `spec.destination.namespace` of an Argo CD Application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_namespace: Option<String>,
    /// `spec.releaseName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_name: Option<String>,
    /// `spec.interval`, in whole seconds; the annotation `reconcileEvery` of Flux Operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
    /// `spec.suspend`; the annotation `reconcile` of Flux Operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
    /// Container images: of a workload's pods, of Helm values, or those that a Kustomization puts in place of others. Sorted, distinct, at most
    /// [`MAX_IMAGES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// In the order of the kind's reference fields, then of the manifest; at most [`MAX_REFERENCES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Variables that the resource gives to substitution: `spec.postBuild.substitute` of a Kustomization, the data of a
    /// ConfigMap (only names a variable may have, and values of at most 256 bytes). Sorted by name, at most [`MAX_VARIABLES`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// What an ArtifactGenerator makes, in its order, at most [`MAX_ARTIFACTS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

/// The most facts of a kind that one resource keeps; a hostile manifest may have any number.
pub const MAX_VALUES_KEYS: usize = 1_000;
pub const MAX_IMAGES: usize = 200;
pub const MAX_REFERENCES: usize = 500;
pub const MAX_VARIABLES: usize = 500;
pub const MAX_ARTIFACTS: usize = 500;

/// A container image, taken apart: `ghcr.io/owner/app:1.2.3@sha256:…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Image {
    /// Registry and name as they stand: `nginx`, `docker.io/library/nginx`, `ghcr.io/owner/app`.
    pub repository: String,
    /// Empty when there is none.
    pub tag: String,
    /// `sha256:…`; empty when there is none.
    pub digest: String,
}

/// An ExternalArtifact that an ArtifactGenerator makes, and where a chart in it would come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    /// The source of the first directory or archive that is copied into it.
    pub source: Reference,
    /// The directory of the source that is copied, relative to its root, empty for all of it; absent for an archive, which nobody opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A field that names another resource (or a directory).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The path of the field, lists as `[]`: `spec.dependsOn[]`.
    pub field: String,
    /// The kind that is named; `directory` for a path. Empty when the field does not say and may mean several.
    pub kind: String,
    /// Declared in the field; absent where it is left to the default, or where only the referrer's own namespace is possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `*` where a selector chooses. Empty where it is the name of the referrer's effective namespace (what a FluxInstance syncs by default).
    pub name: String,
    /// The labels that choose, as `key=value,key=value` sorted by key; empty for all others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub selector: String,
    /// The resource makes what it names (a FluxInstance its GitRepository) instead of needing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub produces: bool,
}

/// How closely a declared version names one release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionClass {
    /// One version: `1.2.3`, `v1.2.3-rc.1`, a tag.
    Exact,
    /// Bounds: `>=1.0.0 <2.0.0`, `^1.2`, `~1.2.3`.
    Range,
    /// Parts are open: `*`, `1.x`, `1.2`, no version at all where the default is any.
    Wildcard,
    /// Whatever is newest in a moving place: the tag `latest`, a branch.
    Latest,
    /// Content by its digest or commit.
    Digest,
    /// A template or a variable that substitution fills in: `${VERSION}`.
    Templated,
    /// A directory in a Git source: the version is the source's.
    Path,
    /// None of these.
    Unknown,
}

/// How a change of version is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionStep {
    Upgrade,
    Downgrade,
    /// The versions cannot be compared, or are the same.
    Sideways,
}

/// The first part of a version that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionPart {
    Major,
    Minor,
    Patch,
    /// What follows the three numbers: a pre-release, a fourth number, build metadata.
    Suffix,
    /// Nothing differs, or the versions cannot be compared.
    None,
}

/// The kind of difference that a MODIFIED event made; the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// The declared version of a chart, artifact or Flux.
    Version,
    /// A container image, in a workload or in Helm values.
    Image,
    /// Where something comes from: a chart's name, a source or its URL, a path.
    Source,
    /// Reconciliation was suspended.
    Suspend,
    /// Reconciliation was resumed.
    Resume,
    /// Helm values, inline or from elsewhere.
    Values,
    /// Nothing but `metadata`.
    Metadata,
    Other,
}
