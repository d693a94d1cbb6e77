//! What a scan recorded.

use async_graphql::{Context, Description, Error, ID, Object};

use super::resource::load_repository;
use super::{EventConnection, Repository, ResourceEventOrder, event_connection};
use crate::graphql::error::from_store;
use crate::graphql::pagination::Arguments;
use crate::graphql::sight::snapshot;
use crate::store::query::{EventCount, EventField, Filter, Operator, PublicationRecord};

/// The events of one scan, as it was published.
#[derive(Description)]
pub struct EventsRecorded {
    publication: PublicationRecord,
    filter: Filter<EventField>,
}

#[Object(use_type_description)]
impl EventsRecorded {
    /// The repository that was scanned, as it is now.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.publication.repository_id).await
    }

    /// The run of the scan: `runId` of its events.
    async fn run_id(&self) -> ID {
        self.publication.run_id.to_string().into()
    }

    /// Those of its events that the subscription's filter matches, newest first unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "By what they are ordered; by default time, newest first.")] order_by: Option<
            Vec<ResourceEventOrder>,
        >,
    ) -> Result<EventConnection, Error> {
        event_connection(context, Arguments { first, after, last, before }, self.filter.clone(), order_by).await
    }
}

/// The events of a published scan that match a filter; `None` when there are none.
pub async fn events_recorded(
    context: &Context<'_>,
    publication: &PublicationRecord,
    filter: Filter<EventField>,
) -> Result<Option<EventsRecorded>, Error> {
    let filter = filter
        .and(EventField::Repository, Operator::Equal(publication.repository_id.to_string()))
        .and(EventField::Run, Operator::Equal(publication.run_id.to_string()));
    let count = snapshot(context)?.fetch_optional(&EventCount { filter: filter.clone() }).await.map_err(from_store)?;
    Ok(count.filter(|count| *count > 0).map(|_| EventsRecorded { publication: *publication, filter }))
}
