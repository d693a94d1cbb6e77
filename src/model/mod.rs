//! The words of kubestats as plain data: ids, commits, resources, events. No I/O, no other room.
//!
//! Times are seconds since 1970-01-01T00:00:00Z unless a field says otherwise; a path is bytes, as Git keeps it.

mod chart_groups;
mod event;
mod facts;
mod forge;
mod id;
mod job;
mod metrics;
mod repository;
mod resolution;
mod version;

pub use chart_groups::{ChartGroup, ChartMove, MIN_REPOSITORIES, chart_groups};
pub use event::{Change, EventType, Resource, ResourceEvent, ScanFailure, Step};
pub use facts::{
    Artifact, ChangeClass, Facts, Image, MAX_ARTIFACTS, MAX_IMAGES, MAX_REFERENCES, MAX_VALUES_KEYS, MAX_VARIABLES,
    Reference, VersionClass, VersionPart, VersionStep,
};
pub use forge::{ForgeId, ForgeMetrics, ForgeRepository, Profile, RateLimit};
pub use id::{EventId, RepositoryId, ResourceId, RunId};
pub use job::{
    Job, JobArguments, JobError, JobId, JobKind, JobLogLine, JobProgress, JobRequest, JobState, LogLevel, Requester,
    ScheduleState,
};
pub use metrics::{Quality, QualityPart, RepositoryMetrics};
pub use repository::{
    ChangedField, Checkpoint, LastRun, Repository, RepositoryChange, RepositoryStatus, RunStatus, Totals,
};
pub use resolution::{
    Chart, ChartFile, ChartVersionChange, Edge, EdgeChange, FileChange, FileFacts, KustomizationFile, Resolution,
    ResolutionChange, chart_identity, source_identity,
};
pub use version::{Version, VersionChange, is_version, newest_first};
