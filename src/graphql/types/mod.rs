//! One file an entity.

mod commit;
mod event;
mod failure;
mod repository;
mod resource;
mod trend;

pub use commit::{Actor, Commit};
pub use event::{EventConnection, EventTypeValue, ResourceEvent, ResourceEventOrder, event_by_id, event_connection};
pub use failure::{FailureConnection, failure_connection};
pub use repository::{Repository, RepositoryConnection, RepositoryOrder, repository_connection};
pub use resource::{Resource, ResourceConnection, ResourceOrder, ResourceStatus, resource_by_id, resource_connection};
pub use trend::{Aggregate, Bucket, EventDimension, TrendArguments, event_trend};

use async_graphql::{ID, Interface};

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id: opaque, and the same for ever."))]
pub enum Node {
    Repository(Repository),
    Resource(Resource),
    ResourceEvent(ResourceEvent),
}
