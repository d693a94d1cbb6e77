//! What a resource means in its repository at one commit: values that its own manifest does not hold.
//!
//! All of these are kept as changes: a row says what holds from its commit on, until the next row of the same thing. So each
//! can be asked at the head and at any day, and a row is never updated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ResourceId, Step, VersionClass, VersionPart, VersionStep};

/// The resolved values of one resource. The default is what nothing is known of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The namespaces the resource is applied to: several where more than one Flux Kustomization builds its file. Sorted,
    /// distinct; empty for cluster-scoped kinds, and where none is set (Flux fails there, flux2#4301).
    pub namespaces: Vec<Arc<str>>,
    /// Its file is a patch of a kustomization: what it holds is no whole object.
    pub is_patch: bool,
    /// Its file comes from elsewhere: Flux's own `gotk-components.yaml`, or a chart's folder.
    pub is_vendored: bool,
    /// The chart that it installs.
    pub chart: Option<Chart>,
}

/// A chart behind a HelmRelease, a HelmChart or an Argo CD Application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    pub name: String,
    /// Where the chart comes from, in one spelling: `ghcr.io/owner/charts/app`; see [`chart_identity`].
    pub identity: String,
    /// The source's URL as it is declared.
    pub url: String,
    /// As declared, variables filled in; absent where the source gives it (a path in another Git repository).
    pub version: Option<String>,
    pub version_class: VersionClass,
    /// Kind of the source: `HelmRepository`, `OCIRepository`, `GitRepository`, `Bucket`, or the resource's own kind where it
    /// names the place itself.
    pub source_kind: &'static str,
    /// The resource that gave URL or version, unless that is the resource itself.
    pub source: Option<ResourceId>,
}

/// A resource's [`Resolution`] from one commit on.
#[derive(Clone, Debug)]
pub struct ResolutionChange {
    /// Of the commit: all rows of one commit share it, and come after its events.
    pub sequence: u64,
    pub step: Arc<Step>,
    pub resource: ResourceId,
    /// `None` when the resource is gone.
    pub resolution: Option<Arc<Resolution>>,
}

/// One resource refers to another (or to a directory) by one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The path of the field, lists as `[]`: `spec.dependsOn[]`.
    pub field: String,
    /// Empty when the field does not say and may mean several; `directory` for a path.
    pub kind: String,
    /// Declared, or by default the referrer's effective namespace; empty when there is none.
    pub namespace: Arc<str>,
    pub is_declared: bool,
    /// `*` where labels choose.
    pub name: String,
    /// `key=value,…`; empty for all others.
    pub selector: String,
    /// The resource makes what it names.
    pub produces: bool,
}

/// An edge that begins or ends at a commit.
#[derive(Clone, Debug)]
pub struct EdgeChange {
    pub sequence: u64,
    pub step: Arc<Step>,
    pub resource: ResourceId,
    pub edge: Edge,
    /// It exists from here on; otherwise it is gone.
    pub begins: bool,
}

/// A release went from one version of its chart (or from one chart) to another.
#[derive(Clone, Debug)]
pub struct ChartVersionChange {
    pub sequence: u64,
    pub step: Arc<Step>,
    pub resource: ResourceId,
    pub before: Chart,
    pub after: Chart,
    pub version_step: VersionStep,
    pub version_part: VersionPart,
    /// The resource whose change this is; `None` when it is the release's own.
    pub cause: Option<ResourceId>,
}

/// What a manifest says that is no resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileFacts {
    /// Of a `kustomization.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kustomization: Option<KustomizationFile>,
    /// Of a `Chart.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartFile>,
    /// `v2.3.0`, of a `gotk-components.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flux_version: Option<String>,
}

/// A kustomization of `kustomize.config.k8s.io`: what it includes, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KustomizationFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `resources`, `bases` and `components`, as they stand, without remote ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<String>,
    /// Files of `patches`, `patchesStrategicMerge` and `patchesJson6902`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<String>,
}

/// A chart that lies in the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartFile {
    pub name: String,
    pub version: String,
}

/// A file's [`FileFacts`] from one commit on.
#[derive(Clone, Debug)]
pub struct FileChange {
    pub sequence: u64,
    pub step: Arc<Step>,
    pub path: Arc<[u8]>,
    /// `None` when the file is gone or says nothing any more.
    pub facts: Option<Arc<FileFacts>>,
}

/// A source's URL in one spelling: no scheme, credentials, query or fragment, host in lower case, no `.git`, no trailing slash, scp-like
/// addresses as paths. `https://Charts.Example.org/a/` and `oci://charts.example.org/a` are `charts.example.org/a`.
pub fn source_identity(url: &str) -> String {
    let url = url.trim();
    let (rest, scp_like) = match url.split_once("://") {
        Some((_, rest)) => (rest, false),
        None => (url, true),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match rest.split_once('/') {
        // `git@github.com:owner/name`
        _ if scp_like && rest.split('/').next().is_some_and(|host| host.contains('@') && host.contains(':')) => {
            rest.split_once(':').unwrap_or((rest, ""))
        }
        Some((host, path)) => (host, path),
        None => (rest, ""),
    };
    let host = host.rsplit('@').next().unwrap_or_default().to_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    if path.is_empty() { host } else { format!("{host}/{path}") }
}

/// A chart's place in one spelling: its source's, and its name or path there.
pub fn chart_identity(url: &str, chart: &str) -> String {
    let source = source_identity(url);
    let chart = chart.trim().trim_start_matches("./").trim_matches('/');
    if chart.is_empty() { source } else { format!("{source}/{chart}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_spelling() {
        for (url, expected) in [
            ("https://Charts.Example.org/Stable/", "charts.example.org/Stable"),
            ("oci://ghcr.io/owner/charts", "ghcr.io/owner/charts"),
            ("https://github.com/owner/name.git", "github.com/owner/name"),
            ("ssh://git@github.com/owner/name", "github.com/owner/name"),
            ("git@github.com:owner/name.git", "github.com/owner/name"),
            ("https://user:secret@example.org:8443/charts/?x=1#y", "example.org:8443/charts"),
            ("registry-1.docker.io/bitnamicharts", "registry-1.docker.io/bitnamicharts"),
            ("https://example.org", "example.org"),
            ("", ""),
        ] {
            assert_eq!(source_identity(url), expected, "{url}");
        }
        assert_eq!(chart_identity("https://github.com/o/n.git", "./charts/app/"), "github.com/o/n/charts/app");
    }
}
