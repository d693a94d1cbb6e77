//! References.

use super::{NoNumber, columns, fields};
use crate::store::query::aggregate::{Dataset, Succession};

/// References between resources, each from the commit it begins at until the one it ends at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct References;

impl Dataset for References {
    type Field = TargetField;
    type Dimension = ReferenceColumn;
    type Number = NoNumber;
    type Distinct = ReferenceDistinct;

    const NAME: &'static str = "reference_trend";
    const RANGE_NAME: &'static str = "reference_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_references.sql");
    const TIME: &'static str = "state_time";
    const REPOSITORY: ReferenceColumn = ReferenceColumn::Repository;
    const SUCCESSION: Option<Succession> = Some(Succession {
        of: "repository_id, generation, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces",
        by: "sequence",
    });

    fn is_constant(_: TargetField) -> bool {
        true
    }
}

fields! {
    /// What references are filtered by.
    TargetField {
        Repository => "resource_references.repository_id", Resource => "resource_id";
        Field => "field",
        Kind => "to_kind",
        Namespace => "to_namespace",
        Name => "to_name",
    }
}

columns! {
    /// What references are grouped by.
    ReferenceColumn {
        Field => "toString(field)",
        Kind => "toString(to_kind)",
        Namespace => "toString(to_namespace)",
        Name => "to_name",
        /// `true` or `false`.
        IsDeclared => "if(is_declared, 'true', 'false')",
        Repository => "toString(resource_references.repository_id)",
    }
}

columns! {
    /// What references are counted by.
    ReferenceDistinct {
        Repositories => "resource_references.repository_id",
        Resources => "resource_id",
        Targets => "(resource_references.repository_id, toString(to_kind), toString(to_namespace), to_name)",
    }
}
