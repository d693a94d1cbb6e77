//! References between resources.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, InputObject, Object};

use super::Resource;
use super::facts::some;
use crate::graphql::error::{Code, error, from_store};
use crate::graphql::loaders::{NamedKey, ResourceKey, StateKey};
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::store::query::{
    Direction, Filter, ReferenceCount, ReferenceField, ReferenceOrder as StoreOrder, ReferenceRecord, References,
    ResourceRecord,
};

/// One resource refers to another, or to a directory, by one of its fields.
#[derive(Description)]
pub struct Reference(pub ReferenceRecord);

#[Object(use_type_description)]
impl Reference {
    /// The resource that refers.
    async fn from(&self, context: &Context<'_>) -> Result<Resource, Error> {
        let key = ResourceKey { repository: self.0.repository_id, resource: self.0.resource_id };
        let found = loaders(context)?.resources.load_one(key).await?;
        found.map(Resource).ok_or_else(|| error(Code::Internal, "the resource of this reference is not stored"))
    }

    /// The field, lists as `[]`: `spec.dependsOn[]`.
    async fn field(&self) -> &str {
        &self.0.field
    }

    /// The kind it names; `directory` for a path, null when the field does not say.
    async fn kind(&self) -> Option<String> {
        some(&self.0.to_kind)
    }

    /// The namespace: declared, or the referrer's; null when there is none.
    async fn namespace(&self) -> Option<String> {
        some(&self.0.to_namespace)
    }

    /// The resources of its repository that it names now: none where none is declared there, or labels choose; several where the namespace
    /// does not tell them apart.
    async fn to(&self, context: &Context<'_>) -> Result<Vec<Resource>, Error> {
        let ReferenceRecord { repository_id: repository, to_kind, to_name, to_namespace, .. } = &self.0;
        let key = NamedKey { repository: *repository, kind: to_kind.clone(), name: to_name.clone() };
        let loaders = loaders(context)?;
        let named = loaders.named.load_one(key).await?.unwrap_or_default();
        let state = |row: &ResourceRecord| StateKey {
            resource: ResourceKey { repository: row.repository_id, resource: row.id },
            at: None,
        };
        let resolutions = loaders.resolutions.load_many(named.iter().map(|row| state(row))).await?;
        let is_meant = |row: &ResourceRecord| {
            let namespaces = resolutions.get(&state(row)).map(|resolution| resolution.namespaces.as_slice());
            let namespaces = namespaces.unwrap_or_default();
            to_namespace.is_empty() || namespaces.is_empty() || namespaces.contains(to_namespace)
        };
        Ok(named.into_iter().filter(|row| is_meant(row)).map(Resource).collect())
    }

    /// Whether the namespace is declared in the field.
    async fn is_namespace_declared(&self) -> bool {
        self.0.is_declared
    }

    /// The name; `*` where labels choose.
    async fn name(&self) -> &str {
        &self.0.to_name
    }

    /// The labels that choose, as `key=value,…`; null for all others.
    async fn selector(&self) -> Option<String> {
        some(&self.0.selector)
    }

    /// Whether the resource makes what it names instead of needing it.
    async fn produces(&self) -> bool {
        self.0.produces
    }

    /// Time of the commit that made the reference.
    async fn since(&self) -> DateTime {
        DateTime::from_seconds(self.0.time)
    }

    /// Hexadecimal id of that commit.
    async fn commit_id(&self) -> &str {
        &self.0.commit
    }
}

/// What references can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceOrderField {
    /// The kind it names.
    Kind,
    /// The name.
    Name,
    /// The field that refers.
    Field,
    /// Time of the commit that made the reference.
    Since,
}

/// One key of an order of references.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ReferenceOrder {
    /// The key.
    field: ReferenceOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

impl ReferenceOrder {
    fn key(&self) -> (StoreOrder, Direction) {
        let field = match self.field {
            ReferenceOrderField::Kind => StoreOrder::Kind,
            ReferenceOrderField::Name => StoreOrder::Name,
            ReferenceOrderField::Field => StoreOrder::Field,
            ReferenceOrderField::Since => StoreOrder::Since,
        };
        (field, self.direction.into())
    }
}

/// A page of references.
pub type ReferenceConnection = Connection<String, Reference, ReferenceTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct ReferenceTotals(Filter<ReferenceField>);

#[Object]
impl ReferenceTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = ReferenceCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn reference_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<ReferenceField>,
    order_by: Option<Vec<ReferenceOrder>>,
) -> Result<ReferenceConnection, Error> {
    let orders: Vec<(StoreOrder, Direction)> = order_by.unwrap_or_default().iter().map(ReferenceOrder::key).collect();
    let default = [(StoreOrder::Kind, Direction::Ascending), (StoreOrder::Name, Direction::Ascending)];
    let orders = if orders.is_empty() { default.as_slice() } else { orders.as_slice() };
    let page = arguments.page(StoreOrder::keys(orders))?;
    let question = References { filter: filter.clone(), at: None, page: Some(page.clone()) };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, ReferenceTotals(filter), ReferenceRecord::sort_values, |row| Reference(row.clone())))
}
