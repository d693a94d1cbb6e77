//! What is resolved depends on the files of a commit, whatever way led there: random histories, read at once, in steps, and each of their
//! states as if it had been committed at once.

mod changes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kubestats::git::{CommitId, Mirror};
use kubestats::manifest::redact::Redactor;
use kubestats::model::{Edge, FileFacts, Repository, RepositoryId, Resolution, Resource, ResourceId, Totals};
use kubestats::scan::{Budget, Resume, Scanner};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::repos::run_git;
use changes::{Commit, Edit, Tree, histories};

#[test]
fn random_histories_are_resolved_alike_at_once_in_steps_and_from_any_state() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    run(TestRunner::new_with_rng(config(24), rng));
}

#[test]
#[ignore = "soak"]
fn soak_many_random_histories_are_resolved_alike_at_once_in_steps_and_from_any_state() {
    run(TestRunner::new(config(2_000)));
}

/// Found by the tests above.
#[test]
fn a_chart_in_a_bucket_does_not_follow_a_directory_of_the_repository() {
    let release = "chart: {spec: {chart: ./charts/x, sourceRef: {kind: Bucket, name: flux-system}}}";
    let chart = "apiVersion: v2\nname: x\nversion: 1.0.0\n";
    check(&[
        vec![Edit::Write("one.yaml", a_release(release))],
        vec![Edit::Write("charts/x/Chart.yaml", chart.to_owned())],
    ]);
}

#[test]
fn a_release_follows_the_source_that_its_patch_names() {
    let charted = |source: &str| {
        a_release(&format!(
            "chart: {{spec: {{chart: x, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: {source}}}}}}}"
        ))
    };
    let source = |url: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: s}}\nspec: {{url: '{url}'}}\n"
        )
    };
    let kustomization = "resources: [one.yaml]\npatches: [{path: two.yml}]\n".to_owned();
    check(&[
        vec![
            Edit::Write("apps/a/one.yaml", charted("other")),
            Edit::Write("apps/a/two.yml", charted("s")),
            Edit::Write("apps/a/kustomization.yaml", kustomization),
        ],
        vec![Edit::Write("flux/one.yaml", source("https://one.example.org"))],
        vec![Edit::Write("flux/one.yaml", source("https://two.example.org"))],
        vec![Edit::Delete("flux/one.yaml")],
    ]);
}

#[test]
fn a_namespace_of_a_build_follows_its_variables() {
    let settings = |namespace: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{NS: {namespace}}}\n")
    };
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k}\nspec: {path: ./apps, \
                targetNamespace: '${NS}', sourceRef: {kind: GitRepository, name: flux-system}, \
                postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}}\n";
    check(&[
        vec![Edit::Write("flux/one.yaml", flux.to_owned()), Edit::Write("apps/one.yaml", a_release(""))],
        vec![Edit::Write("flux/two.yaml", settings("n1"))],
        vec![Edit::Write("flux/two.yaml", settings("n2"))],
        vec![Edit::Write("flux/one.yaml", flux.replace("targetNamespace: '${NS}', ", ""))],
        vec![Edit::Write("apps/kustomization.yaml", "namespace: ${NS}\nresources: [one.yaml]\n".to_owned())],
        vec![Edit::Delete("flux/two.yaml")],
    ]);
}

/// The builds of the release stay the same, and so does the kustomization that patches it.
#[test]
fn a_release_follows_the_kustomizations_that_come_to_include_it() {
    let release = a_release("chart: {spec: {chart: x, version: 1.0.0, sourceRef: {kind: HelmRepository, name: s}}}");
    let between = |includes: &str| Edit::Write("apps/a/kustomization.yaml", format!("resources: [{includes}]\n"));
    check(&[
        vec![
            Edit::Write("apps/kustomization.yaml", "resources: [a]\npatches: [{path: one.yaml}]\n".to_owned()),
            Edit::Write("apps/one.yaml", release.replace("1.0.0", "2.0.0")),
            Edit::Write("apps/b/one.yaml", release),
            Edit::Write("apps/b/kustomization.yaml", "resources: [one.yaml]\n".to_owned()),
            between(""),
        ],
        vec![between("../b")],
        vec![between("")],
    ]);
}

#[test]
fn a_chart_of_a_chart_is_none() {
    let chart = |name: &str, of: &str| {
        format!(
            "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {{name: {name}}}\n\
             spec: {{chart: x, version: 1.0.0, sourceRef: {{kind: {of}}}}}\n"
        )
    };
    check(&[
        vec![Edit::Write("one.yaml", chart("a", "HelmChart, name: b"))],
        vec![Edit::Write("flux/one.yaml", chart("b", "HelmRepository, name: s"))],
        vec![Edit::Write("flux/two.yaml", chart("b", "HelmChart, name: a"))],
    ]);
}

#[test]
fn a_chart_follows_the_artifacts_it_comes_through() {
    let generator = |source: &str, artifact: &str, path: &str| {
        format!(
            "---\napiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\nmetadata: {{name: of-{artifact}}}\n\
             spec: {{sources: [{{alias: of, {source}}}], artifacts: [{{name: {artifact}, copy: [{{from: '@of/{path}', to: '@artifact/'}}]}}]}}\n"
        )
    };
    let source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: s}\nspec: {url: 'oci://ghcr.io/a/b', ref: {tag: 1.0.0}}\n";
    let of_source = generator("kind: OCIRepository, name: s", "x", "");
    check(&[
        vec![Edit::Write("one.yaml", a_release("chartRef: {kind: ExternalArtifact, name: y}"))],
        vec![Edit::Write("flux/two.yaml", generator("kind: ExternalArtifact, name: x", "y", ""))],
        vec![Edit::Write("flux/one.yaml", of_source)],
        vec![Edit::Write("apps/one.yaml", source.to_owned())],
        vec![Edit::Write("apps/one.yaml", source.replace("1.0.0", "1.1.0"))],
        vec![Edit::Write("flux/one.yaml", generator("kind: ExternalArtifact, name: y", "x", ""))],
        vec![Edit::Write("flux/one.yaml", generator("kind: GitRepository, name: flux-system", "x", "charts/x/**"))],
        vec![Edit::Write("charts/x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 3.0.0\n".to_owned())],
        vec![Edit::Delete("flux/two.yaml")],
    ]);
}

fn a_release(spec: &str) -> String {
    format!("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: r1}}\nspec: {{{spec}}}\n")
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() }
}

fn run(mut runner: TestRunner) {
    let checked = runner.run(&histories(), |history| {
        check(&history);
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

fn check(history: &[Commit]) {
    let repository = BareRepository::new(history);
    let mut whole = Scanned::default();
    whole.scan(&repository.at(&branch(history.len() - 1)));
    let mut stepwise = Scanned::default();
    for number in 0..history.len() {
        stepwise.scan(&repository.at(&branch(number)));
        let mut fresh = Scanned::default();
        fresh.scan(&repository.at(&only(number)));
        assert_eq!(stepwise.resolved(), fresh.resolved(), "after commit {number}, and as if all of it were new");
    }
    let (stepwise, whole) = (stepwise.rows(), whole.rows());
    let different = stepwise.symmetric_difference(&whole).next();
    assert_eq!(different, None, "a row of one way that the other has not");
}

/// The branch that ends with this commit of the history.
fn branch(commit: usize) -> String {
    format!("until-{commit}")
}

/// The branch whose only commit has the files of this one.
fn only(commit: usize) -> String {
    format!("only-{commit}")
}

struct BareRepository {
    folder: tempfile::TempDir,
}

impl BareRepository {
    fn new(history: &[Commit]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run_git(folder.path(), &["init", "--quiet", "--bare", "--template=", "repository"]);
        let repository = Self { folder };
        repository.import(&stream(history));
        repository
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn import(&self, stream: &str) {
        let mut git = Command::new("git");
        git.args(["fast-import", "--quiet"]).current_dir(self.path()).stdin(Stdio::piped());
        let mut import = git.spawn().unwrap();
        import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
    }

    /// As if this branch were the default branch.
    fn at(&self, branch: &str) -> Mirror {
        std::fs::write(self.path().join("HEAD"), format!("ref: refs/heads/{branch}\n")).unwrap();
        Mirror::open(&self.path()).unwrap()
    }
}

/// The history as a stream for `git fast-import`, with the branches [`branch`] and [`only`] of each commit.
fn stream(history: &[Commit]) -> String {
    let mut stream = String::new();
    let mut tree = Tree::default();
    for (number, commit) in history.iter().enumerate() {
        begin(&mut stream, "main", number);
        for (path, text) in tree.apply(commit) {
            file(&mut stream, &path, text.as_deref());
        }
        stream.push_str(&format!("reset refs/heads/{}\nfrom refs/heads/main\n\n", branch(number)));
        begin(&mut stream, &only(number), number);
        tree.last_parsed().for_each(|(path, text)| file(&mut stream, path, Some(text)));
    }
    stream
}

fn begin(stream: &mut String, branch: &str, number: usize) {
    // Clocks run backwards, too.
    let time = 1_704_110_400 + number * 60 - number % 3 * 100;
    stream.push_str(&format!(
        "commit refs/heads/{branch}\ncommitter Carl Committer <carl@example.org> {time} +0000\ndata 6\nchange\n"
    ));
}

fn file(stream: &mut String, path: &str, text: Option<&str>) {
    match text {
        Some(text) => stream.push_str(&format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())),
        None => stream.push_str(&format!("D {path}\n")),
    }
}

/// What scans of one repository stored, and how far they came.
#[derive(Default)]
struct Scanned {
    rows: Vec<String>,
    resources: HashMap<ResourceId, Resource>,
    files: BTreeMap<Arc<[u8]>, Arc<FileFacts>>,
    resolutions: HashMap<ResourceId, Arc<Resolution>>,
    edges: HashMap<ResourceId, BTreeSet<Edge>>,
    reached: Option<(CommitId, u64, i64, Totals)>,
}

impl Scanned {
    /// Reads what is new, as a scan that continues does.
    fn scan(&mut self, mirror: &Mirror) {
        let resume = self.reached.map(|(commit, sequence, state_time, totals)| {
            let mut resources: Vec<Resource> = self.resources.values().cloned().collect();
            resources.sort_by_key(|resource| resource.sequence);
            let files = self.files.iter().map(|(path, facts)| (path.clone(), facts.clone())).collect();
            Resume { commit, sequence, state_time, totals, resources, files }
        });
        let id = RepositoryId::from_alias(changes::REPOSITORY);
        let repository = Repository::discovered(id, changes::REPOSITORY, 0);
        let redactor = Redactor::new(b"key");
        let scanner = Scanner::new(mirror, &redactor, &repository, 2_000_000_000, resume);
        let outcome = scanner.run(&Budget::new(64 << 20).share(), &mut |batch| {
            self.rows.extend(batch.events.iter().map(|row| format!("{row:?}")));
            self.rows.extend(batch.failures.iter().map(|row| format!("{row:?}")));
            let resolved = batch.resolved;
            self.rows.extend(resolved.files.iter().map(|row| format!("{row:?}")));
            self.rows.extend(resolved.resolutions.iter().map(|row| format!("{row:?}")));
            self.rows.extend(resolved.edges.iter().map(|row| format!("{row:?}")));
            self.rows.extend(resolved.version_changes.iter().map(|row| format!("{row:?}")));
            for file in resolved.files {
                match file.facts {
                    Some(facts) => self.files.insert(file.path, facts),
                    None => self.files.remove(&file.path),
                };
            }
            for change in resolved.resolutions {
                match change.resolution {
                    Some(resolution) => self.resolutions.insert(change.resource, resolution),
                    None => self.resolutions.remove(&change.resource),
                };
            }
            for change in resolved.edges {
                let edges = self.edges.entry(change.resource).or_default();
                let is_new = if change.begins { edges.insert(change.edge) } else { edges.remove(&change.edge) };
                assert!(is_new, "an edge begins twice, or ends without having begun");
            }
            Ok(())
        });
        let outcome = outcome.unwrap();
        for resource in outcome.touched {
            match resource.deleted_at {
                None => self.resources.insert(resource.id, resource),
                Some(_) => self.resources.remove(&resource.id),
            };
        }
        let state_time = outcome.state_time.unwrap_or(mirror.head().time);
        self.reached = Some((mirror.head().commit, outcome.sequence, state_time, outcome.totals));
    }

    /// All rows, and the totals, whatever their order among those of one commit.
    fn rows(self) -> BTreeSet<String> {
        let count = self.rows.len();
        let mut rows: BTreeSet<String> = self.rows.into_iter().collect();
        assert_eq!(rows.len(), count, "a row stands twice");
        rows.insert(format!("{:?}", self.reached));
        rows.extend(self.resources.values().map(|resource| format!("{resource:?}")));
        rows
    }

    /// What holds of each resource alive, with the resources by what they are: their ids depend on the history.
    fn resolved(&self) -> BTreeMap<String, (Resolution, Option<String>, BTreeSet<Edge>)> {
        let resolved = self.resources.values().map(|resource| {
            let mut resolution = self.resolutions.get(&resource.id).map(|known| (**known).clone()).unwrap_or_default();
            let source = resolution.chart.as_mut().and_then(|chart| chart.source.take());
            let source = source.map(|id| describe(&self.resources[&id]));
            let edges = self.edges.get(&resource.id).cloned().unwrap_or_default();
            (describe(resource), (resolution, source, edges))
        });
        let known: BTreeSet<ResourceId> = self.resources.keys().copied().collect();
        assert!(
            self.resolutions.keys().all(|id| known.contains(id)),
            "something is resolved of a resource that is gone"
        );
        let of_gone = self.edges.iter().find(|(id, edges)| !edges.is_empty() && !known.contains(id));
        assert_eq!(of_gone, None, "edges of a resource that is gone");
        resolved.collect()
    }
}

fn describe(resource: &Resource) -> String {
    let path = Path::new(std::str::from_utf8(&resource.path).unwrap()).display();
    let namespace = resource.namespace.as_deref().unwrap_or_default();
    format!("{} {namespace}/{} in {path}#{}", resource.kind, resource.name, resource.ordinal)
}
