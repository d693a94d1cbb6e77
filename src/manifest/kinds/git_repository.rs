//! GitRepository: a branch, tag or commit that Flux fetches.

use super::Kind;
use super::fields::{flag, lower_text, seconds, text};
use super::references::{local, secret, service_account};
use super::source_version::{VersionField, read_version};
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

pub static KIND: Kind = Kind {
    name: "GitRepository",
    groups: &["source.toolkit.fluxcd.io"],
    references: &[
        local("spec.include[].repository", &["GitRepository"]),
        secret("spec.secretRef"),
        secret("spec.proxySecretRef"),
        secret("spec.verify.secretRef"),
        service_account("spec.serviceAccountName"),
    ],
    read,
};

fn read(repository: &Node, facts: &mut Facts) {
    let Some(spec) = repository.get("spec") else { return };
    facts.url = text(spec, "url");
    facts.source_type = lower_text(spec, "provider");
    facts.interval_seconds = seconds(spec, "interval");
    facts.suspend = flag(spec, "suspend");
    read_version(spec, &VERSIONS, facts);
}

/// In the order in which Flux looks at them; without any, it is the branch `master`.
const VERSIONS: [VersionField; 5] = [
    ("ref.commit", VersionClass::of_digest),
    ("ref.name", VersionClass::of_git_name),
    ("ref.semver", |semver| VersionClass::of_chart(Some(semver))),
    ("ref.tag", VersionClass::of_tag),
    ("ref.branch", VersionClass::of_branch),
];
