//! What the rows of trends can be picked by.

use async_graphql::{Error, InputObject};

use super::lists::{Parts, add_comparisons, list_filter};
use super::{Comparisons, Conditions, IdFilter, LongFilter, StringFilter, ids, node};
use crate::graphql::id::NodeType;
use crate::store::query::Filter;
use crate::store::query::aggregate::{ChartField, ImageField, MetricsField, ResourceStateField, TargetField};

list_filter! {
    /// Which resources, as they were at the time; all conditions that are given have to hold.
    ResourceTrendFilter of ResourceStateField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// API group; empty for the core group.
        group: StringFilter => Group,
        /// Kind, as `HelmRelease`.
        kind: StringFilter => Kind,
        /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
        api_version: StringFilter => ApiVersion,
        /// Declared namespace; empty for none.
        namespace: StringFilter => Namespace,
        /// `metadata.name`.
        name: StringFilter => Name,
        /// Path of the file.
        path: StringFilter => Path,
        /// Identity of the chart that the resource installs.
        chart: StringFilter => Chart,
        /// Name of that chart.
        chart_name: StringFilter => ChartName,
        /// Type of a source or provider.
        source_type: StringFilter => SourceType,
        /// Whether reconciliation is suspended.
        suspend: bool => Suspend,
        /// Whether the file is a patch of a kustomization.
        is_patch: bool => IsPatch,
        /// Whether the file came from elsewhere.
        is_vendored: bool => IsVendored,
    }
}

list_filter! {
    /// Which installed charts, as they were at the time; all conditions that are given have to hold.
    ChartTrendFilter of ChartField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// Name of the chart.
        name: StringFilter => Name,
        /// Identity of the chart: `ghcr.io/owner/charts/app`; empty where its source is not known.
        chart: StringFilter => Chart,
        /// Version.
        version: StringFilter => Version,
        /// How closely the version names one release, as `VersionClass` has it.
        version_class: StringFilter => VersionClass,
        /// Kind of the source.
        source_kind: StringFilter => SourceKind,
        /// Whether the file is a patch of a kustomization.
        is_patch: bool => IsPatch,
        /// Whether the file came from elsewhere.
        is_vendored: bool => IsVendored,
    }
}

list_filter! {
    /// Which container images, as they were at the time; all conditions that are given have to hold.
    ImageTrendFilter of ImageField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// API group of the resource; empty for the core group.
        group: StringFilter => Group,
        /// Kind of the resource, as `Deployment`.
        kind: StringFilter => Kind,
        /// Declared namespace of the resource; empty for none.
        namespace: StringFilter => Namespace,
        /// Registry and name as they stand.
        image: StringFilter => Image,
        /// Tag; empty without one.
        tag: StringFilter => Tag,
        /// Whether the file is a patch of a kustomization.
        is_patch: bool => IsPatch,
        /// Whether the file came from elsewhere.
        is_vendored: bool => IsVendored,
    }
}

list_filter! {
    /// Which references, as they were at the time; all conditions that are given have to hold.
    ReferenceTrendFilter of TargetField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// The resources that refer.
        resource: IdFilter => Resource(node(NodeType::Resource)),
        /// The field, as `spec.dependsOn[]`.
        field: StringFilter => Field,
        /// Kind that it refers to.
        kind: StringFilter => Kind,
        /// Namespace that it refers to.
        namespace: StringFilter => Namespace,
        /// Name that it refers to.
        name: StringFilter => Name,
    }
}

list_filter! {
    /// Which snapshots of repositories; all conditions that are given have to hold.
    RepositoryMetricsTrendFilter of MetricsField {
        /// The repositories.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// Main language; empty: not told.
        language: StringFilter => Language,
        /// Stars at the time.
        stars: LongFilter => Stars,
    }
}
