//! The chart and version behind a release.

use std::sync::Arc;

use super::Resolver;
use super::reads::{Read, Reads};
use super::slots::{ARTIFACT, Role, Slot, key_of};
use crate::model::{Artifact, Chart, ChartFile, Reference, ResourceId, VersionClass, chart_identity, source_identity};

/// Of more patches of releases of one name in one repository, none counts.
const MAX_PATCHES: usize = 256;

/// Artifacts may be made of artifacts; of a longer row the chart is not known.
const MAX_ARTIFACTS_IN_A_ROW: usize = 4;

/// Whether a resource's own manifest says something else of its chart than before.
pub fn says_otherwise(before: &Slot, after: &Slot) -> bool {
    let declared = |slot: &Slot| {
        let facts = &slot.facts;
        (facts.chart_name.clone(), facts.version.clone(), facts.url.clone(), slot.chart_reference().cloned())
    };
    declared(before) != declared(after)
}

/// What a manifest declares of its chart.
struct Declared<'a> {
    chart_name: Option<&'a str>,
    version: Option<&'a str>,
    version_class: Option<VersionClass>,
    reference: Option<&'a Reference>,
}

impl<'a> Declared<'a> {
    fn of(slot: &'a Slot) -> Self {
        Self {
            chart_name: slot.facts.chart_name.as_deref(),
            version: slot.facts.version.as_deref(),
            version_class: slot.facts.version_class,
            reference: slot.chart_reference(),
        }
    }

    /// What an ArtifactGenerator says of an artifact it makes.
    fn of_artifact(artifact: &'a Artifact) -> Self {
        Self {
            chart_name: artifact.path.as_deref(),
            version: None,
            version_class: None,
            reference: Some(&artifact.source),
        }
    }
}

impl Resolver {
    /// The chart that a resource installs, as the repository stands; `None` for one that installs none, or whose chart cannot be told.
    pub(super) fn chart(&self, slot: &Slot, reads: &Reads) -> Option<Chart> {
        match slot.role {
            Role::HelmRelease | Role::HelmChart => {
                let (_, slot, declared) = self.through_artifacts(slot, reads);
                self.referred(slot, &declared, reads)
            }
            Role::HelmReleaseV1 => self.named_in_place(slot, "HelmRelease", reads),
            Role::Application => self.named_in_place(slot, "Application", reads),
            _ => None,
        }
    }

    /// What a release declares of its chart. Where that is an artifact, only the cluster has it: who makes it says what it is made of. Answers
    /// the makers on the way, and the last of them with what it says.
    fn through_artifacts<'a>(&'a self, slot: &'a Slot, reads: &Reads) -> (Vec<ResourceId>, &'a Slot, Declared<'a>) {
        let (mut makers, mut slot, mut declared) = (Vec::new(), slot, self.declared(slot, reads));
        while let Some(reference) = declared.reference.filter(|reference| reference.kind == ARTIFACT)
            && let Some((id, maker)) = self.source(slot, reference, reads)
            && let Some(artifact) = maker.facts.artifacts.iter().find(|artifact| artifact.name == reference.name)
            && makers.len() < MAX_ARTIFACTS_IN_A_ROW
        {
            makers.push(id);
            (slot, declared) = (maker, Declared::of_artifact(artifact));
        }
        (makers, slot, declared)
    }

    /// The ArtifactGenerators that a release's chart comes through.
    pub(super) fn makers_of(&self, slot: &Slot, reads: &Reads) -> Vec<ResourceId> {
        if slot.role == Role::HelmRelease { self.through_artifacts(slot, reads).0 } else { Vec::new() }
    }

    /// The chart behind what is declared of it by a resource.
    fn referred(&self, slot: &Slot, declared: &Declared<'_>, reads: &Reads) -> Option<Chart> {
        let without_source = |name: &str| self.without_source(slot, name, declared, reads);
        let Some(reference) = declared.reference else { return without_source(declared.chart_name?) };
        let source = self.source(slot, reference, reads);
        let id = source.map(|(id, _)| id);
        let url = source.and_then(|(_, source)| self.filled(source, source.facts.url.as_deref(), reads));
        let url = url.unwrap_or_default();
        let (source_kind, _) = key_of(reference)?;
        let place = |name: &str| if url.is_empty() { String::new() } else { chart_identity(&url, name) };
        match source_kind {
            // One that names another is none.
            "HelmChart" if slot.role == Role::HelmChart => None,
            "HelmChart" => Some(Chart { source: id, ..source?.1.resolution.chart.clone()? }),
            // The artifact is the chart.
            "OCIRepository" => {
                let (_, source) = source?;
                // Without any reference it is the tag `latest`.
                let version = self.filled(source, source.facts.version.as_deref().or(Some("latest")), reads);
                let version_class = class(version.as_deref(), source.facts.version_class);
                let identity = source_identity(&url);
                let name = last_segment(&identity).to_owned();
                Some(Chart { name, identity, url, version, version_class, source_kind, source: id })
            }
            // The chart is found by its name.
            "HelmRepository" => {
                let chart = without_source(declared.chart_name?)?;
                Some(Chart { identity: place(&chart.name), url, source_kind, source: id, ..chart })
            }
            // The chart is a directory, and its version stands there.
            "GitRepository" | "Bucket" => {
                let path = self.filled(slot, declared.chart_name, reads)?;
                let file = self.is_this_repository(reference, &url).then(|| self.chart_file(&path, reads)).flatten();
                let identity = place(&path);
                let name = last_segment(if path.is_empty() { &identity } else { &path }).to_owned();
                let version = file.map(|file| file.version.clone());
                Some(Chart { name, identity, url, version, version_class: VersionClass::Path, source_kind, source: id })
            }
            // An artifact that nobody makes here, or one of too many.
            _ => None,
        }
    }

    /// A chart of which only name and version are known. Without a version Flux takes any.
    fn without_source(&self, slot: &Slot, name: &str, declared: &Declared<'_>, reads: &Reads) -> Option<Chart> {
        let version = self.filled(slot, declared.version, reads).unwrap_or_else(|| "*".to_owned());
        Some(Chart {
            name: self.filled(slot, Some(name), reads)?,
            identity: String::new(),
            url: String::new(),
            version_class: class(Some(&version), declared.version_class),
            version: Some(version),
            source_kind: "",
            source: None,
        })
    }

    /// What a release declares of its chart, with the patches of the kustomizations that build it.
    fn declared<'a>(&'a self, slot: &'a Slot, reads: &Reads) -> Declared<'a> {
        let mut declared = Declared::of(slot);
        for (_, patch) in self.patches_of(slot, reads) {
            let patched = Declared::of(patch);
            declared.chart_name = patched.chart_name.or(declared.chart_name);
            declared.reference = patched.reference.or(declared.reference);
            if patched.version.is_some() {
                (declared.version, declared.version_class) = (patched.version, patched.version_class);
            }
        }
        declared
    }

    /// The patches of a release: resources of its kind and name in files that a kustomization applies as patches to what it includes, the
    /// innermost kustomization first. Where several builds patch one release differently, that of the first directory counts.
    pub(super) fn patches_of<'a>(&'a self, slot: &'a Slot, reads: &Reads) -> Vec<(ResourceId, &'a Slot)> {
        let Some(key) = slot.key().filter(|_| slot.role == Role::HelmRelease && !slot.placement.is_patch) else {
            return Vec::new();
        };
        reads.note(Read::Named(key.clone()));
        let mut patches = self.slots.named(&key).into_iter().flat_map(|named| named.patches(MAX_PATCHES)).peekable();
        if patches.peek().is_none() {
            return Vec::new();
        }
        let includers = self.paths.includers(slot.path, |path| reads.note(Read::Path(path)));
        let mut found: Vec<_> = patches
            .filter_map(|id| {
                let patch = self.slots.get(id)?;
                reads.note(Read::Path(patch.path));
                let patched_by = &self.paths.node(patch.path).patched_by;
                let at = includers.iter().position(|directory| patched_by.contains(directory))?;
                Some((at, &patch.file, id, patch))
            })
            .collect();
        found.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));
        found.into_iter().map(|(_, _, id, patch)| (id, patch)).collect()
    }

    fn named_in_place(&self, slot: &Slot, source_kind: &'static str, reads: &Reads) -> Option<Chart> {
        let url = self.filled(slot, slot.facts.url.as_deref(), reads)?;
        let version = self.filled(slot, slot.facts.version.as_deref(), reads);
        let (name, place, version_class) = match (&slot.facts.chart_name, &slot.facts.path) {
            (_, Some(path)) if slot.role == Role::HelmReleaseV1 => {
                (last_segment(path).to_owned(), path.clone(), VersionClass::Path)
            }
            (Some(name), _) => {
                let name = self.filled(slot, Some(name), reads)?;
                (name.clone(), name, class(version.as_deref(), slot.facts.version_class))
            }
            _ => return None,
        };
        let identity = chart_identity(&url, &place);
        Some(Chart { name, identity, url, version, version_class, source_kind, source: None })
    }

    /// The source that a reference means: in the declared namespace, else in the referrer's. Of several the nearest: a repository of many
    /// clusters has sources of one name in each.
    fn source(&self, slot: &Slot, reference: &Reference, reads: &Reads) -> Option<(ResourceId, &Slot)> {
        let key = key_of(reference)?;
        let declared: Option<[Arc<str>; 1]> = reference.namespace.as_deref().map(|namespace| [namespace.into()]);
        let wanted = declared.as_ref().map_or(&slot.placement.namespaces[..], |namespace| &namespace[..]);
        if wanted.is_empty() {
            reads.note(Read::Named(key.clone()));
        }
        for namespace in wanted {
            reads.note(Read::In(key.clone(), Some(namespace.clone())));
        }
        let named = self.slots.named(&key);
        let there = named.and_then(|named| named.nearest_in(wanted, &slot.file));
        let id = there.or_else(|| {
            reads.note(Read::In(key.clone(), None));
            named?.nearest_of_unknown(wanted, &slot.file)
        })?;
        Some((id, self.slots.get(id)?))
    }

    /// What a bucket holds is not known, whatever its name.
    fn is_this_repository(&self, reference: &Reference, url: &str) -> bool {
        let is_this_url = || source_identity(url).to_lowercase().ends_with(&format!("/{}", self.full_name));
        reference.kind == "GitRepository" && (reference.name == "flux-system" || is_this_url())
    }

    /// The description of a chart that lies in this repository.
    fn chart_file(&self, path: &str, reads: &Reads) -> Option<&ChartFile> {
        let directory = super::paths::join(b"", path.as_bytes())?;
        reads.note(Read::Chart(directory.as_slice().into()));
        self.paths.chart(self.paths.known(&directory)?)
    }
}

fn last_segment(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The class of a version whose variables are filled in.
fn class(version: Option<&str>, declared: Option<VersionClass>) -> VersionClass {
    match declared {
        Some(VersionClass::Templated) | None => VersionClass::of_chart(version),
        Some(class) => class,
    }
}
