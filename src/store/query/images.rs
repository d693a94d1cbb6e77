//! Container images that resources use now.

use clickhouse::Row;
use serde::Deserialize;

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::Fragment;
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/images.sql");
const COLUMNS: &str = "repository, registry, tag_counts, repositories, resources, kinds, uses, pinned";

/// The host of the registry that an `image_repository` names. An image without a registry comes from Docker's; one whose registry a
/// variable gives, from none that is known: empty.
pub(super) const REGISTRY: &str = "multiIf(match(image_repository, '^[^/]*[${]'), '', \
     match(image_repository, '^([^/]*[.:][^/]*|localhost)/'), splitByChar('/', image_repository)[1], 'docker.io')";

/// An image by its repository, and who uses it.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct ImageRecord {
    /// Registry and name as they stand.
    pub repository: String,
    /// Empty: not known.
    pub registry: String,
    /// Each with its resources and Git repositories, that of most resources first; the empty tag stands for none.
    pub tag_counts: Vec<(String, u64, u64)>,
    /// Git repositories.
    pub repositories: u64,
    pub resources: u64,
    /// Of these resources, sorted.
    pub kinds: Vec<String>,
    /// Mentions: a resource may name an image with several tags.
    pub uses: u64,
    /// Mentions with a digest.
    pub pinned: u64,
}

/// What images can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageField {
    Repository,
    Registry,
    /// A list, as the next two.
    Tags,
    GitRepositories,
    Kinds,
    RepositoryCount,
    ResourceCount,
}

impl Field for ImageField {
    fn sql(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Registry => "registry",
            Self::Tags => "tags",
            Self::GitRepositories => "repository_ids",
            Self::Kinds => "kinds",
            Self::RepositoryCount => "repositories",
            Self::ResourceCount => "resources",
        }
    }

    fn server_type(self) -> &'static str {
        if self == Self::GitRepositories { "UUID" } else { "String" }
    }
}

/// What images can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageOrder {
    Repositories,
    Resources,
    Name,
}

const REPOSITORIES: SortKey = SortKey::new("repositories", "UInt64");
const RESOURCES: SortKey = SortKey::new("resources", "UInt64");
const NAME: SortKey = SortKey::new("repository", "String");

impl ImageOrder {
    /// A total order: what was asked for, then the repository's text.
    pub fn keys(orders: &[(Self, Direction)]) -> Order {
        let key = |order| match order {
            Self::Repositories => REPOSITORIES,
            Self::Resources => RESOURCES,
            Self::Name => NAME,
        };
        let keys = orders.iter().map(|(order, direction)| (key(*order), *direction));
        Order(keys.chain([(NAME, Direction::Ascending)]).collect())
    }
}

impl ImageRecord {
    /// The values of an order's keys, for a cursor.
    pub fn sort_values(&self, order: &Order) -> Vec<String> {
        let value = |key: SortKey| match key {
            REPOSITORIES => self.repositories.to_string(),
            RESOURCES => self.resources.to_string(),
            _ => self.repository.clone(),
        };
        order.0.iter().map(|(key, _)| value(*key)).collect()
    }
}

/// A page of images; without a page, all that match.
#[derive(Clone, Debug)]
pub struct Images {
    pub filter: Filter<ImageField>,
    pub page: Option<Page>,
}

impl Question for Images {
    type Row = ImageRecord;
    const NAME: &'static str = "images";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        let (filter, tail) = match &self.page {
            Some(page) => (filter.append(page.between()), page.tail()),
            None => (filter, Fragment::default().text("ORDER BY repository")),
        };
        statement(COLUMNS, &filter, &tail)
    }
}

/// How many images a filter matches.
#[derive(Clone, Debug)]
pub struct ImageCount {
    pub filter: Filter<ImageField>,
}

impl Question for ImageCount {
    type Row = u64;
    const NAME: &'static str = "image_count";

    fn statement(&self) -> Statement {
        statement("count()", &self.filter.fragment(), &Fragment::default())
    }
}

fn statement(columns: &'static str, filter: &Fragment, tail: &Fragment) -> Statement {
    Statement::new(SQL)
        .with_text("columns", columns)
        .with_text("registry", REGISTRY)
        .with("filter", filter)
        .with("tail", tail)
}
