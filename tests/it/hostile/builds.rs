//! Manifests that are cheap to write and meant to be expensive to resolve: many of everything that refers to many of everything.

use serde_json::{Value, json};

use super::raw::{RawRepo, config_map};
use super::{Scanned, scan};

const MANY: usize = 20_000;

/// A commit of these files, nested as their paths say.
fn commit(repository: &RawRepo, files: &[(String, String)], parents: &[&str]) -> String {
    let mut stream = "commit refs/heads/main\ncommitter Carl <c@example.org> 1704110400 +0000\ndata 1\nx\n".to_owned();
    for parent in parents {
        stream.push_str(&format!("from {parent}\n"));
    }
    for (path, text) in files {
        stream.push_str(&format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()));
    }
    repository.import(&stream);
    repository.git(&["rev-parse", "main"]).trim().to_owned()
}

fn file(path: &str, text: impl Into<String>) -> (String, String) {
    (path.to_owned(), text.into())
}

fn documents(document: impl Fn(usize) -> String) -> String {
    (0..MANY).map(|number| format!("---\n{}\n", document(number))).collect()
}

fn flux_kustomization(number: usize, rest: &str) -> String {
    format!(
        "{{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {{name: k{number}, namespace: f}}, \
         spec: {{targetNamespace: n{number}, sourceRef: {{kind: GitRepository, name: s}}, {rest}}}}}"
    )
}

/// `fields` of the only resource of this path.
#[track_caller]
fn resource(scanned: &Scanned, path: &str, fields: &str) -> Value {
    let document =
        format!("query($path: String!) {{ resources(filter: {{path: {{eq: $path}}}}) {{ nodes {{ {fields} }} }} }}");
    let answer = scanned.server.query_with(&document, json!({ "path": path }));
    assert_eq!(answer["resources"]["nodes"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["resources"]["nodes"][0].clone()
}

#[track_caller]
fn namespaces(scanned: &Scanned, path: &str) -> Value {
    resource(scanned, path, "effectiveNamespaces")["effectiveNamespaces"].clone()
}

#[test]
fn twenty_thousand_builds_of_one_file_are_followed() {
    let repository = RawRepo::new();
    let apart = |first: &str| {
        documents(|number| {
            let rest = format!("path: ./apps/{number}");
            let document = flux_kustomization(number, &rest);
            if number == 7 { document.replace("Namespace: n7", &format!("Namespace: {first}")) } else { document }
        })
    };
    let together = documents(|number| flux_kustomization(number, "path: ./shared"));
    let first = commit(
        &repository,
        &[
            file("apps/7/one.yaml", config_map("seven")),
            file("apps/8/one.yaml", config_map("eight")),
            file("shared/one.yaml", config_map("shared")),
            file("flux/apart.yaml", apart("n7")),
            file("flux/together.yaml", together),
        ],
        &[],
    );
    commit(&repository, &[file("flux/apart.yaml", apart("other"))], &[&first]);
    let scanned = scan(&repository.path());
    scanned.succeeded("2 commits, 40003 created, 1 modified (0 moves), 0 deleted, 40003 alive, 0 unparsable");
    assert_eq!(namespaces(&scanned, "apps/7/one.yaml"), json!(["other"]));
    assert_eq!(namespaces(&scanned, "apps/8/one.yaml"), json!(["n8"]));
    assert_eq!(namespaces(&scanned, "shared/one.yaml"), json!([]));
}

#[test]
fn twenty_thousand_releases_find_theirs_of_twenty_thousand_sources_of_one_name() {
    let repository = RawRepo::new();
    let sources = documents(|number| {
        format!(
            "{{apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, metadata: {{name: s, namespace: n{number}}}, \
             spec: {{url: 'https://{number}.example.org'}}}}"
        )
    });
    let release = |number: usize| {
        format!(
            "{{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {{name: r, namespace: n{number}}}, \
             spec: {{chart: {{spec: {{chart: x, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: s}}}}}}}}}}"
        )
    };
    commit(
        &repository,
        &[file("one.yaml", release(19_999)), file("releases.yaml", documents(release)), file("sources.yaml", sources)],
        &[],
    );
    let scanned = scan(&repository.path());
    scanned.succeeded("1 commits, 40001 created, 0 modified (0 moves), 0 deleted, 40001 alive, 0 unparsable");
    let chart = resource(&scanned, "one.yaml", "chart { identity version }")["chart"].clone();
    assert_eq!(chart, json!({ "identity": "19999.example.org/x", "version": "1.0.0" }));
}

#[test]
fn a_kustomization_of_ten_thousand_entries_that_thousands_include_is_followed() {
    let repository = RawRepo::new();
    let entries: Vec<String> = (1..10_000).map(|number| format!("{number}.yaml")).collect();
    let includes = format!("resources: [release.yaml, {}]\n", entries.join(", "));
    let mut files: Vec<_> =
        (1..10_000).map(|number| file(&format!("base/{number}.yaml"), config_map(&format!("c{number}")))).collect();
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\n\
                   spec: {chart: {spec: {chart: x, version: 1.0.0, sourceRef: {kind: HelmRepository, name: s}}}}\n";
    files.push(file("base/release.yaml", release));
    files.push(file("patch.yaml", release.replace("1.0.0", "2.0.0")));
    files.push(file("base/kustomization.yaml", includes));
    for number in 0..5_000 {
        let text = format!("namespace: n{number}\nresources: [../../base]\npatches: [{{path: ../../patch.yaml}}]\n");
        files.push(file(&format!("overlays/{number}/kustomization.yaml"), text));
    }
    let first = commit(&repository, &files, &[]);
    let few: String = (1..5_000).map(|number| format!("D overlays/{number}/kustomization.yaml\n")).collect();
    repository.import(&format!(
        "commit refs/heads/main\ncommitter Carl <c@example.org> 1704110460 +0000\ndata 1\nx\nfrom {first}\n{few}\n"
    ));
    let scanned = scan(&repository.path());
    scanned.succeeded("2 commits, 10001 created, 0 modified (0 moves), 0 deleted, 10001 alive, 0 unparsable");
    assert_eq!(namespaces(&scanned, "base/7.yaml"), json!(["n0"]));
    let release =
        resource(&scanned, "base/release.yaml", "then: chart(at: 1704110401000) { version } chart { version }");
    // One of thousands of overlays is no better than the others; the last one left is.
    assert_eq!(release, json!({ "then": { "version": "1.0.0" }, "chart": { "version": "2.0.0" } }));
}
