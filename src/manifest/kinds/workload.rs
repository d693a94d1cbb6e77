//! Workloads: everything that has pods. They differ in where the pods' template stands.

use super::Kind;
use super::fields::{at, flag, items, text_of};
use super::images;
use super::smallest::Smallest;
use crate::manifest::yaml::Node;
use crate::model::{Facts, MAX_IMAGES};

pub static POD: Kind = Kind { read: |pod, facts| read(pod, "spec", facts), ..workload("Pod", &[""]) };
pub static REPLICATION_CONTROLLER: Kind = workload("ReplicationController", &[""]);
pub static DEPLOYMENT: Kind = workload("Deployment", &["apps", "extensions"]);
pub static REPLICA_SET: Kind = workload("ReplicaSet", &["apps", "extensions"]);
pub static DAEMON_SET: Kind = workload("DaemonSet", &["apps", "extensions"]);
pub static STATEFUL_SET: Kind = workload("StatefulSet", &["apps"]);
pub static JOB: Kind = workload("Job", &["batch", "extensions"]);
pub static CRON_JOB: Kind = Kind {
    read: |job, facts| read(job, "spec.jobTemplate.spec.template.spec", facts),
    ..workload("CronJob", &["batch"])
};

const fn workload(name: &'static str, groups: &'static [&'static str]) -> Kind {
    Kind { name, groups, references: &[], read: |object, facts| read(object, "spec.template.spec", facts) }
}

/// Reads what the pods run; `template` is the path of their spec.
fn read(object: &Node, template: &str, facts: &mut Facts) {
    // Jobs and cron jobs have it.
    facts.suspend = flag(object, "spec.suspend");
    let Some(pod) = at(object, template) else { return };
    let containers = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let containers = containers.flat_map(|list| items(pod, list)).filter_map(|container| container.get("image"));
    let volumes = items(pod, "volumes").iter().filter_map(|volume| at(volume, "image.reference"));
    let mut found = Smallest::new(MAX_IMAGES);
    containers.chain(volumes).filter_map(text_of).filter_map(images::parse).for_each(|image| found.push(image));
    facts.images = found.into_sorted();
}
