//! Rows as they are inserted, field by field as the migrations name them.

use clickhouse::Row;
use serde::Serialize;
use uuid::Uuid;

use super::resolution_rows::{change_class_code, version_class_code};
use crate::model::{Checkpoint, EventType, RepositoryId, Resource, ResourceEvent, RunId, ScanFailure};

/// What all rows of one scan have in common.
#[derive(Clone, Copy)]
pub struct Origin {
    pub repository: RepositoryId,
    pub generation: u32,
    pub run: RunId,
}

/// The values of the `type` column.
pub const fn event_type_code(event_type: EventType) -> i8 {
    match event_type {
        EventType::Created => 1,
        EventType::Modified => 2,
        EventType::Deleted => 3,
    }
}

/// Plain data as JSON text.
pub fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("texts, numbers and lists of them can be written as JSON")
}

pub const STATUS_ACTIVE: i8 = 1;
pub const STATUS_DELETED: i8 = 2;

#[derive(Clone, Row, Serialize)]
pub struct AliasRow<'a> {
    pub alias: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
}

#[derive(Clone, Row, Serialize)]
pub struct KeyRow<'a> {
    pub fingerprint: &'a str,
}

#[derive(Clone, Row, Serialize)]
pub struct EventRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    resource_id: Uuid,
    r#type: i8,
    moved: bool,
    #[serde(with = "serde_bytes")]
    path_before: &'a [u8],
    commit: &'a str,
    time: i64,
    state_time: i64,
    actor: &'a str,
    actor_is_bot: bool,
    subject: &'a str,
    #[serde(with = "serde_bytes")]
    path: &'a [u8],
    ordinal: u32,
    blob_before: &'a str,
    blob_after: &'a str,
    group: &'a str,
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    changes: Vec<(&'a str, Option<&'a str>, Option<&'a str>)>,
    changes_omitted: u32,
    change_class: i8,
    effective_namespaces: Vec<&'a str>,
    is_patch: bool,
    is_vendored: bool,
    chart_name: &'a str,
    chart: &'a str,
    chart_version: &'a str,
    chart_version_class: i8,
    version: &'a str,
    version_class: i8,
    url: &'a str,
    source_type: &'a str,
    build_path: &'a str,
    target_namespace: &'a str,
    interval_seconds: Option<u32>,
    suspend: Option<bool>,
    prune: Option<bool>,
    wait: Option<bool>,
    images: Vec<(&'a str, &'a str, &'a str)>,
    content: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> EventRow<'a> {
    pub fn new(origin: Origin, event: &'a ResourceEvent) -> Self {
        let changes = event.changes.iter();
        let (facts, resolution) = (&*event.facts, &*event.resolution);
        let chart = resolution.chart.as_ref();
        let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: event.sequence,
            id: event.id.0,
            resource_id: event.resource.0,
            r#type: event_type_code(event.event_type),
            moved: event.moved,
            path_before: event.path_before.as_deref().unwrap_or_default(),
            commit: &event.step.commit,
            time: event.step.time,
            state_time: event.step.state_time,
            actor: &event.step.actor,
            actor_is_bot: event.step.actor_is_bot,
            subject: &event.step.subject,
            path: &event.path,
            ordinal: event.ordinal,
            blob_before: &event.blob_before,
            blob_after: &event.blob_after,
            group: &event.group,
            api_version: &event.api_version,
            kind: &event.kind,
            namespace: event.namespace.as_deref().unwrap_or_default(),
            name: &event.name,
            changes: changes.map(|c| (c.pointer.as_str(), c.before.as_deref(), c.after.as_deref())).collect(),
            changes_omitted: event.changes_omitted,
            change_class: change_class_code(event.change_class),
            effective_namespaces: resolution.namespaces.iter().map(|namespace| &**namespace).collect(),
            is_patch: resolution.is_patch,
            is_vendored: resolution.is_vendored,
            chart_name: chart.map_or("", |chart| &chart.name),
            chart: chart.map_or("", |chart| &chart.identity),
            chart_version: chart.map_or("", |chart| text(&chart.version)),
            chart_version_class: version_class_code(chart.map(|chart| chart.version_class)),
            version: text(&facts.version),
            version_class: version_class_code(facts.version_class),
            url: text(&facts.url),
            source_type: text(&facts.source_type),
            build_path: text(&facts.path),
            target_namespace: text(&facts.target_namespace),
            interval_seconds: facts.interval_seconds,
            suspend: facts.suspend,
            prune: facts.prune,
            wait: facts.wait,
            images: facts.images.iter().map(|image| (&*image.repository, &*image.tag, &*image.digest)).collect(),
            content: &event.content,
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct ResourceRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    sequence: u64,
    group: &'a str,
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    #[serde(with = "serde_bytes")]
    path: &'a [u8],
    ordinal: u32,
    status: i8,
    blob: &'a str,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    facts: String,
    values_keys: Vec<&'a str>,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> ResourceRow<'a> {
    pub fn new(origin: Origin, resource: &'a Resource) -> Self {
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            id: resource.id.0,
            sequence: resource.sequence,
            group: &resource.group,
            api_version: &resource.api_version,
            kind: &resource.kind,
            namespace: resource.namespace.as_deref().unwrap_or_default(),
            name: &resource.name,
            path: &resource.path,
            ordinal: resource.ordinal,
            status: if resource.deleted_at.is_some() { STATUS_DELETED } else { STATUS_ACTIVE },
            blob: &resource.blob,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
            deleted_at: resource.deleted_at,
            facts: json(&*resource.facts),
            values_keys: resource.values_keys.iter().map(String::as_str).collect(),
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct FailureRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    commit: &'a str,
    time: i64,
    #[serde(with = "serde_bytes")]
    path: &'a [u8],
    blob: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> FailureRow<'a> {
    pub fn new(origin: Origin, failure: &'a ScanFailure) -> Self {
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: failure.sequence,
            commit: &failure.step.commit,
            time: failure.step.time,
            path: &failure.path,
            blob: &failure.blob,
            line: failure.line,
            column: failure.column,
            message: &failure.message,
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct CheckpointRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    version: u64,
    generation: u32,
    sequence: u64,
    commit: &'a str,
    commit_time: i64,
    state_time: i64,
    actor: &'a str,
    actor_is_bot: bool,
    subject: &'a str,
    branch: &'a str,
    extractor_version: u32,
    commits: u64,
    created: u64,
    modified: u64,
    deleted: u64,
    moved: u64,
    resources: u64,
    files: u64,
    unparsable_versions: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> CheckpointRow<'a> {
    /// `version` orders publications over all repositories.
    pub fn new(version: u64, checkpoint: &'a Checkpoint) -> Self {
        let Checkpoint { head, totals, .. } = checkpoint;
        Self {
            repository_id: checkpoint.repository.0,
            version,
            generation: checkpoint.generation,
            sequence: checkpoint.sequence,
            commit: &head.commit,
            commit_time: head.time,
            state_time: head.state_time,
            actor: &head.actor,
            actor_is_bot: head.actor_is_bot,
            subject: &head.subject,
            branch: &checkpoint.branch,
            extractor_version: checkpoint.extractor_version,
            commits: totals.commits,
            created: totals.created,
            modified: totals.modified,
            deleted: totals.deleted,
            moved: totals.moved,
            resources: totals.resources,
            files: totals.files,
            unparsable_versions: totals.unparsable_versions,
            run_id: checkpoint.run.0,
        }
    }
}
