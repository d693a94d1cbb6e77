//! Lifecycle events.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Json, Object, SimpleObject};
use uuid::Uuid;

use super::resource::{load_repository, stored_data};
use super::{Actor, Commit, InstalledChart, Repository, Resource};
use crate::graphql::diff::{Version, unified};
use crate::graphql::error::{Code, bad_input, error, from_store};
use crate::graphql::id::{self, NodeType};
use crate::graphql::loaders::{EventKey, ResourceKey, sorted};
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::manifest::yaml::Node as YamlNode;
use crate::model::EventType;
use crate::store::query::{EventCount, EventField, EventOrder, EventRecord, Events, Filter, Operator};

/// Lines around the changes of the longest difference.
const MAX_CONTEXT: usize = 1_000;

/// One lifecycle change of one resource in one commit.
#[derive(Description, Clone)]
pub struct ResourceEvent(pub Arc<EventRecord>);

/// What happened to a resource.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "EventType")]
pub enum EventTypeValue {
    /// It appeared.
    Created,
    /// Its data, its path or its place in the file changed.
    Modified,
    /// It disappeared.
    Deleted,
}

impl EventTypeValue {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => EventType::Created.as_str(),
            Self::Modified => EventType::Modified.as_str(),
            Self::Deleted => EventType::Deleted.as_str(),
        }
    }
}

/// The kind of difference that an event made; the first that applies, in this order.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeClass {
    /// The declared version of a chart, artifact or Flux.
    Version,
    /// A container image, in a workload or in Helm values.
    Image,
    /// Where something comes from: a chart, a source, a URL, a path.
    Source,
    /// Reconciliation was suspended.
    Suspend,
    /// Reconciliation was resumed.
    Resume,
    /// Helm values.
    Values,
    /// Nothing but `metadata`.
    Metadata,
    /// Anything else.
    Other,
}

impl ChangeClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "VERSION",
            Self::Image => "IMAGE",
            Self::Source => "SOURCE",
            Self::Suspend => "SUSPEND",
            Self::Resume => "RESUME",
            Self::Values => "VALUES",
            Self::Metadata => "METADATA",
            Self::Other => "OTHER",
        }
    }
}

/// One changed field of a resource. An absent value and null differ: an added field has no `before`, a removed one no `after`.
#[derive(SimpleObject)]
pub struct Change {
    /// JSON pointer (RFC 6901) to the field; `/path` for a move.
    pointer: String,
    /// The value before; null when the field was added.
    before: Option<Json<serde_json::Value>>,
    /// The value after; null when the field was removed.
    after: Option<Json<serde_json::Value>>,
}

#[Object(use_type_description)]
impl ResourceEvent {
    /// The global id: opaque, and the same for ever.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::ResourceEvent, self.0.id)
    }

    /// What happened.
    async fn r#type(&self) -> EventTypeValue {
        match self.0.event_type() {
            EventType::Created => EventTypeValue::Created,
            EventType::Modified => EventTypeValue::Modified,
            EventType::Deleted => EventTypeValue::Deleted,
        }
    }

    /// Committer time, as it stands in the commit.
    async fn time(&self) -> DateTime {
        DateTime::from_seconds(self.0.time)
    }

    /// When kubestats stored it.
    async fn recorded_at(&self) -> DateTime {
        DateTime::from_milliseconds(self.0.recorded_at)
    }

    /// The repository it happened in.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.0.repository_id).await
    }

    /// The resource it happened to.
    async fn resource(&self, context: &Context<'_>) -> Result<Resource, Error> {
        let key = ResourceKey { repository: self.0.repository_id, resource: self.0.resource_id };
        let found = loaders(context)?.resources.load_one(key).await?;
        found.map(Resource).ok_or_else(|| error(Code::Internal, "the resource of this event is not stored"))
    }

    /// The commit that did it.
    async fn commit(&self) -> Commit {
        Commit {
            id: self.0.commit.clone(),
            time: DateTime::from_seconds(self.0.time),
            subject: self.0.subject.clone(),
            actor: Actor { name: self.0.actor.clone(), is_bot: self.0.actor_is_bot },
        }
    }

    /// Group and version after it (before it, for DELETED).
    async fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// Kind, as `HelmRelease`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// API group; empty for the core group.
    async fn group(&self) -> &str {
        &self.0.group
    }

    /// The declared `metadata.namespace`; null when there is none.
    async fn namespace(&self) -> Option<&str> {
        Some(self.0.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    /// `metadata.name`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Path of the file after it (before it, for DELETED); bytes that are not UTF-8 are replaced.
    async fn path(&self) -> String {
        String::from_utf8_lossy(&self.0.path).into_owned()
    }

    /// Whether the resource moved to another file, or to another place among equals in its file.
    async fn moved(&self) -> bool {
        self.0.moved
    }

    /// The path before a move; null for other events.
    async fn path_before(&self) -> Option<String> {
        self.0.moved.then(|| String::from_utf8_lossy(&self.0.path_before).into_owned())
    }

    /// Hexadecimal id of the blob that held the resource before; null for CREATED.
    async fn blob_before(&self) -> Option<&str> {
        Some(self.0.blob_before.as_str()).filter(|blob| !blob.is_empty())
    }

    /// Hexadecimal id of the blob that holds the resource after it; null for DELETED.
    async fn blob_after(&self) -> Option<&str> {
        Some(self.0.blob_after.as_str()).filter(|blob| !blob.is_empty())
    }

    /// What changed, field by field; empty for CREATED and DELETED.
    async fn changes(&self) -> Result<Vec<Change>, Error> {
        let value = |json: &Option<String>| -> Result<Option<Json<serde_json::Value>>, Error> {
            let Some(json) = json else { return Ok(None) };
            let data = YamlNode::from_json(json).map_err(|failure| {
                tracing::error!(event = %self.0.id, error = %failure, "a stored change cannot be read");
                error(Code::Internal, "a stored change of this event cannot be read")
            })?;
            Ok(Some(Json(data.to_display_json())))
        };
        let changes = self.0.changes.iter();
        changes
            .map(|(pointer, before, after)| {
                Ok(Change { pointer: pointer.clone(), before: value(before)?, after: value(after)? })
            })
            .collect()
    }

    /// The resource's data before it, secrets redacted, as `Resource.content` has them; null for CREATED.
    async fn before(&self, context: &Context<'_>) -> Result<Option<Json<serde_json::Value>>, Error> {
        Ok(self.around(context).await?.0.map(|data| Json(data.to_display_json())))
    }

    /// The resource's data after it, secrets redacted, as `Resource.content` has them; null for DELETED.
    async fn after(&self, context: &Context<'_>) -> Result<Option<Json<serde_json::Value>>, Error> {
        Ok(self.around(context).await?.1.map(|data| Json(data.to_display_json())))
    }

    /// What changed, as a unified difference of the YAML before and after it, secrets redacted; empty for a move that changed nothing.
    async fn diff(
        &self,
        context: &Context<'_>,
        #[graphql(name = "context", desc = "Lines around each change, 0 to 1000.", default = 3)] context_lines: i32,
    ) -> Result<String, Error> {
        let lines = usize::try_from(context_lines).ok().filter(|lines| *lines <= MAX_CONTEXT).ok_or_else(|| {
            bad_input(format!("`context` is {context_lines}; it has to be between 0 and {MAX_CONTEXT}"))
        })?;
        let (before, after) = self.around(context).await?;
        // Between the differences of a page others have a turn, and whoever went away takes the request along.
        tokio::task::yield_now().await;
        let path = String::from_utf8_lossy(&self.0.path);
        let path_before = if self.0.moved { String::from_utf8_lossy(&self.0.path_before) } else { path.clone() };
        let (before, after) = (before.map(|data| data.to_yaml()), after.map(|data| data.to_yaml()));
        let before = before.as_deref().map(|text| Version { path: &path_before, text });
        let after = after.as_deref().map(|text| Version { path: &path, text });
        Ok(unified(before.as_ref(), after.as_ref(), lines))
    }

    /// Changes that were left out because there were too many.
    async fn changes_omitted(&self) -> u32 {
        self.0.changes_omitted
    }

    /// What kind of difference it made; null for CREATED and DELETED.
    async fn change_class(&self) -> Option<ChangeClass> {
        match self.0.change_class_code {
            1 => Some(ChangeClass::Version),
            2 => Some(ChangeClass::Image),
            3 => Some(ChangeClass::Source),
            4 => Some(ChangeClass::Suspend),
            5 => Some(ChangeClass::Resume),
            6 => Some(ChangeClass::Values),
            7 => Some(ChangeClass::Metadata),
            8 => Some(ChangeClass::Other),
            _ => None,
        }
    }

    /// The namespaces the resource was applied to at its commit; see `Resource.effectiveNamespaces`.
    async fn effective_namespaces(&self) -> &[String] {
        &self.0.effective_namespaces
    }

    /// Whether the file was a patch of a kustomization at its commit.
    async fn is_patch(&self) -> bool {
        self.0.is_patch
    }

    /// Whether the file came from elsewhere at its commit: Flux's own `gotk-components.yaml`, or a chart's folder.
    async fn is_vendored(&self) -> bool {
        self.0.is_vendored
    }

    /// The chart that the resource installed at its commit.
    async fn chart(&self) -> Option<InstalledChart> {
        InstalledChart::of_event(&self.0)
    }

    /// The run of the scan that stored it.
    async fn run_id(&self) -> ID {
        ID(self.0.run_id.to_string())
    }
}

impl ResourceEvent {
    /// The resource's data before and after the event.
    async fn around(&self, context: &Context<'_>) -> Result<(Option<YamlNode>, Option<YamlNode>), Error> {
        let resource = ResourceKey { repository: self.0.repository_id, resource: self.0.resource_id };
        let key = EventKey { resource, event: self.0.id, sequence: self.0.sequence };
        let found = loaders(context)?.event_contents.load_one(key).await?;
        let found = found.ok_or_else(|| error(Code::Internal, "the content of this event is not stored"))?;
        let data = |json: &Option<String>| json.as_deref().map(stored_data).transpose();
        let left = Some(found.after.clone());
        match self.0.event_type() {
            EventType::Created => Ok((None, data(&left)?)),
            EventType::Modified => Ok((data(&found.before)?, data(&left)?)),
            // A deletion has the content that it took away.
            EventType::Deleted => Ok((data(&left)?, None)),
        }
    }
}

/// What events can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceEventOrderField {
    /// Committer time, then the order of the walk.
    Time,
}

/// One key of an order of events.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ResourceEventOrder {
    /// The key.
    field: ResourceEventOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// A page of events.
pub type EventConnection = Connection<String, ResourceEvent, EventTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct EventTotals(Filter<EventField>);

#[Object]
impl EventTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = EventCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn event_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<EventField>,
    order_by: Option<Vec<ResourceEventOrder>>,
) -> Result<EventConnection, Error> {
    // There is one key yet; the first mention of it decides.
    let direction = order_by.unwrap_or_default().first().map_or(OrderDirection::Desc, |order| match order.field {
        ResourceEventOrderField::Time => order.direction,
    });
    let page = arguments.page(EventOrder::keys(direction.into()))?;
    let question = Events { filter: filter.clone(), page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, EventTotals(filter), EventRecord::sort_values, |row| {
        ResourceEvent(Arc::new(row.clone()))
    }))
}

/// Events by id, those that are stored.
pub async fn events_by_id(context: &Context<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, ResourceEvent>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let filter = Filter::default().and(EventField::Id, Operator::In(sorted(&ids)));
    let rows = snapshot(context)?.fetch(&Events { filter, page: None }).await.map_err(from_store)?;
    Ok(rows.iter().map(|row| (row.id, ResourceEvent(Arc::new(row.clone())))).collect())
}
