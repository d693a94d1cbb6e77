//! Releases that went from one version of their chart to another.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Description, Enum, Error, InputObject, Object};

use super::resource::load_repository;
use super::{Actor, InstalledChart, Repository, Resource};
use crate::graphql::error::{Code, error, from_store};
use crate::graphql::loaders::ResourceKey;
use crate::graphql::pagination::{Arguments, OrderDirection, connection};
use crate::graphql::scalars::{DateTime, Long};
use crate::graphql::sight::{loaders, snapshot};
use crate::store::query::{
    Filter, VersionChangeCount, VersionChangeField, VersionChangeOrder, VersionChangeRecord, VersionChanges,
};

/// How a change of version is to be read.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionStep {
    /// To a later version.
    Upgrade,
    /// To an earlier one.
    Downgrade,
    /// To one that cannot be compared, or to the same version of a chart at another place.
    Sideways,
}

impl VersionStep {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "UPGRADE",
            Self::Downgrade => "DOWNGRADE",
            Self::Sideways => "SIDEWAYS",
        }
    }
}

/// The first part of a version that differs.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionPart {
    /// The first number.
    Major,
    /// The second number.
    Minor,
    /// The third number.
    Patch,
    /// What follows the three numbers.
    Suffix,
}

impl VersionPart {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Major => "MAJOR",
            Self::Minor => "MINOR",
            Self::Patch => "PATCH",
            Self::Suffix => "SUFFIX",
        }
    }
}

/// A release went from one version of its chart to another, or from one chart to another: by its own manifest, or because another
/// resource changed.
#[derive(Description)]
pub struct ChartVersionChange(pub VersionChangeRecord);

#[Object(use_type_description)]
impl ChartVersionChange {
    /// The repository it happened in.
    async fn repository(&self, context: &Context<'_>) -> Result<Repository, Error> {
        load_repository(context, self.0.repository_id).await
    }

    /// The release.
    async fn resource(&self, context: &Context<'_>) -> Result<Resource, Error> {
        let key = ResourceKey { repository: self.0.repository_id, resource: self.0.resource_id };
        let found = loaders(context)?.resources.load_one(key).await?;
        found.map(Resource).ok_or_else(|| error(Code::Internal, "the resource of this change is not stored"))
    }

    /// Committer time.
    async fn time(&self) -> DateTime {
        DateTime::from_seconds(self.0.time)
    }

    /// Hexadecimal id of the commit.
    async fn commit_id(&self) -> &str {
        &self.0.commit
    }

    /// Who made it.
    async fn actor(&self) -> Actor {
        Actor { name: self.0.actor.clone(), is_bot: self.0.actor_is_bot }
    }

    /// The chart and version before.
    async fn before(&self) -> InstalledChart {
        let VersionChangeRecord { chart_name, chart_before, version_before, version_class_before, .. } = &self.0;
        InstalledChart::plain(chart_name, chart_before, version_before, *version_class_before)
    }

    /// The chart and version after.
    async fn after(&self) -> InstalledChart {
        let VersionChangeRecord { chart_name, chart, version, version_class, .. } = &self.0;
        InstalledChart::plain(chart_name, chart, version, *version_class)
    }

    /// Upgrade or downgrade.
    async fn step(&self) -> VersionStep {
        match self.0.step_code {
            1 => VersionStep::Upgrade,
            2 => VersionStep::Downgrade,
            _ => VersionStep::Sideways,
        }
    }

    /// The first part of the version that differs; null where the versions are the same or cannot be compared.
    async fn part(&self) -> Option<VersionPart> {
        match self.0.part_code {
            1 => Some(VersionPart::Major),
            2 => Some(VersionPart::Minor),
            3 => Some(VersionPart::Patch),
            4 => Some(VersionPart::Suffix),
            _ => None,
        }
    }

    /// The resource whose change it is, as an OCIRepository or a patch; null when the release itself changed.
    async fn cause(&self, context: &Context<'_>) -> Result<Option<Resource>, Error> {
        if self.0.cause_id.is_nil() {
            return Ok(None);
        }
        let key = ResourceKey { repository: self.0.repository_id, resource: self.0.cause_id };
        Ok(loaders(context)?.resources.load_one(key).await?.map(Resource))
    }
}

/// What changes of charts can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartVersionChangeOrderField {
    /// Committer time, then the order of the walk.
    Time,
}

/// One key of an order of changes of charts.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ChartVersionChangeOrder {
    /// The key.
    field: ChartVersionChangeOrderField,
    /// Its direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// A page of changes of chart versions.
pub type VersionChangeConnection = Connection<String, ChartVersionChange, VersionChangeTotals, EmptyFields>;

/// What a page says of the whole list.
pub struct VersionChangeTotals(Filter<VersionChangeField>);

#[Object]
impl VersionChangeTotals {
    /// Rows of all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<Long, Error> {
        let question = VersionChangeCount { filter: self.0.clone() };
        let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
        Ok(rows.first().copied().unwrap_or_default().into())
    }
}

pub async fn version_change_connection(
    context: &Context<'_>,
    arguments: Arguments,
    filter: Filter<VersionChangeField>,
    order_by: Option<Vec<ChartVersionChangeOrder>>,
) -> Result<VersionChangeConnection, Error> {
    // There is one key yet; the first mention of it decides.
    let direction = order_by.unwrap_or_default().first().map_or(OrderDirection::Desc, |order| match order.field {
        ChartVersionChangeOrderField::Time => order.direction,
    });
    let page = arguments.page(VersionChangeOrder::keys(direction.into()))?;
    let question = VersionChanges { filter: filter.clone(), page: page.clone() };
    let rows = snapshot(context)?.fetch(&question).await.map_err(from_store)?;
    let totals = VersionChangeTotals(filter);
    Ok(connection(&page, &rows, totals, VersionChangeRecord::sort_values, |row| ChartVersionChange(row.clone())))
}
