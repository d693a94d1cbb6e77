//! Rows of resolution as they are inserted, field by field as the migrations name them.

use clickhouse::Row;
use serde::Serialize;
use uuid::Uuid;

use super::Origin;
use crate::model::{
    ChangeClass, ChartVersionChange, EdgeChange, FileChange, ResolutionChange, VersionClass, VersionPart, VersionStep,
};

/// The values of the `version_class` columns.
pub const fn version_class_code(class: Option<VersionClass>) -> i8 {
    match class {
        None => 0,
        Some(VersionClass::Exact) => 1,
        Some(VersionClass::Range) => 2,
        Some(VersionClass::Wildcard) => 3,
        Some(VersionClass::Latest) => 4,
        Some(VersionClass::Digest) => 5,
        Some(VersionClass::Templated) => 6,
        Some(VersionClass::Path) => 7,
        Some(VersionClass::Unknown) => 8,
    }
}

/// The values of the `change_class` column.
pub const fn change_class_code(class: Option<ChangeClass>) -> i8 {
    match class {
        None => 0,
        Some(ChangeClass::Version) => 1,
        Some(ChangeClass::Image) => 2,
        Some(ChangeClass::Source) => 3,
        Some(ChangeClass::Suspend) => 4,
        Some(ChangeClass::Resume) => 5,
        Some(ChangeClass::Values) => 6,
        Some(ChangeClass::Metadata) => 7,
        Some(ChangeClass::Other) => 8,
    }
}

/// The values of the `step` column.
pub const fn version_step_code(step: VersionStep) -> i8 {
    match step {
        VersionStep::Upgrade => 1,
        VersionStep::Downgrade => 2,
        VersionStep::Sideways => 3,
    }
}

/// The values of the `part` column.
pub const fn version_part_code(part: VersionPart) -> i8 {
    match part {
        VersionPart::None => 0,
        VersionPart::Major => 1,
        VersionPart::Minor => 2,
        VersionPart::Patch => 3,
        VersionPart::Suffix => 4,
    }
}

#[derive(Clone, Row, Serialize)]
pub struct ResolutionRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    resource_id: Uuid,
    commit: &'a str,
    time: i64,
    state_time: i64,
    alive: bool,
    namespaces: Vec<&'a str>,
    is_patch: bool,
    is_vendored: bool,
    chart_name: &'a str,
    chart: &'a str,
    chart_url: &'a str,
    chart_version: &'a str,
    version_class: i8,
    source_kind: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    source_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> ResolutionRow<'a> {
    pub fn new(origin: Origin, change: &'a ResolutionChange) -> Self {
        let resolution = change.resolution.as_deref();
        let chart = resolution.and_then(|resolution| resolution.chart.as_ref());
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: change.sequence,
            resource_id: change.resource.0,
            commit: &change.step.commit,
            time: change.step.time,
            state_time: change.step.state_time,
            alive: resolution.is_some(),
            namespaces: resolution
                .into_iter()
                .flat_map(|resolution| &resolution.namespaces)
                .map(|name| &**name)
                .collect(),
            is_patch: resolution.is_some_and(|resolution| resolution.is_patch),
            is_vendored: resolution.is_some_and(|resolution| resolution.is_vendored),
            chart_name: chart.map_or("", |chart| &chart.name),
            chart: chart.map_or("", |chart| &chart.identity),
            chart_url: chart.map_or("", |chart| &chart.url),
            chart_version: chart.and_then(|chart| chart.version.as_deref()).unwrap_or_default(),
            version_class: version_class_code(chart.map(|chart| chart.version_class)),
            source_kind: chart.map_or("", |chart| chart.source_kind),
            source_id: chart.and_then(|chart| chart.source).map_or(Uuid::nil(), |id| id.0),
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct ReferenceRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    resource_id: Uuid,
    commit: &'a str,
    time: i64,
    state_time: i64,
    begins: bool,
    field: &'a str,
    to_kind: &'a str,
    to_namespace: &'a str,
    is_declared: bool,
    to_name: &'a str,
    selector: &'a str,
    produces: bool,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> ReferenceRow<'a> {
    pub fn new(origin: Origin, change: &'a EdgeChange) -> Self {
        let edge = &change.edge;
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: change.sequence,
            resource_id: change.resource.0,
            commit: &change.step.commit,
            time: change.step.time,
            state_time: change.step.state_time,
            begins: change.begins,
            field: &edge.field,
            to_kind: &edge.kind,
            to_namespace: &edge.namespace,
            is_declared: edge.is_declared,
            to_name: &edge.name,
            selector: &edge.selector,
            produces: edge.produces,
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct VersionChangeRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    resource_id: Uuid,
    commit: &'a str,
    time: i64,
    state_time: i64,
    actor: &'a str,
    actor_is_bot: bool,
    chart_name_before: &'a str,
    chart_name: &'a str,
    chart_before: &'a str,
    chart: &'a str,
    version_before: &'a str,
    version: &'a str,
    version_class_before: i8,
    version_class: i8,
    step: i8,
    part: i8,
    #[serde(with = "clickhouse::serde::uuid")]
    cause_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> VersionChangeRow<'a> {
    pub fn new(origin: Origin, change: &'a ChartVersionChange) -> Self {
        let ChartVersionChange { before, after, .. } = change;
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: change.sequence,
            resource_id: change.resource.0,
            commit: &change.step.commit,
            time: change.step.time,
            state_time: change.step.state_time,
            actor: &change.step.actor,
            actor_is_bot: change.step.actor_is_bot,
            chart_name_before: &before.name,
            chart_name: &after.name,
            chart_before: &before.identity,
            chart: &after.identity,
            version_before: before.version.as_deref().unwrap_or_default(),
            version: after.version.as_deref().unwrap_or_default(),
            version_class_before: version_class_code(Some(before.version_class)),
            version_class: version_class_code(Some(after.version_class)),
            step: version_step_code(change.version_step),
            part: version_part_code(change.version_part),
            cause_id: change.cause.map_or(Uuid::nil(), |id| id.0),
            run_id: origin.run.0,
        }
    }
}

#[derive(Clone, Row, Serialize)]
pub struct FileRow<'a> {
    #[serde(with = "clickhouse::serde::uuid")]
    repository_id: Uuid,
    generation: u32,
    sequence: u64,
    #[serde(with = "serde_bytes")]
    path: &'a [u8],
    commit: &'a str,
    time: i64,
    state_time: i64,
    facts: String,
    flux_version: &'a str,
    #[serde(with = "clickhouse::serde::uuid")]
    run_id: Uuid,
}

impl<'a> FileRow<'a> {
    pub fn new(origin: Origin, change: &'a FileChange) -> Self {
        let facts = change.facts.as_deref();
        Self {
            repository_id: origin.repository.0,
            generation: origin.generation,
            sequence: change.sequence,
            path: &change.path,
            commit: &change.step.commit,
            time: change.step.time,
            state_time: change.step.state_time,
            facts: facts.map(super::rows::json).unwrap_or_default(),
            flux_version: facts.and_then(|facts| facts.flux_version.as_deref()).unwrap_or_default(),
            run_id: origin.run.0,
        }
    }
}
