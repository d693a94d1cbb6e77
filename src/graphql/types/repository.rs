//! Repositories.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Object};

use super::{
    Actor, Commit, EventConnection, FailureConnection, FluxVersion, LanguageShare, Quality, RepositoryChange,
    RepositoryChart, RepositoryMetrics, ResourceConnection, ResourceEventOrder, ResourceOrder, ScanFailureOrder,
    event_connection, failure_connection, resource_connection,
};
use crate::graphql::error::{bad_input, from_store};
use crate::graphql::filter::{Conditions, RepositoryFilter, ResourceEventFilter, ResourceFilter, ScanFailureFilter};
use crate::graphql::id::{self, NodeType};
use crate::graphql::loaders::{MetricsKey, MetricsSpan};
use crate::graphql::pagination::{Arguments, OrderDirection, TimeRange, connection, list_size};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::graphql::trend::Bucket;
use crate::model::{self, RunStatus as ModelStatus};
use crate::store::query::{
    Direction, EventField, FailureField, Filter, FluxVersionRecord, MetricsBetween, MetricsBucket, Operator,
    Repositories, RepositoryCount, RepositoryField, RepositoryOrder as StoreOrder, RepositoryRecord, ResourceField,
};

/// A Git repository with Kubernetes manifests.
#[derive(Description)]
pub struct Repository(pub Arc<RepositoryRecord>);

/// Rows of the longest list of snapshots, of charts, and of changes.
const MAX_METRICS: i32 = 1_000;
const MAX_CHARTS: i32 = 1_000;
const MAX_CHANGES: i32 = 100;

/// What kubestats does with a repository.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "model::RepositoryStatus")]
pub enum RepositoryStatus {
    /// It is known, and was not scanned yet.
    Pending,
    /// It is synced and scanned.
    Active,
    /// It is too large to be fetched without somebody's approval.
    PendingApproval,
    /// Somebody wants it left alone; what is stored stays.
    Blocked,
    /// Its forge has it no more, or only for others; what is stored stays.
    Gone,
}

impl RepositoryStatus {
    pub fn as_str(self) -> &'static str {
        model::RepositoryStatus::from(self).as_str()
    }
}

/// How the last run of one kind ended for a repository.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// None came to its end yet.
    Pending,
    /// Everything it was to do is stored.
    Succeeded,
    /// The error beside it says why; what was stored before is still there.
    Failed,
}

impl From<ModelStatus> for RunStatus {
    fn from(status: ModelStatus) -> Self {
        match status {
            ModelStatus::Pending => Self::Pending,
            ModelStatus::Succeeded => Self::Succeeded,
            ModelStatus::Failed => Self::Failed,
        }
    }
}

#[Object(use_type_description)]
impl Repository {
    /// The global id: opaque, and the same for ever.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::Repository, self.0.id)
    }

    /// Where it lives: the host of its URL, or `local`.
    async fn forge(&self) -> &str {
        &self.0.forge
    }

    /// Owner and name, joined by a slash.
    async fn full_name(&self) -> &str {
        &self.0.full_name
    }

    /// The account or folder it belongs to.
    async fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Its name without the owner.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its normalised URL, or the path of a repository without a remote.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What its owner says it is; null where the forge gives none.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// SPDX id of its license; `NOASSERTION` for one that the forge does not know, null where it finds none.
    async fn license(&self) -> Option<&str> {
        self.0.license.as_deref()
    }

    /// The language with most bytes, as the forge sees it.
    async fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }

    /// Its languages at its newest snapshot, the one with most bytes first; null where its forge did not tell them yet.
    async fn languages(&self) -> Option<Vec<LanguageShare>> {
        Some(LanguageShare::of(&self.0.metrics()?.languages?))
    }

    /// The topics that its owner gave it.
    async fn topics(&self) -> &[String] {
        &self.0.topics
    }

    /// When it was made on its forge; null where that is not known.
    async fn created_at(&self) -> Option<DateTime> {
        self.0.created_at.map(DateTime::from_seconds)
    }

    /// Whether its owner closed it for changes.
    async fn is_archived(&self) -> bool {
        self.0.is_archived
    }

    /// Whether it began as a copy of another one, as the forge has it.
    async fn is_fork(&self) -> bool {
        self.0.is_fork
    }

    /// Whether others are to begin from it, as the forge has it.
    async fn is_template(&self) -> bool {
        self.0.is_template
    }

    /// What led to its discovery, sorted: `topic:kubesearch`, `list`, `added by hand`.
    async fn discovery_tags(&self) -> &[String] {
        &self.0.discovery_tags
    }

    /// What kubestats does with it.
    async fn status(&self) -> RepositoryStatus {
        self.0.status().into()
    }

    /// How useful it is to learn from, and why.
    async fn quality(&self) -> Quality {
        self.0.quality().into()
    }

    /// The branch whose history is read; null before the first mirror.
    async fn default_branch(&self) -> Option<&str> {
        Some(self.0.default_branch.as_str()).filter(|branch| !branch.is_empty())
    }

    /// When kubestats first met it.
    async fn discovered_at(&self) -> DateTime {
        DateTime::from_milliseconds(self.0.discovered_at)
    }

    /// How its last sync ended: its metrics, and the fetch of its mirror.
    async fn sync_status(&self) -> RunStatus {
        self.0.last_sync().status.into()
    }

    /// When its last sync ended; null before the first one.
    async fn last_sync_at(&self) -> Option<DateTime> {
        self.0.last_sync_at.map(DateTime::from_milliseconds)
    }

    /// Why its last sync failed; null when it did not.
    async fn sync_error(&self) -> Option<&str> {
        self.0.sync_error.as_deref()
    }

    /// When the schedule visits it next, at the earliest; null: as soon as it can.
    async fn next_sync_at(&self) -> Option<DateTime> {
        self.0.next_sync_at.map(DateTime::from_milliseconds)
    }

    /// How its last scan ended.
    async fn scan_status(&self) -> RunStatus {
        self.0.last_scan().status.into()
    }

    /// When its last scan ended.
    async fn last_scan_at(&self) -> Option<DateTime> {
        self.0.last_scan_at.map(DateTime::from_milliseconds)
    }

    /// Why its last scan failed.
    async fn scan_error(&self) -> Option<&str> {
        self.0.scan_error.as_deref()
    }

    /// The commit up to which its events are stored; null before the first scan.
    async fn head_commit(&self) -> Option<Commit> {
        let head = self.0.head()?;
        Some(Commit {
            id: head.commit,
            time: DateTime::from_seconds(head.time),
            subject: head.subject,
            actor: Actor { name: head.actor, is_bot: head.actor_is_bot },
        })
    }

    /// Resources alive at its head.
    async fn resource_count(&self) -> Long {
        self.0.resources.into()
    }

    /// Events of its whole history.
    async fn event_count(&self) -> Long {
        (self.0.created + self.0.modified + self.0.deleted).into()
    }

    /// Commits that touch YAML.
    async fn commit_count(&self) -> Long {
        self.0.commits.into()
    }

    /// Versions of files that could not be read as YAML.
    async fn unparsable_count(&self) -> Long {
        self.0.unparsable_versions.into()
    }

    /// The versions of Flux in the headers of its `gotk-components.yaml` files; a FluxInstance says its version in its facts.
    async fn flux_versions(&self, context: &Context<'_>) -> Result<Vec<FluxVersion>, Error> {
        let found = loaders(context)?.flux_versions.load_one(self.0.id).await?;
        let version = |row: FluxVersionRecord| FluxVersion {
            version: row.version,
            path: String::from_utf8_lossy(&row.path).into_owned(),
            since: DateTime::from_seconds(row.time),
            commit_id: row.commit,
        };
        Ok(found.unwrap_or_default().into_iter().map(version).collect())
    }

    /// Charts that its resources install now, those of most releases first. Patches and vendored files are left out.
    async fn charts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most charts, 1 to 1000.", default = 100)] first: i32,
    ) -> Result<Vec<RepositoryChart>, Error> {
        let most = list_size(first, MAX_CHARTS)?;
        let found = loaders(context)?.repository_charts.load_one(self.0.id).await?.unwrap_or_default();
        Ok(found.into_iter().take(most as usize).map(RepositoryChart).collect())
    }

    /// What it counted at its newest snapshot; null before the first one.
    async fn metrics(&self) -> Option<RepositoryMetrics> {
        self.0.metrics().as_ref().map(RepositoryMetrics::from)
    }

    /// What it counted over time, newest first; one snapshot a sync, or the last of each bucket.
    async fn metrics_history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "When the snapshots were taken; without it, at any time.")] range: Option<TimeRange>,
        #[graphql(desc = "Only the last snapshot of each bucket, which begins in UTC.")] bucket: Option<Bucket>,
        #[graphql(desc = "The most snapshots, 1 to 1000.", default = 100)] first: i32,
    ) -> Result<Vec<RepositoryMetrics>, Error> {
        let most = list_size(first, MAX_METRICS)?;
        let limit = |time: Option<DateTime>, open| {
            let time = time.map_or(open, |time| time.0.timestamp_millis());
            time.clamp(0, MetricsBetween::LAST_MS)
        };
        let (from, to) = range.map_or((None, None), |range| (range.from, range.to));
        let (from_ms, to_ms) = (limit(from, 0), limit(to, MetricsBetween::LAST_MS));
        let span = MetricsSpan { from_ms, to_ms, most, bucket: bucket.map(metrics_bucket).transpose()? };
        let key = MetricsKey { repository: self.0.id, span };
        let rows = loaders(context)?.metrics.load_one(key).await?.unwrap_or_default();
        Ok(rows.iter().map(|row| RepositoryMetrics::from(&row.to_model())).collect())
    }

    /// What of the repository itself changed, newest first.
    async fn changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The most changes, 1 to 100.", default = 20)] first: i32,
    ) -> Result<Vec<RepositoryChange>, Error> {
        let most = list_size(first, MAX_CHANGES)?;
        let found = loaders(context)?.repository_changes.load_one(self.0.id).await?.unwrap_or_default();
        Ok(found.iter().take(most as usize).map(RepositoryChange::from).collect())
    }

    /// Its resources; those that are alive unless the filter says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn resources(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which resources.")] filter: Option<ResourceFilter>,
        #[graphql(desc = "By what they are ordered; by default kind, then name.")] order_by: Option<Vec<ResourceOrder>>,
    ) -> Result<ResourceConnection, Error> {
        let mut conditions = filter.unwrap_or_default().conditions_or_alive()?;
        conditions.add(ResourceField::Repository, Operator::Equal(self.0.id.to_string()));
        resource_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
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
        conditions.add(EventField::Repository, Operator::Equal(self.0.id.to_string()));
        event_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Versions of its files that could not be read as YAML, newest first.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn scan_failures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which failures.")] filter: Option<ScanFailureFilter>,
        #[graphql(desc = "By what they are ordered; by default committer time, newest first.")] order_by: Option<
            Vec<ScanFailureOrder>,
        >,
    ) -> Result<FailureConnection, Error> {
        let mut conditions = filter.unwrap_or_default().conditions()?;
        conditions.add(FailureField::Repository, Operator::Equal(self.0.id.to_string()));
        failure_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }
}

/// # Errors
/// AUTO: how wide it were would depend on snapshots that are not asked for yet.
fn metrics_bucket(bucket: Bucket) -> Result<MetricsBucket, Error> {
    Ok(match bucket {
        Bucket::Auto => {
            return Err(bad_input("`bucket` of a history has a width of its own; `repositoryMetricsTrend` takes AUTO"));
        }
        Bucket::Hour => MetricsBucket::Hour,
        Bucket::Day => MetricsBucket::Day,
        Bucket::Week => MetricsBucket::Week,
        Bucket::Month => MetricsBucket::Month,
        Bucket::Quarter => MetricsBucket::Quarter,
        Bucket::Year => MetricsBucket::Year,
    })
}
/// What repositories can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryOrderField {
    /// Owner and name, joined by a slash.
    FullName,
    /// Resources alive at the head.
    ResourceCount,
    /// Committer time of the head.
    HeadTime,
    /// Stars at the newest snapshot; none count as 0.
    Stars,
    /// Score of the quality.
    Quality,
    /// When the last sync ended; those never synced are the earliest.
    LastSync,
}

/// One key of an order of repositories.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct RepositoryOrder {
    /// The key.
    field: RepositoryOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// A page of repositories.
pub type RepositoryConnection = Connection<String, Repository, RepositoryTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct RepositoryTotals(Filter<RepositoryField>);

#[Object]
impl RepositoryTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = RepositoryCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn repository_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Option<RepositoryFilter>,
    order_by: Option<Vec<RepositoryOrder>>,
) -> Result<RepositoryConnection, Error> {
    let filter = filter.unwrap_or_default().conditions()?;
    let orders: Vec<(StoreOrder, Direction)> = order_by.unwrap_or_default().iter().map(RepositoryOrder::key).collect();
    let default = [(StoreOrder::FullName, Direction::Ascending)];
    let orders = if orders.is_empty() { default.as_slice() } else { orders.as_slice() };
    let page = arguments.page(StoreOrder::keys(orders))?;
    let question = Repositories { filter: filter.clone(), page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, RepositoryTotals(filter), RepositoryRecord::sort_values, |row| {
        Repository(Arc::new(row.clone()))
    }))
}

impl RepositoryOrder {
    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            RepositoryOrderField::FullName => StoreOrder::FullName,
            RepositoryOrderField::ResourceCount => StoreOrder::ResourceCount,
            RepositoryOrderField::HeadTime => StoreOrder::HeadTime,
            RepositoryOrderField::Stars => StoreOrder::Stars,
            RepositoryOrderField::Quality => StoreOrder::Quality,
            RepositoryOrderField::LastSync => StoreOrder::LastSync,
        };
        (field, self.direction.into())
    }
}
