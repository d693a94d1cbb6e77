//! One file an entity.

mod chart;
mod commit;
mod discovery;
mod event;
mod events_recorded;
mod facts;
mod failure;
mod image;
mod job;
mod metrics;
mod reference;
mod repository;
mod repository_change;
mod request_limit;
mod resource;
mod schedule;
mod search;
mod version_change;

pub use chart::{Chart, ChartConnection, ChartOrder, RepositoryChart, chart_connection};
pub use commit::{Actor, Commit};
pub use discovery::{DiscoveryQueryStats, DiscoveryRun};
pub use event::{
    ChangeClass, EventConnection, EventTypeValue, ResourceEvent, ResourceEventOrder, event_connection, events_by_id,
};
pub use events_recorded::{EventsRecorded, events_recorded};
pub use facts::{ChartGroup, FluxVersion, InstalledChart, ResourceFacts};
pub use failure::{FailureConnection, ScanFailureOrder, failure_connection};
pub use image::{Image, ImageConnection, ImageOrder, image_connection};
pub use job::{Job, JobConnection, JobKind, JobOrder, JobState, job_connection};
pub use metrics::{
    LanguageShare, MetricsConnection, Quality, RepositoryMetrics, RepositoryMetricsOrder, metrics_connection,
};
pub use reference::{Reference, ReferenceConnection, ReferenceOrder, reference_connection};
pub use repository::{Repository, RepositoryConnection, RepositoryOrder, RepositoryStatus, repository_connection};
pub use repository_change::RepositoryChange;
pub use request_limit::{RequestLimit, request_limits};
pub use resource::{Resource, ResourceConnection, ResourceOrder, ResourceStatus, resource_connection, resources_by_id};
pub use schedule::{RateLimit, Schedule, Worker, job};
pub use search::{SearchResult, SearchType, search};
pub use version_change::{
    ChartVersionChangeOrder, VersionChangeConnection, VersionPart, VersionStep, version_change_connection,
};

use async_graphql::{ID, Interface};

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id: opaque, and the same for ever."))]
pub enum Node {
    Repository(Repository),
    Resource(Resource),
    ResourceEvent(ResourceEvent),
    Job(Job),
    Chart(Chart),
    Image(Image),
}
