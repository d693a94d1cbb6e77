//! Questions about what is stored of repositories.

use async_graphql::{Context, Error, ID, Object, OneofObject};

use super::filter::{
    ChartVersionChangeFilter, Conditions, RepositoryFilter, ResourceEventFilter, ResourceFilter, ScanFailureFilter,
};
use super::id::{self, NodeType};
use super::limits::limits;
use super::nodes::{Named, by_ids};
use super::pagination::Arguments;
use super::sight::{present, snapshot};
use super::types::{
    ChartGroup, ChartVersionChangeOrder, EventConnection, FailureConnection, Node, Repository, RepositoryConnection,
    RepositoryOrder, RequestLimit, Resource, ResourceConnection, ResourceEventOrder, ResourceOrder, ScanFailureOrder,
    VersionChangeConnection, event_connection, failure_connection, repository_connection, request_limits,
    resource_connection, resources_by_id, version_change_connection,
};
use crate::graphql::error::from_store;
use crate::model::{ChartMove, chart_groups};
use crate::store::query::{
    ChartMoveRecord, ChartMoves, Filter, Operator, Repositories, RepositoryByAlias, RepositoryField,
};

/// What a repository is asked for by.
#[derive(OneofObject)]
enum RepositoryBy {
    /// The global id.
    Id(ID),
    /// Owner and name, joined by a slash, whatever the case; of several, the one that has it as it is given.
    FullName(String),
    /// The normalised URL, also one that it had before it was renamed; the path of a repository without a remote.
    Url(String),
}

#[derive(Default)]
pub struct DataQuery;

#[Object]
impl DataQuery {
    /// Anything by its global id; null when it is not stored.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Node>, Error> {
        by_ids(context, &[id]).await?.pop().flatten().transpose()
    }

    /// Several things by their global ids, in the order of the ids; null for each that is not stored, and, with an error, for each that is no
    /// id.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The global ids; `limits.pageSize` says how many at most.")] ids: Vec<ID>,
    ) -> Result<Vec<Named>, Error> {
        by_ids(context, &ids).await
    }

    /// One repository; null when it is not known.
    async fn repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] by: RepositoryBy,
    ) -> Result<Option<Repository>, Error> {
        let id = match by {
            RepositoryBy::Id(id) => id::decode_as(NodeType::Repository, &id)?,
            RepositoryBy::FullName(full_name) => return repository_by_full_name(context, full_name).await,
            RepositoryBy::Url(alias) => {
                // Names are given without a new version of the data.
                let known = present(context)?.fetch(&RepositoryByAlias { alias }).await?;
                let Some(known) = known.first() else { return Ok(None) };
                known.repository_id
            }
        };
        let filter = Filter::default().and(RepositoryField::Id, Operator::Equal(id.to_string()));
        let question = Repositories { filter, page: None };
        let row = snapshot(context)?.fetch_optional(&question).await.map_err(from_store)?;
        Ok(row.map(|row| Repository(row.into())))
    }

    /// What a request may ask for at most, in the order in which the limits are looked at.
    async fn limits(&self, context: &Context<'_>) -> Result<Vec<RequestLimit>, Error> {
        Ok(request_limits(limits(context)?))
    }

    /// Repositories; by full name unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn repositories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which repositories.")] filter: Option<RepositoryFilter>,
        #[graphql(desc = "By what they are ordered; by default full name.")] order_by: Option<Vec<RepositoryOrder>>,
    ) -> Result<RepositoryConnection, Error> {
        repository_connection(context, Arguments { first, after, last, before }, filter, order_by).await
    }

    /// One resource, alive or deleted; null when it is not stored.
    async fn resource(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Resource>, Error> {
        let id = id::decode_as(NodeType::Resource, &id)?;
        Ok(resources_by_id(context, vec![id]).await?.remove(&id))
    }

    /// Resources of all repositories; those that are alive unless the filter says otherwise.
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
        let conditions = filter.unwrap_or_default().conditions_or_alive()?;
        resource_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Events of all repositories; newest first unless the order says otherwise.
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
        let conditions = filter.unwrap_or_default().conditions()?;
        event_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Versions of files that could not be read as YAML, newest first.
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
        let conditions = filter.unwrap_or_default().conditions()?;
        failure_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Releases that went from one version of their chart to another, newest first.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn chart_version_changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which changes.")] filter: Option<ChartVersionChangeFilter>,
        #[graphql(desc = "By what they are ordered; by default committer time, newest first.")] order_by: Option<
            Vec<ChartVersionChangeOrder>,
        >,
    ) -> Result<VersionChangeConnection, Error> {
        let conditions = filter.unwrap_or_default().conditions()?;
        version_change_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Charts that are known under several identities, and why they are taken for one; by canonical identity.
    async fn chart_groups(&self, context: &Context<'_>) -> Result<Vec<ChartGroup>, Error> {
        let rows = snapshot(context)?.fetch(&ChartMoves).await.map_err(from_store)?;
        let moves: Vec<ChartMove> = rows.iter().map(ChartMoveRecord::to_model).collect();
        Ok(chart_groups(&moves).into_iter().map(ChartGroup).collect())
    }
}

/// Forges answer to a name in any case; not all of them keep others from having it in another one.
async fn repository_by_full_name(context: &Context<'_>, full_name: String) -> Result<Option<Repository>, Error> {
    let filter = Filter::default().and(RepositoryField::FullName, Operator::EqualInAnyCase(full_name.clone()));
    let rows = snapshot(context)?.fetch(&Repositories { filter, page: None }).await.map_err(from_store)?;
    let row = rows.iter().find(|row| row.full_name == full_name).or_else(|| rows.first());
    Ok(row.cloned().map(|row| Repository(row.into())))
}
