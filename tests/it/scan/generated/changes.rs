//! Random changes of a small GitOps repository: few paths, few names, so that everything meets.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The repository's own URL, which some of its sources have.
pub const REPOSITORY: &str = "https://github.com/owner/name";

/// What one commit does, in order.
pub type Commit = Vec<Edit>;

#[derive(Clone, Debug)]
pub enum Edit {
    Write(&'static str, String),
    Delete(&'static str),
    Move(&'static str, &'static str),
    /// The file is no YAML any more.
    Break(&'static str),
}

/// The files of a commit.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<&'static str, File>,
}

struct File {
    text: String,
    /// What it said when it was last YAML.
    parsed: Option<String>,
}

impl Tree {
    /// Makes the changes of a commit; answers what is other afterwards: the text of each path, `None` where it is gone.
    pub fn apply(&mut self, commit: &Commit) -> Vec<(String, Option<String>)> {
        let before: BTreeMap<&str, String> = self.files.iter().map(|(path, file)| (*path, file.text.clone())).collect();
        let parsed_before: BTreeMap<&str, Option<String>> =
            self.files.iter().map(|(path, file)| (*path, file.parsed.clone())).collect();
        for edit in commit {
            self.edit(edit);
        }
        // A commit is one step: what a file said in between was never there.
        for (path, file) in &mut self.files {
            if is_broken(&file.text) {
                file.parsed = parsed_before.get(path).cloned().flatten();
            }
        }
        let paths = before.keys().chain(self.files.keys().filter(|path| !before.contains_key(*path)));
        let texts = paths.map(|path| (*path, self.files.get(path).map(|file| file.text.clone())));
        texts
            .filter(|(path, text)| text.as_ref() != before.get(path))
            .map(|(path, text)| (path.to_owned(), text))
            .collect()
    }

    /// Each file as it was last YAML.
    pub fn last_parsed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, file)| Some((*path, file.parsed.as_deref()?)))
    }

    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Write(path, text) => {
                self.files.insert(path, File { text: text.clone(), parsed: Some(text.clone()) });
            }
            Edit::Delete(path) => {
                self.files.remove(path);
            }
            Edit::Move(from, to) => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to, file);
                }
            }
            Edit::Break(path) => {
                let text = self.files.get(path).map(|file| file.text.clone()).unwrap_or_default();
                self.files.insert(path, File { text: format!("{text}{BROKEN}"), parsed: None });
            }
        }
    }
}

const BROKEN: &str = "\nbroken: [\n";

fn is_broken(text: &str) -> bool {
    text.ends_with(BROKEN)
}

/// Files of resources.
const MANIFESTS: [&str; 8] = [
    "one.yaml",
    "flux/one.yaml",
    "flux/two.yaml",
    "apps/one.yaml",
    "apps/a/one.yaml",
    "apps/a/two.yml",
    "apps/b/one.yaml",
    "charts/x/templates/one.yaml",
];
const KUSTOMIZATIONS: [&str; 6] = [
    "kustomization.yaml",
    "flux/kustomization.yaml",
    "apps/kustomization.yaml",
    "apps/a/kustomization.yaml",
    "apps/a/kustomization.yml",
    "apps/b/kustomization.yaml",
];
const CHARTS: [&str; 2] = ["charts/x/Chart.yaml", "apps/b/Chart.yaml"];

pub fn histories() -> BoxedStrategy<Vec<Commit>> {
    vec(vec(edit().boxed(), 1..5), 1..9).boxed()
}

fn edit() -> impl Strategy<Value = Edit> {
    let manifest = || select(&MANIFESTS[..]);
    let kustomization_file = || select(&KUSTOMIZATIONS[..]);
    let any = || prop_oneof![3 => manifest(), 2 => kustomization_file(), 1 => select(&CHARTS[..])];
    prop_oneof![
        8 => (manifest(), vec(document(), 1..4)).prop_map(|(path, documents)| Edit::Write(path, stream(documents))),
        4 => (kustomization_file(), kustomization()).prop_map(|(path, text)| Edit::Write(path, text)),
        1 => (select(&CHARTS[..]), version()).prop_map(|(path, version)| {
            Edit::Write(path, format!("apiVersion: v2\nname: x\nversion: {version}\n"))
        }),
        3 => any().prop_map(Edit::Delete),
        2 => (manifest(), manifest()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => (kustomization_file(), kustomization_file()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => any().prop_map(Edit::Break),
    ]
}

/// One file. Of several resources of one kind and name the first stays: which of two sources at one place is meant, only their ids tell.
fn stream(documents: Vec<Document>) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    for document in documents {
        let key = (document.kind, document.name);
        if !seen.contains(&key) {
            seen.push(key);
            text.push_str(&document.yaml());
        }
    }
    text
}

#[derive(Clone, Debug)]
struct Document {
    api_version: &'static str,
    kind: &'static str,
    name: &'static str,
    namespace: Option<&'static str>,
    /// Everything else, in flow style.
    rest: String,
}

impl Document {
    fn yaml(&self) -> String {
        let Self { api_version, kind, name, rest, .. } = self;
        let namespace = self.namespace.map(|namespace| format!(", namespace: {namespace:?}")).unwrap_or_default();
        format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\n{rest}\n")
    }
}

const FLUX: &str = "kustomize.toolkit.fluxcd.io/v1";
const SOURCE: &str = "source.toolkit.fluxcd.io/v1";
const SOURCES: [&str; 4] = ["HelmRepository", "OCIRepository", "GitRepository", "Bucket"];

fn document() -> impl Strategy<Value = Document> {
    prop_oneof![3 => builder(), 3 => source(), 1 => chart(), 1 => generator(), 3 => release(), 2 => variables(), 1 => application()]
}

fn namespace() -> impl Strategy<Value = Option<&'static str>> {
    select(&[None, None, Some("n1"), Some("n2"), Some("flux-system"), Some("${NS}")][..])
}

fn version() -> impl Strategy<Value = &'static str> {
    select(&["1.0.0", "1.1.0", "${VERSION}"][..])
}

fn directory() -> impl Strategy<Value = &'static str> {
    select(&["./", "./flux", "./apps", "./apps/a", "apps/b", "./none"][..])
}

/// A field `name: value`, or nothing.
fn field<T: std::fmt::Display>(name: &str, value: Option<T>) -> String {
    value.map(|value| format!("{name}: {value}, ")).unwrap_or_default()
}

fn quoted(text: Option<&str>) -> Option<String> {
    text.map(|text| format!("{text:?}"))
}

fn builder() -> impl Strategy<Value = Document> {
    let places = (select(&["k1", "k2"][..]), namespace(), of(directory()), namespace());
    let variables = (of(select(&["{NS: n1}", "{NS: n2, VERSION: 2.0.0}"][..])), any::<bool>());
    let source = select(&["flux-system", "s"][..]);
    let components = of(select(&["[../b]", "[../a, ../b]", "[../none]"][..]));
    (places, variables, source, components).prop_map(|(places, variables, source, components)| {
        let (name, namespace, path, target) = places;
        let path = field("path", path);
        let target = field("targetNamespace", quoted(target));
        let components = field("components", components);
        let substitute = field("substitute", variables.0);
        let from = if variables.1 { "substituteFrom: [{kind: ConfigMap, name: settings}]" } else { "" };
        let rest = format!(
            "spec: {{{path}{target}{components}sourceRef: {{kind: GitRepository, name: {source}}}, postBuild: {{{substitute}{from}}}}}"
        );
        Document { api_version: FLUX, kind: "Kustomization", name, namespace, rest }
    })
}

fn source() -> impl Strategy<Value = Document> {
    let urls = ["https://one.example.org", "https://two.example.org", REPOSITORY, "oci://${REGISTRY}/x"];
    let name = select(&["s", "flux-system"][..]);
    (select(&SOURCES[..]), name, namespace(), of(select(urls.to_vec())), of(version())).prop_map(
        |(kind, name, namespace, url, version)| {
            let rest = format!("spec: {{{}ref: {{{}}}}}", field("url", quoted(url)), field("tag", quoted(version)));
            Document { api_version: SOURCE, kind, name, namespace, rest }
        },
    )
}

/// `sourceRef`, in the fields that a chart has.
fn charted() -> impl Strategy<Value = String> {
    let name = select(&["./charts/x", "x", "${NS}"][..]);
    let source = select(&["s", "flux-system"][..]);
    (name, version(), select(&SOURCES[..]), source, namespace()).prop_map(
        |(chart, version, kind, source, namespace)| {
            let namespace = field("namespace", quoted(namespace));
            format!("chart: {chart:?}, version: {version:?}, sourceRef: {{{namespace}kind: {kind}, name: {source}}}")
        },
    )
}

fn chart() -> impl Strategy<Value = Document> {
    (namespace(), charted()).prop_map(|(namespace, charted)| Document {
        api_version: SOURCE,
        kind: "HelmChart",
        name: "c",
        namespace,
        rest: format!("spec: {{{charted}}}"),
    })
}

fn generator() -> impl Strategy<Value = Document> {
    let sources =
        ["GitRepository, name: s", "OCIRepository, name: s", "HelmChart, name: c", "ExternalArtifact, name: y"];
    let artifact = select(&["x", "y"][..]);
    let from = select(&["@of/", "@of/charts/x/**", "@of/x.yaml"][..]);
    (select(&["g1", "g2"][..]), namespace(), select(sources.to_vec()), namespace(), artifact, from).prop_map(
        |(name, namespace, source, there, artifact, from)| Document {
            api_version: "source.extensions.fluxcd.io/v1beta1",
            kind: "ArtifactGenerator",
            name,
            namespace,
            rest: format!(
                "spec: {{sources: [{{alias: of, {}kind: {source}}}], \
                 artifacts: [{{name: {artifact}, copy: [{{from: {from:?}, to: \"@artifact/\"}}]}}]}}",
                field("namespace", quoted(there))
            ),
        },
    )
}

fn release() -> impl Strategy<Value = Document> {
    let references =
        ["OCIRepository, name: s", "HelmChart, name: c", "ExternalArtifact, name: x", "ExternalArtifact, name: y"];
    let referred = (select(references.to_vec()), namespace()).prop_map(|(reference, namespace)| {
        format!("chartRef: {{{}kind: {reference}}}", field("namespace", quoted(namespace)))
    });
    let spec = prop_oneof![2 => charted().prop_map(|charted| format!("chart: {{spec: {{{charted}}}}}")), 1 => referred];
    (select(&["r1", "r2"][..]), namespace(), spec).prop_map(|(name, namespace, spec)| Document {
        api_version: "helm.toolkit.fluxcd.io/v2",
        kind: "HelmRelease",
        name,
        namespace,
        rest: format!("spec: {{{spec}, dependsOn: [{{name: \"${{NS}}-other\"}}]}}"),
    })
}

fn variables() -> impl Strategy<Value = Document> {
    let all = ["NS: n1", "NS: n2", "VERSION: 1.2.0", "VERSION: 2.0.0", "REGISTRY: ghcr.io/owner"];
    (select(&["settings", "other"][..]), namespace(), subsequence(all.to_vec(), 0..3)).prop_map(
        |(name, namespace, mut data)| {
            data.dedup_by_key(|entry| entry.split(':').next());
            let rest = format!("data: {{{}}}", data.join(", "));
            Document { api_version: "v1", kind: "ConfigMap", name, namespace, rest }
        },
    )
}

fn application() -> impl Strategy<Value = Document> {
    let from = prop_oneof![
        directory().prop_map(|path| format!("path: {path}")),
        version().prop_map(|version| format!("chart: x, targetRevision: {version:?}"))
    ];
    (namespace(), from).prop_map(|(namespace, from)| Document {
        api_version: "argoproj.io/v1alpha1",
        kind: "Application",
        name: "a",
        namespace: Some("argocd"),
        rest: format!(
            "spec: {{source: {{repoURL: {REPOSITORY}, {from}}}, destination: {{{}}}}}",
            field("namespace", quoted(namespace))
        ),
    })
}

fn kustomization() -> impl Strategy<Value = String> {
    let includes =
        ["one.yaml", "two.yaml", "two.yml", "a", "../b", "../apps", "../../flux", ".", "../apps/a", "Chart.yaml"];
    let patches = ["one.yaml", "two.yml"];
    let resources = subsequence(includes.to_vec(), 0..4);
    let patches = subsequence(patches.to_vec(), 0..2);
    (of(select(&["x", "y", "${NS}"][..])), resources, patches).prop_map(|(namespace, resources, patches)| {
        let namespace = namespace.map(|namespace| format!("namespace: {namespace:?}\n")).unwrap_or_default();
        let patches = patches.iter().map(|path| format!("{{path: {path}}}")).collect::<Vec<_>>().join(", ");
        format!("kind: Kustomization\n{namespace}resources: [{}]\npatches: [{patches}]\n", resources.join(", "))
    })
}
