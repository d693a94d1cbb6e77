//! Container images, whoever uses them.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, ID, InputObject, Object, SimpleObject};

use super::facts::some;
use crate::graphql::error::from_store;
use crate::graphql::id::{self, NodeType};
use crate::graphql::pagination::{Arguments, OrderDirection, connection, list_size};
use crate::graphql::scalars::{Long, share};
use crate::graphql::sight::snapshot;
use crate::store::query::{Direction, Filter, ImageCount, ImageField, ImageOrder as StoreOrder, ImageRecord, Images};

/// Entries of the longest list of tags.
const MAX_TAGS: i32 = 1_000;

/// A container image by its repository, as resources use it now. Patches and vendored files are left out.
#[derive(Description, Clone)]
pub struct Image(pub Arc<ImageRecord>);

/// A tag of an image, and who uses it.
#[derive(SimpleObject)]
pub struct ImageTag {
    /// The tag; null where none stands.
    tag: Option<String>,
    /// Resources that use it.
    resource_count: Long,
    /// Git repositories that use it.
    repository_count: Long,
}

#[Object(use_type_description)]
impl Image {
    /// The global id: opaque, and the same for ever.
    pub async fn id(&self) -> ID {
        id::encode(NodeType::Image, &self.0.repository)
    }

    /// Registry and name as they stand: `nginx`, `ghcr.io/owner/app`.
    async fn repository(&self) -> &str {
        &self.0.repository
    }

    /// The registry: `ghcr.io`; `docker.io` where none stands, null where a variable gives it.
    async fn registry(&self) -> Option<String> {
        some(&self.0.registry)
    }

    /// Tags in use, those of most resources first.
    async fn tags(
        &self,
        #[graphql(desc = "The most tags, 1 to 1000.", default = 10)] first: i32,
    ) -> Result<Vec<ImageTag>, Error> {
        let most = list_size(first, MAX_TAGS)?;
        let tag = |(tag, resources, repositories): &(String, u64, u64)| ImageTag {
            tag: some(tag),
            resource_count: (*resources).into(),
            repository_count: (*repositories).into(),
        };
        Ok(self.0.tag_counts.iter().take(most as usize).map(tag).collect())
    }

    /// Tags in use.
    async fn tag_count(&self) -> Long {
        (self.0.tag_counts.iter().filter(|(tag, ..)| !tag.is_empty()).count() as u64).into()
    }

    /// Git repositories that use it.
    async fn repository_count(&self) -> Long {
        self.0.repositories.into()
    }

    /// Resources that use it.
    async fn resource_count(&self) -> Long {
        self.0.resources.into()
    }

    /// Kinds of these resources, sorted.
    async fn kinds(&self) -> &[String] {
        &self.0.kinds
    }

    /// The part of its uses that names a digest, from 0 to 1. A resource that names several tags of it uses it as often.
    async fn pinned_share(&self) -> f64 {
        share(self.0.pinned, self.0.uses)
    }
}

/// What images can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageOrderField {
    /// Git repositories that use it.
    RepositoryCount,
    /// Resources that use it.
    ResourceCount,
    /// Registry and name as they stand.
    Repository,
}

/// One key of an order of images.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ImageOrder {
    /// The key.
    field: ImageOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

impl ImageOrder {
    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            ImageOrderField::RepositoryCount => StoreOrder::Repositories,
            ImageOrderField::ResourceCount => StoreOrder::Resources,
            ImageOrderField::Repository => StoreOrder::Name,
        };
        (field, self.direction.into())
    }
}

/// A page of images.
pub type ImageConnection = Connection<String, Image, ImageTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct ImageTotals(Filter<ImageField>);

#[Object]
impl ImageTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = ImageCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn image_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<ImageField>,
    order_by: Option<Vec<ImageOrder>>,
) -> Result<ImageConnection, Error> {
    let orders: Vec<(StoreOrder, Direction)> = order_by.unwrap_or_default().iter().map(ImageOrder::key).collect();
    let default = [(StoreOrder::Repositories, Direction::Descending), (StoreOrder::Resources, Direction::Descending)];
    let orders = if orders.is_empty() { default.as_slice() } else { orders.as_slice() };
    let page = arguments.page(StoreOrder::keys(orders))?;
    let question = Images { filter: filter.clone(), page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, ImageTotals(filter), ImageRecord::sort_values, |row| Image(Arc::new(row.clone()))))
}
