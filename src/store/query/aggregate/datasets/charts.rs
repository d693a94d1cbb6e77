//! Charts.

use super::{NoNumber, OF_A_RESOURCE, columns, fields};
use crate::store::query::aggregate::{Dataset, Succession};

/// Charts, each as a release installed it from one commit on until the next that changed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Charts;

impl Dataset for Charts {
    type Field = ChartField;
    type Dimension = ChartColumn;
    type Number = NoNumber;
    type Distinct = ChartDistinct;

    const NAME: &'static str = "chart_trend";
    const RANGE_NAME: &'static str = "chart_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_charts.sql");
    const TIME: &'static str = "state_time";
    const REPOSITORY: ChartColumn = ChartColumn::Repository;
    const SUCCESSION: Option<Succession> = Some(OF_A_RESOURCE);

    fn is_constant(field: ChartField) -> bool {
        field == ChartField::Repository
    }
}

fields! {
    /// What charts are filtered by.
    ChartField {
        Repository => "resource_resolutions.repository_id";
        Name => "chart_name",
        /// Identity.
        Chart => "chart",
        Version => "chart_version",
        VersionClass => "toString(version_class)",
        SourceKind => "source_kind",
        IsPatch => "is_patch",
        IsVendored => "is_vendored",
    }
}

columns! {
    /// What charts are grouped by.
    ChartColumn {
        Name => "toString(chart_name)",
        /// Identity; empty: its source is not known.
        Chart => "toString(chart)",
        Version => "chart_version",
        /// `1`; empty unless it is one version.
        Major => "if(version_class = 'EXACT', extract(chart_version, '^[vV]?(\\\\d+)'), '')",
        /// `1.2`; empty unless it is one version.
        Minor => "if(version_class = 'EXACT', extract(chart_version, '^[vV]?(\\\\d+\\\\.\\\\d+)'), '')",
        VersionClass => "toString(version_class)",
        SourceKind => "toString(source_kind)",
        /// Host of the chart's source; empty where it is not known.
        SourceHost => "splitByChar('/', toString(chart))[1]",
        Repository => "toString(resource_resolutions.repository_id)",
    }
}

columns! {
    /// What charts are counted by.
    ChartDistinct {
        Repositories => "resource_resolutions.repository_id",
        Charts => "(toString(chart), toString(chart_name))",
        Versions => "(toString(chart), toString(chart_name), chart_version)",
    }
}
