//! One commit's changed files against the state before it: what appeared, disappeared, changed, moved.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::state::{Live, State};
use crate::manifest::resources::{Identity, Resource};
use crate::manifest::yaml::{Node, Unparsable};
use crate::model::{self, EventType, Facts, FileFacts, ResourceId};

/// A resource of a manifest, redacted, with its facts.
#[derive(Clone)]
pub struct Declared {
    pub resource: Resource,
    pub facts: Arc<Facts>,
}

/// What a manifest holds.
pub struct Manifest {
    pub resources: Vec<Declared>,
    /// What it says beside its resources.
    pub facts: Option<Arc<FileFacts>>,
}

/// What a blob holds, or why it cannot be read.
pub type Contents = Arc<Result<Manifest, Unparsable>>;

/// A file of one commit, read.
pub struct File {
    pub path: Arc<[u8]>,
    /// Hexadecimal blob id and what the blob holds; `None` when the file is gone.
    pub after: Option<(String, Contents)>,
}

/// One lifecycle change, before it is written out.
pub struct Transition {
    pub event_type: EventType,
    /// The resource after the change (before it, for DELETED).
    pub record: model::Resource,
    pub path_before: Option<Arc<[u8]>>,
    pub blob_before: String,
    pub before: Option<Node>,
    pub after: Option<Node>,
    /// Bytes of memory that `after` takes, estimated.
    pub bytes: u64,
    /// What the resource declared before; MODIFIED only.
    pub facts_before: Option<Arc<Facts>>,
}

/// An unparsable file of one commit.
pub struct Failure {
    pub sequence: u64,
    pub path: Arc<[u8]>,
    pub blob: String,
    pub reason: Unparsable,
}

/// A resource of a changed file that the state does not hold under the same path and ordinal.
struct Appeared {
    path: Arc<[u8]>,
    blob: String,
    declared: Declared,
}

/// What identities lost and gained in one commit.
#[derive(Default)]
struct Difference {
    gone: Vec<Live>,
    new: Vec<Appeared>,
}

/// Applies one commit to the state and tells what changed, in the order of the walk: by path, identity, ordinal and type.
///
/// `time` is the commit's, in seconds; `sequence` is the last one given and moves on, failures first; `new_id` gives the id
/// of a resource that appears here.
pub fn apply(
    state: &mut State,
    files: Vec<File>,
    time: i64,
    sequence: &mut u64,
    new_id: impl Fn(&Identity, &[u8], u32) -> ResourceId,
) -> (Vec<Transition>, Vec<Failure>) {
    let mut transitions = Vec::new();
    let mut failures = Vec::new();
    let mut differences: BTreeMap<Identity, Difference> = BTreeMap::new();
    for File { path, after } in files {
        let (blob, after) = match after {
            None => (String::new(), Vec::new()),
            Some((blob, read)) => match read.as_ref() {
                Ok(manifest) => (blob, manifest.resources.clone()),
                Err(reason) => {
                    // The file keeps the last state that parsed.
                    *sequence += 1;
                    failures.push(Failure { sequence: *sequence, path, blob, reason: reason.clone() });
                    continue;
                }
            },
        };
        compare_file(state, path, &blob, after, time, &mut transitions, &mut differences);
    }
    for (identity, Difference { mut gone, mut new }) in differences {
        gone.sort_by(|a, b| (&a.record.path, a.record.ordinal).cmp(&(&b.record.path, b.record.ordinal)));
        new.sort_by(|a, b| (&a.path, a.declared.resource.ordinal).cmp(&(&b.path, b.declared.resource.ordinal)));
        let mut gone = gone.into_iter();
        for appeared in new {
            transitions.push(match gone.next() {
                Some(live) => moved(live, appeared, time),
                None => {
                    let id = new_id(&identity, &appeared.path, appeared.declared.resource.ordinal);
                    created(id, appeared, time)
                }
            });
        }
        transitions.extend(gone.map(|live| deleted(live, time)));
    }
    transitions.sort_by(|a, b| order(a).cmp(&order(b)));
    for transition in &mut transitions {
        *sequence += 1;
        transition.record.sequence = *sequence;
        if let Some(data) = &transition.after {
            let (record, bytes) = (transition.record.clone(), transition.bytes);
            state.insert(Live { record, data: Some(data.clone()), bytes });
        }
    }
    (transitions, failures)
}

/// Matches a file's resources by identity and ordinal; what has no match waits for the rest of the commit.
fn compare_file(
    state: &mut State,
    path: Arc<[u8]>,
    blob: &str,
    after: Vec<Declared>,
    time: i64,
    transitions: &mut Vec<Transition>,
    differences: &mut BTreeMap<Identity, Difference>,
) {
    let mut before: HashMap<_, _> = state.take(&path).into_iter().map(|live| (live.key(), live)).collect();
    let mut kept = Vec::with_capacity(after.len());
    for declared in after {
        let resource = &declared.resource;
        match before.remove(&(resource.identity.clone(), resource.ordinal)) {
            Some(live) if live.data.as_ref() == Some(&resource.data) => kept.push(live),
            Some(live) => transitions.push(modified(live, declared, path.clone(), blob, time, None)),
            None => {
                let identity = resource.identity.clone();
                let appeared = Appeared { path: path.clone(), blob: blob.to_owned(), declared };
                differences.entry(identity).or_default().new.push(appeared);
            }
        }
    }
    state.put_back(path, kept);
    for (_, live) in before {
        differences.entry(live.identity()).or_default().gone.push(live);
    }
}

fn created(id: ResourceId, appeared: Appeared, time: i64) -> Transition {
    let Appeared { path, blob, declared: Declared { resource, facts } } = appeared;
    let record = model::Resource {
        id,
        sequence: 0,
        api_version: resource.api_version,
        group: resource.identity.group,
        kind: resource.identity.kind,
        namespace: resource.identity.namespace,
        name: resource.identity.name,
        path,
        ordinal: resource.ordinal,
        blob,
        created_at: time,
        updated_at: time,
        deleted_at: None,
        facts,
        values_keys: Vec::new(),
    };
    Transition {
        event_type: EventType::Created,
        record,
        path_before: None,
        blob_before: String::new(),
        before: None,
        after: Some(resource.data),
        bytes: resource.bytes,
        facts_before: None,
    }
}

fn moved(live: Live, appeared: Appeared, time: i64) -> Transition {
    let path_before = live.record.path.clone();
    modified(live, appeared.declared, appeared.path, &appeared.blob, time, Some(path_before))
}

fn modified(
    live: Live,
    declared: Declared,
    path: Arc<[u8]>,
    blob: &str,
    time: i64,
    path_before: Option<Arc<[u8]>>,
) -> Transition {
    let Declared { resource, facts } = declared;
    let blob_before = live.record.blob.clone();
    let facts_before = Some(live.record.facts.clone());
    let record = model::Resource {
        api_version: resource.api_version,
        path,
        ordinal: resource.ordinal,
        blob: blob.to_owned(),
        updated_at: time,
        facts,
        ..live.record
    };
    Transition {
        event_type: EventType::Modified,
        record,
        path_before,
        blob_before,
        before: live.data,
        after: Some(resource.data),
        bytes: resource.bytes,
        facts_before,
    }
}

fn deleted(live: Live, time: i64) -> Transition {
    let record = model::Resource { updated_at: time, deleted_at: Some(time), ..live.record };
    Transition {
        event_type: EventType::Deleted,
        path_before: None,
        blob_before: record.blob.clone(),
        record,
        before: live.data,
        after: None,
        bytes: 0,
        facts_before: None,
    }
}

fn order(transition: &Transition) -> (&[u8], [&str; 4], u32, &'static str) {
    let record = &transition.record;
    let identity = [&*record.group, &*record.kind, record.namespace.as_deref().unwrap_or_default(), &*record.name];
    (&record.path, identity, record.ordinal, transition.event_type.as_str())
}
