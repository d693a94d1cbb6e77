//! Resources and the events of their lifecycle.

use std::sync::Arc;

use super::{ChangeClass, EventId, Facts, Resolution, ResourceId};

/// What happened to a resource in one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    Created,
    Deleted,
    Modified,
}

impl EventType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Deleted => "DELETED",
            Self::Modified => "MODIFIED",
        }
    }
}

/// One commit of the walk, as its events show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Hexadecimal commit id.
    pub commit: String,
    /// Committer time, in seconds, as it stands in the commit.
    pub time: i64,
    /// Running maximum of commit times along the walk, in seconds: what "the state at time t" is asked by, since clocks
    /// run backwards. Commits dated after the scan do not move it.
    pub state_time: i64,
    /// Author name, with credentials redacted.
    pub actor: String,
    pub actor_is_bot: bool,
    /// First line of the message, with credentials redacted.
    pub subject: String,
}

/// One changed field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// JSON pointer (RFC 6901) into the resource.
    pub pointer: String,
    /// The value before, as JSON text; `None` when the field was absent.
    pub before: Option<String>,
    /// The value after, as JSON text; `None` when the field is gone.
    pub after: Option<String>,
}

/// One lifecycle change of one resource in one commit.
#[derive(Clone, Debug)]
pub struct ResourceEvent {
    /// Position in the repository's walk; orders events of one generation, and failures among them.
    pub sequence: u64,
    pub id: EventId,
    pub resource: ResourceId,
    pub event_type: EventType,
    /// The identity differs from the one before only in path or ordinal.
    pub moved: bool,
    /// The path before; moves only.
    pub path_before: Option<Arc<[u8]>>,
    pub step: Arc<Step>,
    pub path: Arc<[u8]>,
    pub ordinal: u32,
    /// Hexadecimal id of the blob that held the resource before; empty for CREATED.
    pub blob_before: String,
    /// Hexadecimal id of the blob that holds the resource now; empty for DELETED.
    pub blob_after: String,
    pub api_version: Arc<str>,
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    pub changes: Vec<Change>,
    /// Changes that were left out because there were too many or they were too large.
    pub changes_omitted: u32,
    /// What kind of difference it made; MODIFIED only.
    pub change_class: Option<ChangeClass>,
    /// What the manifest declares after the event (before it, for DELETED).
    pub facts: Arc<Facts>,
    /// What it means in the repository at its commit (before it, for DELETED).
    pub resolution: Arc<Resolution>,
    /// The resource after the event (before it, for DELETED) as JSON text, secrets redacted.
    pub content: String,
}

/// A resource as the last of its events left it.
#[derive(Clone, Debug)]
pub struct Resource {
    pub id: ResourceId,
    /// Sequence of its last event.
    pub sequence: u64,
    pub api_version: Arc<str>,
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    pub path: Arc<[u8]>,
    pub ordinal: u32,
    /// Hexadecimal id of the blob of its last event that holds it.
    pub blob: String,
    /// Time of its CREATED event, in seconds.
    pub created_at: i64,
    /// Time of its last event, in seconds.
    pub updated_at: i64,
    /// Time of its DELETED event, in seconds; `None` while it is alive.
    pub deleted_at: Option<i64>,
    /// What its manifest declares.
    pub facts: Arc<Facts>,
    /// Keys of its inline Helm values; known when its scan ends.
    pub values_keys: Vec<String>,
}

/// A file that could not be read as YAML in one commit; it keeps the last state that parsed.
#[derive(Clone, Debug)]
pub struct ScanFailure {
    pub sequence: u64,
    pub step: Arc<Step>,
    pub path: Arc<[u8]>,
    /// Hexadecimal id of the blob.
    pub blob: String,
    /// 1-based; 0 when the position is unknown.
    pub line: u32,
    /// 1-based; 0 when the position is unknown.
    pub column: u32,
    /// Why, without any of the file's content.
    pub message: String,
}
