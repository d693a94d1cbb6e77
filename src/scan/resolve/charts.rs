//! The chart and version behind a release.

use std::sync::Arc;

use super::Resolver;
use super::slots::{Role, Slot, key_of};
use crate::model::{Chart, Reference, ResourceId, VersionClass, chart_identity, source_identity};

/// Whether a resource's own manifest says something else of its chart than before.
pub fn says_otherwise(before: &Slot, after: &Slot) -> bool {
    let declared = |slot: &Slot| {
        let facts = &slot.facts;
        (facts.chart_name.clone(), facts.version.clone(), facts.url.clone(), slot.chart_reference().cloned())
    };
    declared(before) != declared(after)
}

/// What a reference to a source means.
#[derive(Clone, Copy)]
enum Place {
    /// The chart is found by its name.
    HelmRepository,
    /// The artifact is the chart.
    OciRepository,
    /// The chart is a directory.
    Directory,
    HelmChart,
}

impl Resolver {
    /// The chart that a resource installs, as the repository stands; `None` for one that installs none, or whose chart cannot be told.
    pub(super) fn chart(&self, slot: &Slot) -> Option<Chart> {
        match slot.role {
            Role::HelmRelease | Role::HelmChart => self.referred(slot),
            Role::HelmReleaseV1 => self.named_in_place(slot, "HelmRelease"),
            Role::Application => self.named_in_place(slot, "Application"),
            _ => None,
        }
    }

    fn referred(&self, slot: &Slot) -> Option<Chart> {
        let reference = slot.chart_reference()?;
        let place = match reference.kind.as_str() {
            "HelmRepository" => Place::HelmRepository,
            "OCIRepository" => Place::OciRepository,
            "GitRepository" | "Bucket" => Place::Directory,
            "HelmChart" => Place::HelmChart,
            // An ExternalArtifact is made in the cluster.
            _ => return None,
        };
        let source = self.source(slot, reference);
        let (id, facts) = match source {
            Some((id, source)) => (Some(id), Some(&source.facts)),
            None => (None, None),
        };
        let url = facts.and_then(|facts| facts.url.as_deref());
        let url = self.filled(slot, url).unwrap_or_default();
        let (source_kind, _) = key_of(reference)?;
        match place {
            Place::HelmChart => Some(Chart { source: id, ..source?.1.resolution.chart.clone()? }),
            Place::OciRepository => {
                let (_, source) = source?;
                let version = self.filled(source, source.facts.version.as_deref());
                let version_class = class(version.as_deref(), source.facts.version_class);
                let identity = source_identity(&url);
                let name = identity.rsplit('/').next().unwrap_or_default().to_owned();
                Some(Chart { name, identity, url, version, version_class, source_kind, source: id })
            }
            Place::HelmRepository => {
                let name = self.filled(slot, slot.facts.chart_name.as_deref())?;
                let version = self.filled(slot, slot.facts.version.as_deref()).unwrap_or_else(|| "*".to_owned());
                let version_class = class(Some(&version), slot.facts.version_class);
                let identity = if url.is_empty() { String::new() } else { chart_identity(&url, &name) };
                Some(Chart { name, identity, url, version: Some(version), version_class, source_kind, source: id })
            }
            Place::Directory => {
                let path = self.filled(slot, slot.facts.chart_name.as_deref())?;
                let identity = if url.is_empty() { String::new() } else { chart_identity(&url, &path) };
                let file = self.is_this_repository(reference, &url).then(|| self.chart_file(&path)).flatten();
                let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                let name = file.map_or_else(|| last.to_owned(), |file| file.name.clone());
                let version = file.map(|file| file.version.clone());
                Some(Chart { name, identity, url, version, version_class: VersionClass::Path, source_kind, source: id })
            }
        }
    }

    fn named_in_place(&self, slot: &Slot, source_kind: &'static str) -> Option<Chart> {
        let url = self.filled(slot, slot.facts.url.as_deref())?;
        let version = self.filled(slot, slot.facts.version.as_deref());
        let (name, place, version_class) = match (&slot.facts.chart_name, &slot.facts.path) {
            (Some(name), _) => {
                let name = self.filled(slot, Some(name))?;
                (name.clone(), name, class(version.as_deref(), slot.facts.version_class))
            }
            (None, Some(path)) if slot.role == Role::HelmReleaseV1 => {
                let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                (last.to_owned(), path.clone(), VersionClass::Path)
            }
            _ => return None,
        };
        let identity = chart_identity(&url, &place);
        Some(Chart { name, identity, url, version, version_class, source_kind, source: None })
    }

    /// The source that a reference means. In which namespace it lies may not be known (of the source, or of the referrer): then the name
    /// alone tells. Of several, the nearest: a repository of many clusters has sources of one name in each.
    fn source(&self, slot: &Slot, reference: &Reference) -> Option<(ResourceId, &Slot)> {
        let key = key_of(reference)?;
        let declared: Option<[Arc<str>; 1]> = reference.namespace.as_deref().map(|namespace| [namespace.into()]);
        let wanted = declared.as_ref().map_or(&slot.placement.namespaces[..], |namespace| &namespace[..]);
        let candidates = || self.slots.named(&key).filter(|(_, candidate)| !candidate.placement.is_patch);
        let is_there =
            |candidate: &Slot| candidate.placement.namespaces.iter().any(|namespace| wanted.contains(namespace));
        let there = self.nearest(candidates().filter(|(_, candidate)| is_there(candidate)), slot.path);
        there.or_else(|| {
            let may_be_there = |candidate: &Slot| wanted.is_empty() || candidate.placement.namespaces.is_empty();
            self.nearest(candidates().filter(|(_, candidate)| may_be_there(candidate)), slot.path)
        })
    }

    /// A declared text with variables filled in, or as it stands where they are not known.
    fn filled(&self, slot: &Slot, text: Option<&str>) -> Option<String> {
        let text = text?;
        let builder = self.paths.node(slot.path).contexts.builds().find_map(|context| context.builder);
        Some(self.fill(text, builder).unwrap_or_else(|| text.to_owned()))
    }

    fn is_this_repository(&self, reference: &Reference, url: &str) -> bool {
        reference.name == "flux-system"
            || source_identity(url).to_lowercase().ends_with(&format!("/{}", self.full_name))
    }

    /// The description of a chart that lies in this repository.
    fn chart_file(&self, path: &str) -> Option<&crate::model::ChartFile> {
        let directory = super::paths::join(b"", path.as_bytes())?;
        self.paths.chart(self.paths.known(&directory)?)
    }
}

/// The class of a version whose variables are filled in.
fn class(version: Option<&str>, declared: Option<VersionClass>) -> VersionClass {
    match declared {
        Some(VersionClass::Templated) | None => VersionClass::of_chart(version),
        Some(class) => class,
    }
}
