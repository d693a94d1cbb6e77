//! Resources.

use super::{EVENT_REPOSITORY, KIND, OF_A_RESOURCE, columns, fields};
use crate::store::query::aggregate::{Dataset, Succession};

/// Resources, each as its manifest declared it from one event on until the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resources;

impl Dataset for Resources {
    type Field = ResourceStateField;
    type Dimension = ResourceColumn;
    type Number = ResourceNumber;
    type Distinct = ResourceDistinct;

    const NAME: &'static str = "resource_trend";
    const RANGE_NAME: &'static str = "resource_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_resources.sql");
    const TIME: &'static str = "state_time";
    const REPOSITORY: ResourceColumn = ResourceColumn::Repository;
    const SUCCESSION: Option<Succession> = Some(OF_A_RESOURCE);

    fn is_constant(field: ResourceStateField) -> bool {
        use ResourceStateField::{Group, Kind, Name, Namespace, Repository};
        matches!(field, Repository | Group | Kind | Namespace | Name)
    }
}

fields! {
    /// What resources are filtered by.
    ResourceStateField {
        Repository => "resource_events.repository_id";
        Group => "group",
        Kind => "kind",
        ApiVersion => "api_version",
        Namespace => "namespace",
        Name => "name",
        Path => "path",
        Chart => "chart",
        ChartName => "chart_name",
        SourceType => "source_type",
        Suspend => "suspend",
        IsPatch => "is_patch",
        IsVendored => "is_vendored",
    }
}

columns! {
    /// What resources are grouped by.
    ResourceColumn {
        Kind => KIND,
        Group => "toString(group)",
        ApiVersion => "toString(api_version)",
        Repository => EVENT_REPOSITORY,
        Namespace => "toString(namespace)",
        Name => "name",
        ChartName => "toString(chart_name)",
        SourceType => "toString(source_type)",
        Version => "version",
        VersionClass => "toString(version_class)",
        /// `true`, `false` or empty: it does not say.
        Suspend => "multiIf(suspend IS NULL, '', suspend, 'true', 'false')",
    }
}

columns! {
    /// What resources are measured by.
    ResourceNumber {
        IntervalSeconds => "interval_seconds",
    }
}

columns! {
    /// What resources are counted by.
    ResourceDistinct {
        Repositories => "resource_events.repository_id",
        Kinds => "(toString(group), toString(kind))",
        Namespaces => "(resource_events.repository_id, toString(namespace))",
        Names => "name",
        Charts => "nullIf(toString(chart), '')",
    }
}
