//! What makes a resource the same one, and what makes its data the same.

use super::check;

#[test]
fn the_version_of_an_api_is_data() {
    let scanned = check(
        "api-version-bump",
        "2 commits, 1 created, 1 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED HelmRelease.helm.toolkit.fluxcd.io default/app in app.yaml",
            "bump: MODIFIED HelmRelease.helm.toolkit.fluxcd.io default/app in app.yaml",
        ],
    );
    let bump = r#"/apiVersion: "helm.toolkit.fluxcd.io/v2beta1" -> "helm.toolkit.fluxcd.io/v2""#;
    assert_eq!(scanned.changes()[1], [bump]);
}

#[test]
fn another_group_is_another_resource() {
    check(
        "group-change",
        "2 commits, 2 created, 0 modified (0 moves), 1 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED Ingress.extensions web in web.yaml",
            "new group: DELETED Ingress.extensions web in web.yaml",
            "new group: CREATED Ingress.networking.k8s.io web in web.yaml",
        ],
    );
}

#[test]
fn another_namespace_is_another_resource() {
    check(
        "namespace-change",
        "3 commits, 3 created, 0 modified (0 moves), 2 deleted, 1 alive, 0 unparsable",
        &[
            "create: CREATED ConfigMap settings in settings.yaml",
            "say where: DELETED ConfigMap settings in settings.yaml",
            "say where: CREATED ConfigMap default/settings in settings.yaml",
            "elsewhere: DELETED ConfigMap default/settings in settings.yaml",
            "elsewhere: CREATED ConfigMap other/settings in settings.yaml",
        ],
    );
}

#[test]
fn equals_in_a_file_are_told_apart_by_their_ordinal() {
    check(
        "duplicate-identities",
        "2 commits, 2 created, 1 modified (0 moves), 1 deleted, 1 alive, 0 unparsable",
        &[
            "create two: CREATED ConfigMap same in same.yaml",
            "create two: CREATED ConfigMap same in same.yaml#1",
            "remove the first: MODIFIED ConfigMap same in same.yaml",
            "remove the first: DELETED ConfigMap same in same.yaml#1",
        ],
    );
}

#[test]
fn comments_order_quotes_and_styles_are_no_change() {
    check(
        "same-data",
        "2 commits, 1 created, 0 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &["create: CREATED ConfigMap settings in settings.yaml"],
    );
}

#[test]
fn the_type_and_the_text_of_a_scalar_are_data() {
    let modified = ["number", "another number", "without the zero"]
        .map(|subject| format!("{subject}: MODIFIED ConfigMap settings in settings.yaml"));
    let scanned = check(
        "type-change",
        "4 commits, 1 created, 3 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &["text: CREATED ConfigMap settings in settings.yaml", &modified[0], &modified[1], &modified[2]],
    );
    assert_eq!(
        scanned.changes()[1..].concat(),
        [r#"/data/key: "1" -> 1"#, r#"/data/key: 1 -> "1.10""#, r#"/data/key: "1.10" -> 1.1"#]
    );
}

#[test]
fn anchors_and_merge_keys_are_the_data_they_stand_for() {
    let scanned = check(
        "anchors",
        "3 commits, 1 created, 1 modified (0 moves), 0 deleted, 1 alive, 0 unparsable",
        &[
            "anchors: CREATED ConfigMap settings in settings.yaml",
            "change: MODIFIED ConfigMap settings in settings.yaml",
        ],
    );
    assert_eq!(scanned.changes()[1], [r#"/data/color: "red" -> "blue""#]);
}
