//! Charts that are installed together.

use async_graphql::{Context, Enum, Error, Object, SimpleObject};

use super::chart_by::ChartBy;
use crate::graphql::error::from_store;
use crate::graphql::pagination::{least, list_size};
use crate::graphql::scalars::{Long, share};
use crate::graphql::sight::snapshot;
use crate::store::query::{Filter, InstalledTogether, TogetherOrder as StoreOrder};

const MAX_LIST: i32 = 500;

/// What charts that are installed together are ordered by, most first.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
enum TogetherOrder {
    /// How much more often than elsewhere.
    Lift,
    /// Repositories that install both.
    Count,
}

/// A chart that repositories with another one install, too. Patches and vendored files are left out.
#[derive(SimpleObject)]
struct ChartTogether {
    /// The chart: its identity or its name, as it was asked for.
    chart: String,
    /// Repositories that install both.
    together_count: Long,
    /// The part of the repositories with the chart that was asked for that install this one, too, from 0 to 1.
    share: f64,
    /// Repositories that install this one.
    repository_count: Long,
    /// The share, divided by this chart's part of all repositories with charts: 1 where the one has nothing to do with the other, 2 where it is
    /// twice as frequent.
    lift: f64,
}

#[derive(Default)]
pub struct TogetherQuery;

#[Object]
impl TogetherQuery {
    /// Charts that repositories with one chart install now, too.
    async fn installed_together(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The chart; the others are told apart in the same way, by identity or by name.")] by: ChartBy,
        #[graphql(
            desc = "Only this other chart, however few install both; it says what the others are told apart by."
        )]
        with: Option<ChartBy>,
        #[graphql(desc = "Charts that fewer repositories install together are left out.", default = 2)]
        min_repositories: i32,
        #[graphql(desc = "By what they are ordered.", default_with = "TogetherOrder::Lift")] order_by: TogetherOrder,
        #[graphql(desc = "The most charts, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<ChartTogether>, Error> {
        let most = list_size(first, MAX_LIST)?;
        let question = InstalledTogether {
            asked: by.installed()?,
            others: with.as_ref().map_or_else(|| Ok(Filter::default()), ChartBy::installed)?,
            key: with.as_ref().unwrap_or(&by).field(),
            order: match order_by {
                TogetherOrder::Lift => StoreOrder::Lift,
                TogetherOrder::Count => StoreOrder::Count,
            },
            least: if with.is_some() { 0 } else { i64::from(least(min_repositories, "minRepositories")?) },
            most,
        };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        let together = rows.iter().map(|row| {
            let part = share(row.together, row.asked_repositories);
            let anywhere = share(row.repositories, row.all_repositories);
            ChartTogether {
                chart: row.chart.clone(),
                together_count: row.together.into(),
                share: part,
                repository_count: row.repositories.into(),
                lift: part / anywhere,
            }
        });
        Ok(together.collect())
    }
}
