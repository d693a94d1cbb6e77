//! Questions over all repositories: charts, images, references, snapshots, and what a text may mean.

use async_graphql::{Context, Error, Object};

use super::filter::{ChartFilter, Conditions, ImageFilter, ReferenceFilter, RepositoryMetricsFilter};
use super::pagination::Arguments;
use super::types::{
    ChartConnection, ChartOrder, ImageConnection, ImageOrder, MetricsConnection, ReferenceConnection, ReferenceOrder,
    RepositoryMetricsOrder, SearchResult, SearchType, chart_connection, image_connection, metrics_connection,
    reference_connection, search,
};

#[derive(Default)]
pub struct EntityQuery;

#[Object]
impl EntityQuery {
    /// Charts that resources install now; those of most repositories first unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn charts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which charts.")] filter: Option<ChartFilter>,
        #[graphql(desc = "By what they are ordered; by default repositories, then releases, most first.")]
        order_by: Option<Vec<ChartOrder>>,
    ) -> Result<ChartConnection, Error> {
        let conditions = filter.unwrap_or_default().conditions()?;
        chart_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Container images that resources use now; those of most repositories first unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn images(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which images.")] filter: Option<ImageFilter>,
        #[graphql(desc = "By what they are ordered; by default repositories, then resources, most first.")]
        order_by: Option<Vec<ImageOrder>>,
    ) -> Result<ImageConnection, Error> {
        let conditions = filter.unwrap_or_default().conditions()?;
        image_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// References that exist now: which resource refers to which.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn references(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which references.")] filter: Option<ReferenceFilter>,
        #[graphql(desc = "By what they are ordered; by default the kind that is named, then its name.")]
        order_by: Option<Vec<ReferenceOrder>>,
    ) -> Result<ReferenceConnection, Error> {
        let conditions = filter.unwrap_or_default().conditions()?;
        reference_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// What repositories counted whenever their forges were asked; newest first unless the order says otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn repository_metrics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows of the page, from its beginning.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows of the page, from its end.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which snapshots.")] filter: Option<RepositoryMetricsFilter>,
        #[graphql(desc = "By what they are ordered; by default time, newest first.")] order_by: Option<
            Vec<RepositoryMetricsOrder>,
        >,
    ) -> Result<MetricsConnection, Error> {
        let conditions = filter.unwrap_or_default().conditions()?;
        metrics_connection(context, Arguments { first, after, last, before }, conditions, order_by).await
    }

    /// Repositories, resources and charts that a text may mean, whatever its case; what fits better comes first, and of those that fit as
    /// well, the more popular one.
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The text: a name or a part of one.")] query: String,
        #[graphql(desc = "What is searched for; without it, everything.")] types: Option<Vec<SearchType>>,
        #[graphql(desc = "The most results, 1 to 100.", default = 20)] first: i32,
    ) -> Result<Vec<SearchResult>, Error> {
        search(context, &query, types, first).await
    }
}
