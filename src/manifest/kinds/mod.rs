//! What is known of each kind: one file a kind, one list.
//!
//! A new kind is one file here, one line in [`KINDS`], and one folder in `tests/it/fixtures/kinds`. Kinds, their API groups
//! (all versions, old ones too) and their reference fields are those of Flux v2.9, Flux Operator v0.55, Flux v1 and Argo CD.
//! Facts come from what a version of an API really had: fields that moved are read in both places.

mod alert;
mod app_project;
mod application;
mod application_set;
mod artifact_generator;
mod bucket;
mod config_map;
mod external_artifact;
mod fields;
mod flux_instance;
mod git_repository;
mod helm_chart;
mod helm_release;
mod helm_release_v1;
mod helm_repository;
mod helm_values;
mod image_policy;
mod image_repository;
mod image_update_automation;
mod images;
mod kustomization;
mod oci_repository;
mod provider;
mod receiver;
mod references;
mod resource_set;
mod resource_set_input_provider;
mod smallest;
mod source_version;
mod workload;

pub use fields::MAX_TEXT_BYTES;
pub use references::{Namespace, ReferenceField, Shape};

use super::resources::{Identity, Resource};
use super::yaml::Node;
use crate::model::Facts;

/// A kind of resource that kubestats understands.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// The API groups it was ever in.
    pub groups: &'static [&'static str],
    pub references: &'static [ReferenceField],
    /// Takes everything but the references out of a resource.
    read: fn(&Node, &mut Facts),
}

/// All kinds. Order does not matter; the most frequent ones stand first.
pub static KINDS: [&Kind; 31] = [
    &kustomization::KIND,
    &helm_release::KIND,
    &oci_repository::KIND,
    &helm_repository::KIND,
    &git_repository::KIND,
    &config_map::KIND,
    &workload::DEPLOYMENT,
    &workload::STATEFUL_SET,
    &workload::DAEMON_SET,
    &workload::REPLICA_SET,
    &workload::REPLICATION_CONTROLLER,
    &workload::CRON_JOB,
    &workload::JOB,
    &workload::POD,
    &helm_chart::KIND,
    &bucket::KIND,
    &external_artifact::KIND,
    &artifact_generator::KIND,
    &image_repository::KIND,
    &image_policy::KIND,
    &image_update_automation::KIND,
    &provider::KIND,
    &alert::KIND,
    &receiver::KIND,
    &flux_instance::KIND,
    &resource_set::KIND,
    &resource_set_input_provider::KIND,
    &application::KIND,
    &application_set::KIND,
    &app_project::KIND,
    &helm_release_v1::KIND,
];

impl Kind {
    /// The kind of a resource, if it is known.
    pub fn of(identity: &Identity) -> Option<&'static Self> {
        let is_of = |kind: &&&Self| *kind.name == *identity.kind && kind.groups.contains(&&*identity.group);
        KINDS.iter().find(is_of).copied()
    }
}

/// Keys of the inline Helm values of a resource; see [`helm_values::keys`]. No part of the facts, since they cost more than all of them and
/// are asked of the newest state alone.
pub fn values_keys(identity: &Identity, data: &Node) -> Vec<String> {
    let values = match Kind::of(identity).map(|kind| kind.name) {
        Some("HelmRelease") => fields::at(data, "spec.values").cloned(),
        Some("Application") => data.get("spec").and_then(application::values),
        Some("ApplicationSet") => fields::at(data, "spec.template.spec").and_then(application::values),
        _ => None,
    };
    values.as_ref().map(helm_values::keys).unwrap_or_default()
}

/// The facts of a resource; empty for a kind that nothing is known of.
pub fn facts(resource: &Resource) -> Facts {
    let mut facts = Facts::default();
    if let Some(kind) = Kind::of(&resource.identity) {
        (kind.read)(&resource.data, &mut facts);
        kind.references.iter().for_each(|field| field.read(&resource.data, &mut facts.references));
    }
    facts
}
