//! Files that could not be read as YAML.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, InputObject, Object};

use super::Repository;
use super::resource::load_repository;
use crate::graphql::error::from_store;
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::snapshot;
use crate::store::query::{FailureCount, FailureField, FailureOrder, FailureRecord, Failures, Filter};

/// One version of a file that could not be read as YAML. The file's resources keep the last state that parsed.
#[derive(Description)]
pub struct ScanFailure(FailureRecord);

#[Object(use_type_description)]
impl ScanFailure {
    /// The repository that holds the file.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.0.repository_id).await
    }

    /// Hexadecimal id of the commit with this version.
    async fn commit_id(&self) -> &str {
        &self.0.commit
    }

    /// Committer time.
    async fn time(&self) -> DateTime {
        DateTime::from_seconds(self.0.time)
    }

    /// Path of the file; bytes that are not UTF-8 are replaced.
    async fn path(&self) -> String {
        String::from_utf8_lossy(&self.0.path).into_owned()
    }

    /// Hexadecimal id of the blob.
    async fn blob_id(&self) -> &str {
        &self.0.blob
    }

    /// Line of the fault, from 1; null when it has no place.
    async fn line(&self) -> Option<u32> {
        Some(self.0.line).filter(|line| *line > 0)
    }

    /// Column of the fault, from 1; null when it has no place.
    async fn column(&self) -> Option<u32> {
        Some(self.0.column).filter(|column| *column > 0)
    }

    /// What is wrong, without any of the file's content.
    async fn message(&self) -> &str {
        &self.0.message
    }
}

/// What failures can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFailureOrderField {
    /// Committer time, then the order of the walk.
    Time,
}

/// One key of an order of failures.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ScanFailureOrder {
    /// The key.
    field: ScanFailureOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// A page of failures.
pub type FailureConnection = Connection<String, ScanFailure, FailureTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct FailureTotals(Filter<FailureField>);

#[Object]
impl FailureTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = FailureCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn failure_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<FailureField>,
    order_by: Option<Vec<ScanFailureOrder>>,
) -> Result<FailureConnection, Error> {
    // There is one key yet; the first mention of it decides.
    let direction = order_by.unwrap_or_default().first().map_or(OrderDirection::Desc, |order| match order.field {
        ScanFailureOrderField::Time => order.direction,
    });
    let page = arguments.page(FailureOrder::keys(direction.into()))?;
    let question = Failures { filter: filter.clone(), page: page.clone() };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    Ok(connection(&page, &rows, FailureTotals(filter), FailureRecord::sort_values, |row| ScanFailure(row.clone())))
}
