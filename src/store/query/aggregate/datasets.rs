//! The datasets, and the columns of each.

mod charts;
mod events;
mod images;
mod metrics;
mod references;
mod resources;

pub use charts::{ChartColumn, ChartDistinct, ChartField, Charts};
pub use events::{EventColumn, EventDistinct, EventNumber, Events};
pub use images::{ImageColumn, ImageDistinct, ImageField, Images};
pub use metrics::{MetricsColumn, MetricsDistinct, MetricsField, MetricsNumber, RepositoryMetrics};
pub use references::{ReferenceColumn, ReferenceDistinct, References, TargetField};
pub use resources::{ResourceColumn, ResourceDistinct, ResourceNumber, ResourceStateField, Resources};

use super::{Column, Succession};

/// The number of a dataset that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNumber {}

impl Column for NoNumber {
    fn sql(self) -> &'static str {
        match self {}
    }
}

/// A kind with its group: `HelmRelease.helm.toolkit.fluxcd.io`.
const KIND: &str = "if(group = '', toString(kind), concat(kind, '.', group))";
/// States of a resource, along the walk.
const OF_A_RESOURCE: Succession = Succession { of: "repository_id, generation, resource_id", by: "sequence" };
const EVENT_REPOSITORY: &str = "toString(resource_events.repository_id)";

/// Defines columns: how they are called, and their SQL.
macro_rules! columns {
    ($(#[$documentation:meta])* $name:ident { $($(#[$about:meta])* $column:ident => $sql:expr,)+ }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $column,)+
        }

        impl $crate::store::query::aggregate::Column for $name {
            fn sql(self) -> &'static str {
                match self {
                    $(Self::$column => $sql,)+
                }
            }
        }
    };
}

/// Defines the fields of a filter: how they are called, and their SQL. Those before the semicolon take ids.
macro_rules! fields {
    ($(#[$documentation:meta])* $name:ident { $($id:ident => $id_sql:expr),* ; $($(#[$about:meta])* $field:ident => $sql:expr,)+ }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($id,)*
            $($(#[$about])* $field,)+
        }

        impl $crate::store::query::filter::Field for $name {
            fn sql(self) -> &'static str {
                match self {
                    $(Self::$id => $id_sql,)*
                    $(Self::$field => $sql,)+
                }
            }

            fn server_type(self) -> &'static str {
                if matches!(self, $(Self::$id)|*) { "UUID" } else { "String" }
            }
        }
    };
}

use {columns, fields};
