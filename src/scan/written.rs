//! What happened, written out as rows: differences and JSON are the costly part of an event and need no order, so all cores share
//! them, while the next commits are applied already.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rayon::prelude::*;

use super::budget::Reservation;
use super::change_class::change_class;
use super::changes;
use super::lifecycle::Transition;
use super::parse::Parsed;
use super::scanner::{Batch, ScanError, Stop};
use crate::model::{Change, EventId, EventType, RepositoryId, Resolution, ResourceEvent, Step};

/// A transition with its commit, and what its resource means there.
pub(super) type Happened = (Arc<Step>, Transition, Arc<Resolution>);

/// A chunk that was applied.
pub(super) struct Applied {
    /// Without its events.
    pub batch: Batch,
    pub transitions: Vec<Happened>,
    /// What the blobs held: letting go of it takes time that others have to give.
    pub blobs: Parsed,
    pub memory: Reservation,
}

/// Writes out chunk after chunk and hands on the rows.
///
/// # Errors
/// When `sink` stops.
pub(super) fn write_all(
    repository: RepositoryId,
    chunks: &Receiver<Applied>,
    sink: &mut dyn FnMut(Batch) -> Result<(), Stop>,
) -> Result<(), ScanError> {
    for Applied { mut batch, transitions, blobs, mut memory } in chunks {
        let write = |json: &mut String, happened| write_out(repository, happened, json);
        batch.events = transitions.into_par_iter().map_init(String::new, write).collect();
        drop(blobs);
        memory.resize(batch.bytes());
        batch.memory = Some(memory);
        sink(batch).map_err(|Stop| ScanError::Stopped)?;
    }
    Ok(())
}

/// The event of a transition, with its differences and its content as JSON, which is put together in `json`.
fn write_out(repository: RepositoryId, (step, transition, resolution): Happened, json: &mut String) -> ResourceEvent {
    let Transition { event_type, record, path_before, blob_before, before, after, facts_before, .. } = transition;
    let mut list = Vec::new();
    if let Some(path) = &path_before {
        list.push(path_change(path, &record.path));
    }
    let mut omitted = 0;
    let mut class = None;
    if let (Some(before), Some(after)) = (&before, &after) {
        let changes = changes::changes(before, after);
        class = facts_before.map(|facts_before| change_class(&facts_before, &record.facts, &changes));
        list.extend(changes.list);
        omitted = changes.omitted;
    }
    json.clear();
    if let Some(data) = after.as_ref().or(before.as_ref()) {
        data.write_json(json);
    }
    ResourceEvent {
        sequence: record.sequence,
        id: EventId::new(repository, &step.commit, record.id, event_type),
        resource: record.id,
        event_type,
        moved: path_before.is_some(),
        path_before,
        step,
        path: record.path,
        ordinal: record.ordinal,
        blob_before,
        blob_after: if event_type == EventType::Deleted { String::new() } else { record.blob },
        api_version: record.api_version,
        group: record.group,
        kind: record.kind,
        namespace: record.namespace,
        name: record.name,
        changes: list,
        changes_omitted: omitted,
        change_class: class,
        facts: record.facts,
        resolution,
        content: json.clone(),
    }
}

/// A move shows as a change at `/path`, which no field of a Kubernetes object can be mistaken for.
fn path_change(before: &[u8], after: &[u8]) -> Change {
    let json = |path: &[u8]| serde_json::Value::from(String::from_utf8_lossy(path)).to_string();
    Change { pointer: "/path".to_owned(), before: Some(json(before)), after: Some(json(after)) }
}
