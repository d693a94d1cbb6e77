//! Charts that resources install now.

use clickhouse::Row;
use serde::Deserialize;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::Fragment;
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/charts.sql");
const COLUMNS: &str = "identity, name, urls, repositories, releases, versions, rank, all_charts, chart_repositories";

/// A chart, and who installs it.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct ChartRecord {
    pub identity: String,
    pub name: String,
    /// Of its sources, as declared; sorted.
    pub urls: Vec<String>,
    pub repositories: u64,
    /// Resources that install it.
    pub releases: u64,
    /// Each with its releases and repositories; the empty version stands for those that their sources give.
    pub versions: Vec<(String, u64, u64)>,
    /// Among all charts; equals share one.
    pub rank: u64,
    /// All charts.
    pub all_charts: u64,
    /// Repositories with any chart.
    pub chart_repositories: u64,
}

/// What charts can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChartField {
    Identity,
    Name,
    /// A list: those that install it.
    Repositories,
    RepositoryCount,
    ReleaseCount,
}

impl Field for ChartField {
    fn sql(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Name => "name",
            Self::Repositories => "repository_ids",
            Self::RepositoryCount => "repositories",
            Self::ReleaseCount => "releases",
        }
    }

    fn server_type(self) -> &'static str {
        if self == Self::Repositories { "UUID" } else { "String" }
    }
}

/// What charts can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChartOrder {
    Repositories,
    Releases,
    Name,
    Identity,
}

const REPOSITORIES: SortKey = SortKey::new("repositories", "UInt64");
const RELEASES: SortKey = SortKey::new("releases", "UInt64");
const NAME: SortKey = SortKey::new("name", "String");
const IDENTITY: SortKey = SortKey::new("identity", "String");

impl ChartOrder {
    /// A total order: what was asked for, then the identity.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::Repositories => REPOSITORIES,
            Self::Releases => RELEASES,
            Self::Name => NAME,
            Self::Identity => IDENTITY,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        Order(keys.chain([(IDENTITY, Direction::Ascending)]).collect())
    }
}

impl ChartRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            REPOSITORIES => self.repositories.to_string(),
            RELEASES => self.releases.to_string(),
            NAME => self.name.clone(),
            _ => self.identity.clone(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of charts; without a page, all that match.
#[derive(Clone, Debug)]
pub struct Charts {
    pub filter: Filter<ChartField>,
    pub page: Option<Page>,
}

impl Question for Charts {
    type Row = ChartRecord;
    const NAME: &'static str = "charts";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        let (filter, tail) = match &self.page {
            Some(page) => (filter.append(page.between()), page.tail()),
            None => (filter, Fragment::default().text("ORDER BY identity")),
        };
        statement(COLUMNS, &filter, &tail)
    }
}

/// How many charts a filter matches.
#[derive(Clone, Debug)]
pub struct ChartCount {
    pub filter: Filter<ChartField>,
}

impl Question for ChartCount {
    type Row = u64;
    const NAME: &'static str = "chart_count";

    fn statement(&self) -> Statement {
        statement("count()", &self.filter.fragment(), &Fragment::default())
    }
}

fn statement(columns: &'static str, filter: &Fragment, tail: &Fragment) -> Statement {
    let sql = Statement::new(SQL).with_text("of", "true").with_text("columns", columns);
    sql.with("filter", filter).with("tail", tail)
}
