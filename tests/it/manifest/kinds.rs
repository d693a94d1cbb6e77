//! Facts of each kind: fixtures, the tables of references against the reference of Flux, random data, and real repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kubestats::manifest::kinds::{KINDS, Kind, Namespace, facts, values_keys};
use kubestats::manifest::resources::{Resource, resources};
use kubestats::manifest::yaml::{Node, read};
use kubestats::model::{Facts, VersionClass};
use proptest::collection::vec;
use proptest::prelude::*;

use super::properties::check_facts;
use super::restyled::restyled;
use super::{scalar, without_equal_keys};
use crate::golden;
use crate::support::repos::run_git;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/kinds")
}

/// The files below a folder whose names end in one of these, sorted.
fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files_below(&entry.path(), endings)),
            kind if kind.is_file() && endings.iter().any(|end| entry.path().to_string_lossy().ends_with(end)) => {
                found.push(entry.path());
            }
            _ => {}
        }
    }
    found.sort();
    found
}

/// `OCIRepository` is `oci-repository`.
fn kebab_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let starts_word = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let ends_word = at > 0 && letters[at - 1].is_lowercase();
        if at > 0 && letter.is_uppercase() && (starts_word || ends_word) {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

/// Each `<case>.yaml` gives the facts in `<case>.json`, one item a resource. `UPDATE_FIXTURES=1` writes them anew.
#[test]
fn each_case_has_its_facts() {
    let mut different = Vec::new();
    for path in files_below(&fixtures(), &[".yaml"]) {
        let found = resources(&fs::read(&path).unwrap()).unwrap();
        let facts: Vec<Facts> = found.iter().map(facts).collect();
        let mut written = serde_json::to_value(&facts).unwrap();
        for (written, resource) in written.as_array_mut().unwrap().iter_mut().zip(&found) {
            let keys = values_keys(&resource.identity, &resource.data);
            if !keys.is_empty() {
                written["values_keys"] = keys.into();
            }
        }
        let json = serde_json::to_string_pretty(&written).unwrap() + "\n";
        let expected = path.with_extension("json");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(&expected, &json).unwrap();
        }
        let read_back: Vec<Facts> = serde_json::from_str(&json).unwrap();
        assert_eq!(read_back, facts);
        if fs::read_to_string(&expected).ok().as_ref() != Some(&json) {
            different.push(format!("{} gives\n{json}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn each_kind_has_a_folder_of_cases() {
    let mut seen = BTreeSet::new();
    for path in files_below(&fixtures(), &[".yaml"]) {
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        for resource in resources(&fs::read(&path).unwrap()).unwrap() {
            if let Some(kind) = Kind::of(&resource.identity) {
                seen.insert((folder.clone(), kind.name, kind.groups));
            }
        }
    }
    for kind in KINDS {
        assert!(seen.contains(&(kebab_case(kind.name), kind.name, kind.groups)), "{} {:?}", kind.name, kind.groups);
    }
    let folders: BTreeSet<String> = KINDS.iter().map(|kind| kebab_case(kind.name)).collect();
    assert_eq!(seen.iter().map(|(folder, ..)| folder.clone()).collect::<BTreeSet<_>>(), folders);
}

#[test]
fn no_two_kinds_are_the_same() {
    let kinds = KINDS.iter().flat_map(|kind| kind.groups.iter().map(|group| (kind.name, *group)));
    assert_eq!(kinds.clone().collect::<BTreeSet<_>>().len(), kinds.count());
}

/// One field of a kind: path, the kinds it names, and whether it may lead to another namespace (which does not matter for a path) and
/// whether it makes what it names.
type Field = (String, String, BTreeSet<String>, Option<Namespace>, bool);

/// Fields of versions that the reference does not list any more.
const OLD_FIELDS: [(&str, &str); 3] = [
    ("HelmRelease", "spec.chart.sourceRef"),
    ("ImageUpdateAutomation", "spec.checkout.gitRepositoryRef"),
    ("ImageUpdateAutomation", "spec.commit.signingKey.secretRef"),
];

#[test]
fn reference_fields_are_those_of_the_reference() {
    let Some(shared) = golden::shared_folder() else { return };
    let reference = read(&fs::read(shared.join("flux-reference.yaml")).unwrap()).unwrap().remove(0);
    let flux_kinds = texts(reference.get("flux_kinds").unwrap());
    let mut expected = BTreeSet::new();
    for (kind, fields) in entries(reference.get("references").unwrap()) {
        for field in fields.as_sequence().unwrap().items() {
            expected.extend(expanded(kind, field, &flux_kinds));
        }
    }
    assert!(expected.len() > 60, "{expected:#?}");
    let of_flux = KINDS
        .iter()
        .filter(|kind| kind.groups.iter().any(|group| group.contains("fluxcd.") && *group != "helm.fluxcd.io"));
    let found: BTreeSet<Field> = of_flux
        .flat_map(|kind| kind.references.iter().map(|field| (kind.name, field)))
        .filter(|(kind, field)| !OLD_FIELDS.contains(&(kind, field.path)))
        .map(|(kind, field)| {
            let namespace = (field.kinds != ["directory"]).then_some(field.namespace);
            let kinds = field.kinds.iter().map(|kind| (*kind).to_owned()).collect();
            (kind.to_owned(), field.path.to_owned(), kinds, namespace, field.produces)
        })
        .collect();
    let difference = |one: &BTreeSet<Field>, two: &BTreeSet<Field>| one.difference(two).cloned().collect::<Vec<_>>();
    assert_eq!(difference(&expected, &found), [], "in the reference alone");
    assert_eq!(difference(&found, &expected), [], "in the tables alone");

    for (name, about) in entries(reference.get("argo").unwrap()) {
        let kind = KINDS.iter().find(|kind| kind.name == name && kind.groups == ["argoproj.io"]).unwrap();
        let has = |start: &str| assert!(kind.references.iter().any(|field| field.path.starts_with(start)), "{start}");
        for reference in about.get("refs").map(texts).unwrap_or_default() {
            match reference.split_once(" -> ") {
                Some((path, target)) => {
                    assert!(kind.references.iter().any(|field| field.path == path && field.kinds == [target]));
                }
                None => has(reference.split([' ', '/']).next().unwrap()),
            }
        }
    }
}

/// A line of the reference as the fields it stands for; templates of other resources are none.
fn expanded(kind: &str, line: &Node, flux_kinds: &[String]) -> Vec<Field> {
    let paths = line.get("path").into_iter().flat_map(texts).chain(line.get("paths").into_iter().flat_map(texts));
    let kinds: Vec<BTreeSet<String>> = match (line.get("kinds"), line.get("produces")) {
        (Some(kinds), _) if texts(kinds) == ["flux-kinds"] => vec![flux_kinds.iter().cloned().collect()],
        (Some(kinds), _) => vec![texts(kinds).into_iter().collect()],
        (None, Some(made)) => texts(made).iter().map(|kinds| kinds.split('|').map(str::to_owned).collect()).collect(),
        (None, None) => Vec::new(),
    };
    let produces = line.get("produces").is_some();
    let namespace = match line.get("ns").and_then(Node::as_str) {
        Some("own" | "as given") => Some(Namespace::Own),
        Some("local") => Some(Namespace::Local),
        // Beside itself.
        None if produces => Some(Namespace::Local),
        None => None,
        Some(other) => panic!("ns: {other}"),
    };
    paths
        .flat_map(|path| {
            kinds.iter().map(move |kinds| (kind.to_owned(), path.clone(), kinds.clone(), namespace, produces))
        })
        .collect()
}

/// A text, or a list of them.
fn texts(node: &Node) -> Vec<String> {
    let items = node.as_sequence().map_or(std::slice::from_ref(node), |sequence| sequence.items());
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    node.as_mapping().unwrap().entries().iter().map(|(key, value)| (key.as_str().unwrap(), value))
}

#[test]
fn huge_lists_are_capped_and_keep_the_same_facts_in_any_order() {
    let list = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(|at| item(at) + ", ").collect::<String>();
    let release = format!(
        "{{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {{name: a}}, spec: {{dependsOn: [{}], values: {{{}}}}}}}",
        list(3_000, &|at| format!("d{at}")),
        list(3_000, &|at| format!("k{at}: {{image: \"a/b:{at}\"}}")),
    );
    let settings = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{{}}}}}",
        list(3_000, &|at| format!("k{at}: a"))
    );
    let found: Vec<Resource> =
        [release, settings].iter().flat_map(|yaml| resources(yaml.as_bytes()).unwrap()).collect();
    found.iter().for_each(check_facts);
    let [release, settings] = [facts(&found[0]), facts(&found[1])];
    let counts = (
        release.references.len(),
        values_keys(&found[0].identity, &found[0].data).len(),
        release.images.len(),
        settings.variables.len(),
    );
    assert_eq!(counts, (500, 1_000, 200, 500));
}

/// Words that kinds look for, so that random data get somewhere.
fn word() -> impl Strategy<Value = Node> {
    let tables = KINDS.iter().flat_map(|kind| kind.references).flat_map(|field| field.path.split('.'));
    let mut words: BTreeSet<&str> = tables.map(|token| token.trim_end_matches("[]")).collect();
    words.extend(["name", "kind", "namespace", "selector", "matchLabels", "matchExpressions", "operator", "values"]);
    words.extend(["image", "images", "repository", "registry", "tag", "digest", "valuesObject", "helm", "template"]);
    words.extend(["chart", "version", "targetRevision", "ref", "semver", "interval", "suspend", "metadata", "data"]);
    words.extend(["containers", "initContainers", "volumes", "jobTemplate", "substitute", "newTag", "annotations"]);
    prop::sample::select(words.into_iter().map(Node::string).collect::<Vec<_>>())
}

/// Data made of those words.
fn worded() -> impl Strategy<Value = Node> {
    let texts = ["1.2.3", "^1.2", "a/b:1@sha256:0123", "${A:=b}", "*", "1h", "In", "HelmRelease", "a: {image: b/c}"];
    let leaf = prop_oneof![3 => prop::sample::select(texts.map(Node::string).to_vec()), 1 => word(), 1 => scalar()];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop_oneof![9 => word(), 1 => scalar()];
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(|items| Node::sequence(None, items)),
            3 => vec((key, inner), 0..6).prop_map(|entries| Node::mapping(None, without_equal_keys(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn any_resource_of_a_known_kind_has_facts_within_bounds(
        kind in prop::sample::select(KINDS.to_vec()),
        spec in worded(),
        data in worded(),
        choices in vec(any::<u8>(), 0..200),
    ) {
        let version = kind.groups.iter().map(|group| format!("{group}/v1")).next_back().unwrap();
        let name = Node::mapping(None, vec![(Node::string("name"), Node::string("a"))]);
        let entry = |key: &str, value| (Node::string(key), value);
        let object = Node::mapping(None, vec![
            entry("apiVersion", Node::string(version.trim_start_matches('/'))),
            entry("kind", Node::string(kind.name)),
            entry("metadata", name),
            entry("spec", spec),
            entry("data", data),
        ]);
        let found = resources(object.to_yaml().as_bytes()).unwrap();
        check_facts(&found[0]);
        let again = resources(restyled(&object, &choices).as_bytes()).unwrap();
        prop_assert_eq!(facts(&found[0]), facts(&again[0]));
    }
}

/// What holds for the manifests at the head of real repositories.
#[test]
fn real_manifests_have_the_facts_they_should() {
    let Some(shared) = golden::shared_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for name in golden::names(&shared, !cfg!(debug_assertions)) {
        let bundle = shared.join("corpus").join(format!("{name}.bundle"));
        run_git(folder.path(), &["clone", "--quiet", bundle.to_str().unwrap(), &name]);
        for path in files_below(&folder.path().join(&name), &[".yaml", ".yml"]) {
            for resource in resources(&fs::read(&path).unwrap()).unwrap_or_default() {
                let Some(kind) = Kind::of(&resource.identity) else { continue };
                check_facts(&resource);
                let facts = facts(&resource);
                check_real(&resource, &facts, &path);
                let count = counts.entry(kind.name).or_default();
                count[0] += 1;
                count[1] += usize::from(facts.version.is_some());
                count[2] += facts.references.len();
                count[3] += facts.images.len();
            }
        }
    }
    for (kind, [resources, versions, references, images]) in &counts {
        eprintln!("{kind}: {resources} resources, {versions} versions, {references} references, {images} images");
    }
    for kind in ["HelmRelease", "Kustomization", "HelmRepository", "GitRepository"] {
        assert!(counts.get(kind).is_some_and(|[resources, ..]| *resources > 0), "{kind}: {counts:?}");
    }
    assert!(counts["HelmRelease"][3] > 0 && counts["Kustomization"][2] > counts["Kustomization"][0]);
}

/// People write what works: versions have a class that says something, images have all their parts, references a kind.
#[track_caller]
fn check_real(resource: &Resource, facts: &Facts, path: &Path) {
    let place = format!("{} {} in {}", resource.identity.kind, resource.identity.name, path.display());
    if facts.version.is_some() {
        assert!(facts.version_class.is_some_and(|class| class != VersionClass::Unknown), "{place}: {facts:?}");
    }
    for image in &facts.images {
        assert!(image.digest.is_empty() || image.digest.starts_with("sha256:"), "{place}: {image:?}");
        assert!(image.tag.contains("${") || !image.tag.contains(['@', ':', '/', ' ']), "{place}: {image:?}");
    }
    for reference in &facts.references {
        assert!(!reference.kind.is_empty(), "{place}: {reference:?}");
    }
    let spec = resource.data.get("spec");
    for (field, is_read) in [
        ("interval", facts.interval_seconds.is_some()),
        ("url", facts.url.is_some()),
        ("sourceRef", facts.references.iter().any(|reference| reference.field == "spec.sourceRef")),
        ("chartRef", facts.references.iter().any(|reference| reference.field == "spec.chartRef")),
        ("values", !values_keys(&resource.identity, &resource.data).is_empty()),
        ("chart", facts.version_class.is_some()),
    ] {
        let value = spec.and_then(|spec| spec.get(field)).filter(|value| !value.to_json().contains("${"));
        assert!(
            is_read || value.is_none_or(|value| ["null", "{}"].contains(&&*value.to_json())),
            "{place}: {field} is lost"
        );
    }
}
