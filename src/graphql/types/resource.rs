//! Resources.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Json, Object};
use uuid::Uuid;

use super::{
    ChartVersionChangeOrder, EventConnection, InstalledChart, Reference, Repository, ResourceEventOrder, ResourceFacts,
    VersionChangeConnection, event_connection, version_change_connection,
};
use crate::graphql::error::{Code, bad_input, error, from_store};
use crate::graphql::filter::{Conditions, ResourceEventFilter};
use crate::graphql::id::{self, NodeType};
use crate::graphql::loaders::{CommitKey, ContentKey, ReferrerKey, ResourceKey, SiblingKey, StateKey, sorted};
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::manifest::yaml::Node as YamlNode;
use crate::store::query::{
    Direction, EventField, Filter, Likeness, Moment, Operator, Order, Page, ResolutionRecord, ResourceCount,
    ResourceField, ResourceOrder as StoreOrder, ResourceRecord, Resources, VersionChangeField,
};

/// One Kubernetes object declared in one file, through all its changes and moves.
#[derive(Description, Clone)]
pub struct Resource(pub Arc<ResourceRecord>);

/// Whether a resource is there at the head of its repository.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceStatus {
    /// It is declared at the head.
    Active,
    /// It was removed.
    Deleted,
}

impl ResourceStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deleted => "DELETED",
        }
    }
}

#[Object(use_type_description)]
impl Resource {
    /// The global id: opaque, and the same for ever.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::Resource, self.0.id)
    }

    /// The repository that declares it.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.0.repository_id).await
    }

    /// API group; empty for the core group.
    async fn group(&self) -> &str {
        &self.0.group
    }

    /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
    async fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// The version part of `apiVersion`, as `v2`.
    async fn version(&self) -> &str {
        self.0.api_version.rsplit('/').next().unwrap_or_default()
    }

    /// Kind, as `HelmRelease`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The declared `metadata.namespace`; null when there is none.
    async fn namespace(&self) -> Option<&str> {
        Some(self.0.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    /// `metadata.name`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Path of the file that declares it; bytes that are not UTF-8 are replaced.
    async fn path(&self) -> String {
        String::from_utf8_lossy(&self.0.path).into_owned()
    }

    /// The namespaces it is applied to, sorted: several where more than one Flux Kustomization builds its file. Empty for cluster-scoped kinds,
    /// and where none is set.
    async fn effective_namespaces(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now (of a deleted resource: last).")] at: Option<
            DateTime,
        >,
    ) -> Result<Vec<String>, Error> {
        Ok(self.resolution(context, at).await?.map(|resolution| resolution.namespaces.clone()).unwrap_or_default())
    }

    /// Whether its file is a patch of a kustomization, and no resource by itself.
    async fn is_patch(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now (of a deleted resource: last).")] at: Option<
            DateTime,
        >,
    ) -> Result<bool, Error> {
        Ok(self.resolution(context, at).await?.is_some_and(|resolution| resolution.is_patch))
    }

    /// Whether its file comes from elsewhere: Flux's own `gotk-components.yaml`, or a chart's folder.
    async fn is_vendored(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now (of a deleted resource: last).")] at: Option<
            DateTime,
        >,
    ) -> Result<bool, Error> {
        Ok(self.resolution(context, at).await?.is_some_and(|resolution| resolution.is_vendored))
    }

    /// The chart that it installs, with the version behind its source; null for resources that install none.
    async fn chart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now (of a deleted resource: last).")] at: Option<
            DateTime,
        >,
    ) -> Result<Option<InstalledChart>, Error> {
        let resolution = self.resolution(context, at).await?;
        Ok(resolution.and_then(|resolution| InstalledChart::of_resolution(self.0.repository_id, &resolution)))
    }

    /// What its manifest declares, where kubestats knows its kind.
    async fn facts(&self) -> ResourceFacts {
        ResourceFacts { facts: self.0.facts(), values_keys: self.0.values_keys.clone() }
    }

    /// What it refers to.
    async fn references(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now.")] at: Option<DateTime>,
    ) -> Result<Vec<Reference>, Error> {
        let found = loaders(context)?.references.load_one(self.at(at)).await?;
        Ok(found.unwrap_or_default().into_iter().map(Reference).collect())
    }

    /// What refers to it in its repository, by kind and name, and by namespace where both are known.
    async fn referenced_by(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, now.")] at: Option<DateTime>,
    ) -> Result<Vec<Reference>, Error> {
        let key = ReferrerKey {
            repository: self.0.repository_id,
            kind: self.0.kind.clone(),
            name: self.0.name.clone(),
            at: at.map(|at| at.0.timestamp()),
        };
        let found = loaders(context)?.referrers.load_one(key).await?;
        let Some(mut found) = found else { return Ok(Vec::new()) };
        let resolution = self.resolution(context, at).await?;
        let namespaces = resolution.map(|resolution| resolution.namespaces.clone()).unwrap_or_default();
        found.retain(|reference| {
            reference.to_namespace.is_empty() || namespaces.is_empty() || namespaces.contains(&reference.to_namespace)
        });
        Ok(found.into_iter().map(Reference).collect())
    }

    /// Its changes of chart versions, newest first.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn chart_version_changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "By what they are ordered; by default committer time, newest first.")] order_by: Option<
            Vec<ChartVersionChangeOrder>,
        >,
    ) -> Result<VersionChangeConnection, Error> {
        let filter = Filter::default()
            .and(VersionChangeField::Repository, Operator::Equal(self.0.repository_id.to_string()))
            .and(VersionChangeField::Resource, Operator::Equal(self.0.id.to_string()));
        version_change_connection(context, Arguments { first, after, last, before }, filter, order_by).await
    }

    /// Whether it is there at the head.
    async fn status(&self) -> ResourceStatus {
        self.status_value()
    }

    /// Time of the commit that created it.
    async fn created_at(&self) -> DateTime {
        DateTime::from_seconds(self.0.created_at)
    }

    /// Time of the commit of its last event.
    async fn updated_at(&self) -> DateTime {
        DateTime::from_seconds(self.0.updated_at)
    }

    /// Time of the commit that deleted it.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(DateTime::from_seconds)
    }

    /// Hexadecimal id of the blob in which its last event found it.
    async fn blob_id(&self) -> &str {
        &self.0.blob
    }

    /// Its data, secrets redacted. Numbers that JSON readers would change (`1.10`, `0644`) are strings of their source
    /// text. Null where the pointer leads nowhere, and where it did not exist at the time.
    async fn content(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A JSON pointer (RFC 6901) to a part of it, as `/spec/chart`.")] pointer: Option<String>,
        #[graphql(desc = "As it was at this time; without it, as its last event left it.")] at: Option<DateTime>,
        #[graphql(
            desc = "As it was after this commit: the hexadecimal id of one that changed any resource of the repository."
        )]
        commit: Option<String>,
    ) -> Result<Option<Json<serde_json::Value>>, Error> {
        let pointer = pointer.unwrap_or_default();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(bad_input(format!("{pointer:?} is no JSON pointer: it has to begin with `/`")));
        }
        let data = self.data(context, at, commit).await?;
        Ok(data.and_then(|data| data.pointer(&pointer).map(YamlNode::to_display_json)).map(Json))
    }

    /// Its data as YAML, secrets redacted; null where it did not exist at the time.
    async fn yaml(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it was at this time; without it, as its last event left it.")] at: Option<DateTime>,
        #[graphql(
            desc = "As it was after this commit: the hexadecimal id of one that changed any resource of the repository."
        )]
        commit: Option<String>,
    ) -> Result<Option<String>, Error> {
        Ok(self.data(context, at, commit).await?.map(|data| data.to_yaml()))
    }

    /// Resources of other repositories that are like it: those alive that install the same chart, or have the same group, kind and name.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn siblings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "By what they are ordered; by default kind, then name.")] order_by: Option<Vec<ResourceOrder>>,
    ) -> Result<ResourceConnection, Error> {
        let resolution = self.resolution(context, None).await?;
        let of = Likeness {
            repository: self.0.repository_id,
            group: self.0.group.clone(),
            kind: self.0.kind.clone(),
            name: self.0.name.clone(),
            chart: resolution.map(|resolution| resolution.chart.clone()).unwrap_or_default(),
        };
        let page = Arguments { first, after, last, before }.page(ResourceOrder::keys(order_by))?;
        let loaders = loaders(context)?;
        let key = SiblingKey { of: of.clone(), page: page.clone() };
        let siblings = loaders.siblings.load_one(key).await?.unwrap_or_default();
        let found = loaders.resources.load_many(siblings.iter().copied()).await?;
        let rows: Vec<Arc<ResourceRecord>> = siblings.iter().filter_map(|key| found.get(key).cloned()).collect();
        Ok(connection_of(&page, &rows, ResourceTotals::Siblings(of)))
    }

    /// Its events; newest first unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which events.")] filter: Option<ResourceEventFilter>,
        #[graphql(desc = "By what they are ordered; by default time, newest first.")] order_by: Option<
            Vec<ResourceEventOrder>,
        >,
    ) -> Result<EventConnection, Error> {
        let mut conditions = filter.unwrap_or_default().conditions()?;
        conditions.add(EventField::Repository, Operator::Equal(self.0.repository_id.to_string()));
        conditions.add(EventField::Resource, Operator::Equal(self.0.id.to_string()));
        event_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }
}

impl Resource {
    fn status_value(&self) -> ResourceStatus {
        if self.0.deleted_at.is_some() { ResourceStatus::Deleted } else { ResourceStatus::Active }
    }

    fn key(&self) -> ResourceKey {
        ResourceKey { repository: self.0.repository_id, resource: self.0.id }
    }

    fn at(&self, at: Option<DateTime>) -> StateKey {
        StateKey { resource: self.key(), at: at.map(|at| at.0.timestamp()) }
    }

    async fn resolution(
        &self,
        context: &Context<'_>,
        at: Option<DateTime>,
    ) -> Result<Option<Arc<ResolutionRecord>>, Error> {
        loaders(context)?.resolutions.load_one(self.at(at)).await
    }

    async fn data(
        &self,
        context: &Context<'_>,
        at: Option<DateTime>,
        commit: Option<String>,
    ) -> Result<Option<YamlNode>, Error> {
        let moment = match (at, commit) {
            (Some(_), Some(_)) => return Err(bad_input("give `at` or `commit`, not both")),
            (at, None) => at.map(|at| Moment::Time(at.0.timestamp())),
            (None, Some(commit)) => Some(self.after(context, commit).await?),
        };
        let key = ContentKey { resource: self.key(), moment };
        let Some(content) = loaders(context)?.contents.load_one(key).await? else { return Ok(None) };
        if moment.is_some() && content.deleted {
            return Ok(None);
        }
        stored_data(&content.content).map(Some)
    }

    /// The moment after a commit.
    async fn after(&self, context: &Context<'_>, commit: String) -> Result<Moment, Error> {
        let key = CommitKey { repository: self.0.repository_id, commit: commit.to_ascii_lowercase() };
        if let Some(sequence) = loaders(context)?.commit_ends.load_one(key.clone()).await? {
            return Ok(Moment::Sequence(sequence));
        }
        // The newest commit is known even where it changed no resource: nothing lies behind it.
        let repository = loaders(context)?.repositories.load_one(self.0.repository_id).await?;
        match repository.is_some_and(|repository| repository.head_commit == key.commit) {
            true => Ok(Moment::Sequence(u64::MAX)),
            false => Err(bad_input(format!("{commit:?} is no commit of this repository that changed a resource"))),
        }
    }
}

/// Reads data as they are stored.
///
/// # Errors
/// When they cannot be read, which is told in the log.
pub fn stored_data(json: &str) -> Result<YamlNode, Error> {
    YamlNode::from_json(json).map_err(|failure| {
        tracing::error!(error = %failure, "stored content cannot be read");
        error(Code::Internal, "the stored content of this resource cannot be read")
    })
}

/// The repository of a row; it is there as long as the row is.
pub async fn load_repository(context: &Context<'_>, id: Uuid) -> Result<Repository, Error> {
    let found = loaders(context)?.repositories.load_one(id).await?;
    found.map(Repository).ok_or_else(|| error(Code::Internal, "the repository of this row is not stored"))
}

/// What resources can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceOrderField {
    /// Kind.
    Kind,
    /// Declared namespace.
    Namespace,
    /// `metadata.name`.
    Name,
    /// Path of the file, byte by byte.
    Path,
    /// Time of the commit that created it.
    CreatedAt,
    /// Time of the commit of its last event.
    UpdatedAt,
}

/// One key of an order of resources.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ResourceOrder {
    /// The key.
    field: ResourceOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

impl ResourceOrder {
    /// The keys of an order; by default kind, then name.
    fn keys(order_by: Option<Vec<Self>>) -> Order {
        let orders: Vec<(StoreOrder, Direction)> = order_by.unwrap_or_default().iter().map(Self::key).collect();
        let default = [(StoreOrder::Kind, Direction::Ascending), (StoreOrder::Name, Direction::Ascending)];
        StoreOrder::keys(if orders.is_empty() { &default } else { &orders })
    }

    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            ResourceOrderField::Kind => StoreOrder::Kind,
            ResourceOrderField::Namespace => StoreOrder::Namespace,
            ResourceOrderField::Name => StoreOrder::Name,
            ResourceOrderField::Path => StoreOrder::Path,
            ResourceOrderField::CreatedAt => StoreOrder::CreatedAt,
            ResourceOrderField::UpdatedAt => StoreOrder::UpdatedAt,
        };
        (field, self.direction.into())
    }
}

/// A page of resources.
pub type ResourceConnection = Connection<String, Resource, ResourceTotals, EmptyFields>;

/// What a page says of the whole list.
pub enum ResourceTotals {
    Filtered(Filter<ResourceField>),
    Siblings(Likeness),
}

#[Object]
impl ResourceTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let count = match self {
            Self::Filtered(filter) => {
                let question = ResourceCount { filter: filter.clone() };
                snapshot(context)?.fetch_optional(&question).await.map_err(from_store)?
            }
            Self::Siblings(of) => loaders(context)?.siblings.load_one(of.clone()).await?,
        };
        Ok(count.unwrap_or_default().into())
    }
}

pub async fn resource_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<ResourceField>,
    order_by: Option<Vec<ResourceOrder>>,
) -> Result<ResourceConnection, Error> {
    let page = arguments.page(ResourceOrder::keys(order_by))?;
    let question = Resources { filter: filter.clone(), page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    let rows: Vec<Arc<ResourceRecord>> = rows.iter().cloned().map(Arc::new).collect();
    Ok(connection_of(&page, &rows, ResourceTotals::Filtered(filter)))
}

fn connection_of(page: &Page, rows: &[Arc<ResourceRecord>], totals: ResourceTotals) -> ResourceConnection {
    connection(page, rows, totals, |row, order| row.sort_values(order), |row| Resource(row.clone()))
}

/// Resources by id, those that are stored.
pub async fn resources_by_id(context: &Context<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Resource>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let filter = Filter::default().and(ResourceField::Id, Operator::In(sorted(&ids)));
    let rows = snapshot(context)?.fetch(&Resources { filter, page: None }).await.map_err(from_store)?;
    Ok(rows.iter().map(|row| (row.id, Resource(Arc::new(row.clone())))).collect())
}
