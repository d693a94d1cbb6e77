//! What each dataset can be grouped and measured by, as the schema calls it.

use async_graphql::Enum;

use crate::store::query::aggregate::{
    ChartColumn, ChartDistinct, Charts, EventColumn, EventDistinct, Events, ImageColumn, ImageDistinct, Images,
    Measure, MetricsColumn, MetricsDistinct, ReferenceColumn, ReferenceDistinct, References, RepositoryMetrics,
    ResourceColumn, ResourceDistinct, Resources, {self as stored},
};

/// Defines an enum of the schema whose values are columns of the store.
macro_rules! columns {
    ($(#[$documentation:meta])* $name:ident of $stored:ty { $($(#[$about:meta])* $value:ident,)+ }) => {
        $(#[$documentation])*
        #[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $value,)+
        }

        impl From<$name> for $stored {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$value => Self::$value,)+
                }
            }
        }
    };
}

/// Defines an enum of the schema whose first value counts the rows of a dataset, and the others what is different in them.
macro_rules! counts {
    (
        $(#[$documentation:meta])* $name:ident of $dataset:ty, $distinct:ty {
            $(#[$about_rows:meta])* $rows:ident; $($(#[$about:meta])* $value:ident,)+
        }
    ) => {
        $(#[$documentation])*
        #[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[$about_rows])* $rows,
            $($(#[$about])* $value,)+
        }

        impl From<$name> for Measure<$dataset> {
            fn from(value: $name) -> Self {
                match value {
                    $name::$rows => Self::Count,
                    $($name::$value => Self::Distinct(<$distinct>::$value),)+
                }
            }
        }
    };
}

columns! {
    /// What events can be grouped by.
    EventDimension of EventColumn {
        /// CREATED, MODIFIED, DELETED.
        Type,
        /// Kind with its group.
        Kind,
        /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
        ApiVersion,
        /// Repository.
        Repository,
        /// Declared namespace.
        Namespace,
        /// `metadata.name`.
        Name,
        /// Class of the change; `NONE` for CREATED and DELETED.
        ChangeClass,
        /// Identity of the chart that the resource installs; empty for all others.
        Chart,
        /// Name of that chart.
        ChartName,
        /// Version of that chart.
        ChartVersion,
        /// BOT or HUMAN.
        Actor,
        /// Who made the commit, by name.
        ActorName,
        /// The day of the week in the time zone: 1, Monday, to 7.
        Weekday,
        /// The hour of the day in the time zone: 0 to 23.
        HourOfDay,
    }
}

counts! {
    /// What of events can be counted.
    EventCount of Events, EventDistinct {
        /// Events.
        Events;
        /// Repositories they happened in.
        Repositories,
        /// Resources they happened to.
        Resources,
        /// Charts that those resources install.
        Charts,
        /// Actors: names in each repository.
        Actors,
        /// Commits.
        Commits,
        /// Kinds, with their groups.
        Kinds,
    }
}

columns! {
    /// What events can be measured by.
    EventNumber of stored::EventNumber {
        /// Values that differ between before and after.
        Changes,
    }
}

columns! {
    /// What resources can be grouped by.
    ResourceDimension of ResourceColumn {
        /// Kind with its group.
        Kind,
        /// API group; empty for the core group.
        Group,
        /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
        ApiVersion,
        /// Repository.
        Repository,
        /// Declared namespace.
        Namespace,
        /// `metadata.name`.
        Name,
        /// Name of the chart that the resource installs; empty for all others.
        ChartName,
        /// Type of a source or provider.
        SourceType,
        /// The declared version: of the chart, of the artifact or Git reference of a source, of Flux for a FluxInstance.
        Version,
        /// How closely the declared version names one release; NONE without one.
        VersionClass,
        /// `true` or `false`; empty where the manifest does not say it.
        Suspend,
    }
}

counts! {
    /// What of resources can be counted.
    ResourceCount of Resources, ResourceDistinct {
        /// Resources.
        Resources;
        /// Repositories they are in.
        Repositories,
        /// Kinds, with their groups.
        Kinds,
        /// Namespaces of each repository.
        Namespaces,
        /// Different names.
        Names,
        /// Charts that they install, by their identities; of resources without one, none.
        Charts,
    }
}

columns! {
    /// What resources can be measured by.
    ResourceNumber of stored::ResourceNumber {
        /// Time between reconciliations, in seconds.
        IntervalSeconds,
    }
}

columns! {
    /// What installed charts can be grouped by.
    ChartDimension of ChartColumn {
        /// Name.
        Name,
        /// Identity, as `ghcr.io/owner/charts/app`; empty where its source is not known.
        Chart,
        /// Version.
        Version,
        /// Major version, as `1`; empty unless the version is exact.
        Major,
        /// Major and minor version, as `1.2`; empty unless the version is exact.
        Minor,
        /// How closely the version names one release.
        VersionClass,
        /// Kind of the source.
        SourceKind,
        /// Host of the chart's source; empty where it is not known.
        SourceHost,
        /// Repository.
        Repository,
    }
}

counts! {
    /// What of installed charts can be counted.
    ChartCount of Charts, ChartDistinct {
        /// Releases: resources that install a chart.
        Releases;
        /// Repositories they are in.
        Repositories,
        /// Charts.
        Charts,
        /// Versions of charts.
        Versions,
    }
}

columns! {
    /// What container images can be grouped by.
    ImageDimension of ImageColumn {
        /// Registry and name as they stand.
        Image,
        /// The registry's host; `docker.io` where none stands, empty where a variable gives it.
        Registry,
        /// Tag; empty without one.
        Tag,
        /// What holds it to one content: `TAG_AND_DIGEST`, `DIGEST`, `TAG`, or `NOTHING` for no tag and `latest`.
        Pin,
        /// Kind of the resource, with its group.
        Kind,
        /// Declared namespace of the resource.
        Namespace,
        /// Repository.
        Repository,
    }
}

counts! {
    /// What of container images can be counted.
    ImageCount of Images, ImageDistinct {
        /// Places in resources that name one.
        Uses;
        /// Repositories they are in.
        Repositories,
        /// Resources.
        Resources,
        /// Images.
        Images,
        /// Tags and digests of images.
        Tags,
    }
}

columns! {
    /// What references can be grouped by.
    ReferenceDimension of ReferenceColumn {
        /// The field, as `spec.dependsOn[]`.
        Field,
        /// Kind that it refers to; empty where the field does not say.
        Kind,
        /// Namespace that it refers to; empty where none is known.
        Namespace,
        /// Name that it refers to.
        Name,
        /// Whether the namespace is declared: `true` or `false`.
        IsDeclared,
        /// Repository.
        Repository,
    }
}

counts! {
    /// What of references can be counted.
    ReferenceCount of References, ReferenceDistinct {
        /// References.
        References;
        /// Repositories they are in.
        Repositories,
        /// Resources that refer.
        Resources,
        /// What is referred to, in each repository.
        Targets,
    }
}

columns! {
    /// What snapshots of repositories can be grouped by.
    RepositoryMetricsDimension of MetricsColumn {
        /// Repository.
        Repository,
        /// Main language; empty where it was not told.
        Language,
    }
}

counts! {
    /// What of snapshots can be counted.
    RepositoryMetricsCount of RepositoryMetrics, MetricsDistinct {
        /// Snapshots: one a repository.
        Snapshots;
        /// Repositories.
        Repositories,
    }
}

columns! {
    /// What snapshots of repositories can be measured by.
    RepositoryMetricsNumber of stored::MetricsNumber {
        /// Stars.
        Stars,
        /// Forks.
        Forks,
        /// Watchers; GitHub calls them subscribers.
        Watchers,
        /// Open issues.
        OpenIssues,
        /// Size in kilobytes.
        SizeKb,
        /// Kubernetes resources alive.
        Resources,
    }
}
