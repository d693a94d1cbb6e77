//! What a text may mean.

use async_graphql::{Context, Enum, Error, SimpleObject};
use uuid::Uuid;

use super::{Chart, Node, Repository, resources_by_id};
use crate::graphql::error::{bad_input, from_store};
use crate::graphql::pagination::list_size;
use crate::graphql::scalars::Long;
use crate::graphql::sight::{loaders, snapshot};
use crate::store::query::{Search, SearchRecord};

/// Results of the longest list.
const MAX_RESULTS: i32 = 100;
/// Bytes of the longest text.
const MAX_TEXT: usize = 256;

/// What can be searched for.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchType {
    /// Repositories, by full name, name, description and topics.
    Repository,
    /// Resources that are alive, by name: of those of one kind and name, the one that changed last.
    Resource,
    /// Charts that are installed, by name.
    Chart,
}

impl SearchType {
    const ALL: [Self; 3] = [Self::Repository, Self::Resource, Self::Chart];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "REPOSITORY",
            Self::Resource => "RESOURCE",
            Self::Chart => "CHART",
        }
    }
}

/// How well a result fits the text, whatever the case; the best first.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchRank {
    /// The text is a whole field.
    Exact,
    /// A field begins with the text.
    Prefix,
    /// The text stands anywhere in a field.
    Contains,
}

/// Where a text was found.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchField {
    /// Owner and name of a repository, joined by a slash.
    FullName,
    /// Name of a repository without the owner, of a resource, of a chart.
    Name,
    /// What a repository's owner says it is.
    Description,
    /// A topic that a repository's owner gave it.
    Topic,
}

/// Something that a text may mean, and why it stands where it stands.
#[derive(SimpleObject)]
pub struct SearchResult {
    /// What was found.
    node: Node,
    /// How well it fits: what fits better comes first.
    rank: SearchRank,
    /// The field that fits best.
    field: SearchField,
    /// What stands in that field.
    matched: String,
    /// Of those that fit as well, the more popular one comes first: stars of a repository, repositories that install a chart, repositories
    /// with a resource of the kind and name.
    popularity: Long,
}

impl SearchResult {
    fn new(row: &SearchRecord, node: Node) -> Self {
        let rank = match row.rank {
            1 => SearchRank::Exact,
            2 => SearchRank::Prefix,
            _ => SearchRank::Contains,
        };
        let field = match row.field.as_str() {
            "FULL_NAME" => SearchField::FullName,
            "DESCRIPTION" => SearchField::Description,
            "TOPIC" => SearchField::Topic,
            _ => SearchField::Name,
        };
        Self { node, rank, field, matched: row.matched.clone(), popularity: row.popularity.into() }
    }
}

pub async fn search(
    context: &Context<'_>,
    text: &str,
    types: Option<Vec<SearchType>>,
    first: i32,
) -> Result<Vec<SearchResult>, Error> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(bad_input(format!("`query` has {} bytes; it has to have between 1 and {MAX_TEXT}", text.len())));
    }
    if types.as_ref().is_some_and(Vec::is_empty) {
        return Err(bad_input("`types` is empty; leave it out to search all of them"));
    }
    let types = types.unwrap_or_else(|| SearchType::ALL.to_vec());
    // In one order, so that the same set is the same question to the cache.
    let types = SearchType::ALL.into_iter().filter(|of| types.contains(of)).map(SearchType::as_str).collect();
    let question = Search { text: text.to_owned(), types, first: list_size(first, MAX_RESULTS)? };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    let keys = |of: SearchType| rows.iter().filter(move |row| row.r#type == of.as_str()).map(|row| row.key.as_str());
    let uuids = |of: SearchType| keys(of).filter_map(|key| Uuid::parse_str(key).ok()).collect::<Vec<Uuid>>();
    let loaders = loaders(context)?;
    let (repositories, resources, charts) = futures_util::try_join!(
        loaders.repositories.load_many(uuids(SearchType::Repository)),
        resources_by_id(context, uuids(SearchType::Resource)),
        loaders.charts.load_many(keys(SearchType::Chart).map(str::to_owned)),
    )?;
    let node = |row: &SearchRecord| match (row.r#type.as_str(), Uuid::parse_str(&row.key)) {
        ("REPOSITORY", Ok(id)) => repositories.get(&id).cloned().map(Repository).map(Node::Repository),
        ("RESOURCE", Ok(id)) => resources.get(&id).cloned().map(Node::Resource),
        _ => charts.get(&row.key).cloned().map(Chart).map(Node::Chart),
    };
    Ok(rows.iter().filter_map(|row| Some(SearchResult::new(row, node(row)?))).collect())
}
