//! What a manifest says beside its resources: kustomizations, charts' own descriptions, and the version of Flux.

use super::redact::Redactor;
use super::yaml::{Node, ScalarType};
use crate::model::{ChartFile, FileFacts, KustomizationFile};

/// The most paths that one kustomization keeps of each list.
const MAX_PATHS: usize = 10_000;
/// A longer entry is no path.
const MAX_PATH_BYTES: usize = 4_096;
/// Bytes at the start of a file in which the header of `gotk-components.yaml` stands.
const HEADER_BYTES: usize = 1_024;

/// The facts of a file, from its bytes and documents; `None` when it says nothing of the kind. Whether it counts depends on the
/// file's name, which is not known here: a file of values may have a list `resources`, too.
///
/// Kustomizations need no `kind` (kustomize fills it in), so that a first document that could be one counts.
pub fn file_facts(redactor: &Redactor, bytes: &[u8], documents: &[Node]) -> Option<FileFacts> {
    let first = documents.first();
    let mut facts = FileFacts {
        kustomization: first.and_then(kustomization),
        chart: first.and_then(chart),
        flux_version: flux_version(bytes),
    };
    if facts == FileFacts::default() {
        return None;
    }
    redact(redactor, &mut facts);
    Some(facts)
}

/// Nothing of this is meant to be a secret, and anything may hold one.
fn redact(redactor: &Redactor, facts: &mut FileFacts) {
    let texts = facts
        .kustomization
        .iter_mut()
        .flat_map(|file| file.namespace.iter_mut().chain(&mut file.includes).chain(&mut file.patches));
    let chart = facts.chart.iter_mut().flat_map(|chart| [&mut chart.name, &mut chart.version]);
    for text in texts.chain(chart).chain(&mut facts.flux_version) {
        if let std::borrow::Cow::Owned(redacted) = redactor.text(text) {
            *text = redacted;
        }
    }
}

fn kustomization(document: &Node) -> Option<KustomizationFile> {
    document.as_mapping()?;
    let text = |key| document.get(key).and_then(Node::as_str);
    let is_kind = text("kind").is_none_or(|kind| matches!(kind, "Kustomization" | "Component"));
    let is_group = text("apiVersion").is_none_or(|version| version.starts_with("kustomize.config.k8s.io/"));
    if !is_kind || !is_group {
        return None;
    }
    let mut found = KustomizationFile {
        namespace: text("namespace").filter(|namespace| !namespace.is_empty()).map(str::to_owned),
        ..KustomizationFile::default()
    };
    for key in ["resources", "bases", "components"] {
        found
            .includes
            .extend(items(document, key).filter_map(Node::as_str).filter(|path| is_path(path)).map(Into::into));
    }
    found.patches.extend(
        items(document, "patchesStrategicMerge").filter_map(Node::as_str).filter(|path| is_path(path)).map(Into::into),
    );
    for key in ["patches", "patchesJson6902"] {
        let paths = items(document, key).filter_map(|patch| patch.get("path")?.as_str());
        found.patches.extend(paths.filter(|path| is_path(path)).map(Into::into));
    }
    found.includes.truncate(MAX_PATHS);
    found.patches.truncate(MAX_PATHS);
    Some(found)
}

fn items<'a>(document: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> {
    document.get(key).and_then(Node::as_sequence).into_iter().flat_map(|list| list.items())
}

/// Whether an entry is a path of this repository: inline patches have lines, remote bases a scheme.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PATH_BYTES && !text.contains(['\n', '{']) && !text.contains("://")
}

/// Of a `Chart.yaml`: `apiVersion` v1 or v2, a name and a version, and no kind.
fn chart(document: &Node) -> Option<ChartFile> {
    if document.get("kind").is_some() || !matches!(document.get("apiVersion")?.as_str()?, "v1" | "v2") {
        return None;
    }
    let scalar = |key| {
        let scalar = document.get(key)?.as_scalar()?;
        (*scalar.scalar_type() != ScalarType::Null && scalar.text().len() <= 256).then(|| scalar.text().to_owned())
    };
    Some(ChartFile { name: scalar("name")?, version: scalar("version")? })
}

/// `# Flux Version: v2.3.0` in the header that `flux install` writes (flux2, pkg/manifestgen/install).
fn flux_version(bytes: &[u8]) -> Option<String> {
    let header = &bytes[..bytes.len().min(HEADER_BYTES)];
    let lines =
        header.split(|byte| *byte == b'\n').take_while(|line| line.starts_with(b"#") || line.starts_with(b"---"));
    let version = lines.into_iter().find_map(|line| line.strip_prefix(b"# Flux Version:"))?;
    let version = std::str::from_utf8(version).ok()?.trim();
    let is_version = !version.is_empty() && version.len() <= 64 && version.bytes().all(|byte| byte.is_ascii_graphic());
    is_version.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::read;

    fn facts(yaml: &str) -> FileFacts {
        let documents = read(yaml.as_bytes()).unwrap();
        file_facts(&Redactor::new(b"key"), yaml.as_bytes(), &documents).unwrap_or_default()
    }

    #[test]
    fn a_kustomization_names_what_it_includes_and_patches() {
        let found = facts(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: media\n\
             resources: [../base, ./a.yaml, 'https://example.org/x.yaml']\nbases: [b]\ncomponents: [../c]\n\
             patches: [{path: p.yaml}, {patch: 'kind: X'}]\npatchesStrategicMerge: [q.yaml, \"kind: X\\nmetadata: {}\"]\n\
             patchesJson6902: [{target: {kind: X}, path: r.yaml}]\n",
        );
        let kustomization = found.kustomization.unwrap();
        assert_eq!(kustomization.namespace.as_deref(), Some("media"));
        assert_eq!(kustomization.includes, ["../base", "./a.yaml", "b", "../c"]);
        assert_eq!(kustomization.patches, ["q.yaml", "p.yaml", "r.yaml"]);
        assert!(facts("resources: [a.yaml]").kustomization.is_some());
        let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n";
        assert_eq!(facts(flux), FileFacts::default());
        assert_eq!(facts("resources: {limits: {cpu: 1}}").kustomization.unwrap(), KustomizationFile::default());
    }

    #[test]
    fn a_chart_has_a_name_and_a_version() {
        let found = facts("apiVersion: v2\nname: app\nversion: 1.10\n");
        assert_eq!(found.chart, Some(ChartFile { name: "app".to_owned(), version: "1.10".to_owned() }));
        assert_eq!(facts("apiVersion: v1\nkind: Pod\nname: app\nversion: 1\n").chart, None);
    }

    #[test]
    fn the_version_of_flux_stands_in_a_header() {
        let header =
            "---\n# This manifest was generated by flux. DO NOT EDIT.\n# Flux Version: v2.3.0\n# Components: a,b\n";
        assert_eq!(facts(&format!("{header}a: 1")).flux_version.as_deref(), Some("v2.3.0"));
        assert_eq!(facts("a: 1\n# Flux Version: v2.3.0\n").flux_version, None);
    }
}
