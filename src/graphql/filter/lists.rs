//! What each list can be asked for.

use async_graphql::{Error, InputObject};

use super::{
    ChangeClassFilter, Comparisons, DateTimeFilter, EventTypeFilter, IdFilter, IdListFilter, JobKindFilter,
    JobStateFilter, ListFilter, LongFilter, RepositoryStatusFilter, ResourceStatusFilter, StringFilter,
    VersionPartFilter, VersionStepFilter, ids, node, run,
};
use crate::graphql::id::NodeType;
use crate::graphql::limits::Limit;
use crate::graphql::types::ResourceStatus;
use crate::store::query::{
    ChartField, EventField, FailureField, Field, Filter, ImageField, JobField, MetricsField, Operator, ReferenceField,
    RepositoryField, ResourceField, VersionChangeField,
};

/// A filter of one list.
pub trait Conditions: Sized {
    type Field: Field;

    /// Adds what it asks of the fields themselves.
    ///
    /// # Errors
    /// When a value is none of its field's, or too large.
    fn add_own(&self, filter: &mut Filter<Self::Field>) -> Result<(), Error>;

    /// The filters in it.
    fn parts(&self) -> Parts<'_, Self>;

    /// All that it asks for.
    ///
    /// # Errors
    /// Those of [`Conditions::add_own`], and when it makes too many comparisons.
    fn conditions(&self) -> Result<Filter<Self::Field>, Error> {
        let filter = combined(self)?;
        let size = filter.size();
        Limit::FilterComparisons
            .check(size, |most| format!("a filter makes {size} comparisons; at most {most} are allowed"))?;
        Ok(filter)
    }
}

/// The filters within a filter.
pub struct Parts<'a, C> {
    pub(super) and: Option<&'a [C]>,
    pub(super) or: Option<&'a [C]>,
    pub(super) not: Option<&'a C>,
}

/// What a filter asks for on all its levels.
fn combined<C: Conditions>(given: &C) -> Result<Filter<C::Field>, Error> {
    let mut filter = Filter::default();
    given.add_own(&mut filter)?;
    let Parts { and, or, not } = given.parts();
    for part in and.into_iter().flatten() {
        filter.add_all(combined(part)?);
    }
    if let Some(parts) = or {
        filter.add_any(parts.iter().map(combined).collect::<Result<_, _>>()?);
    }
    if let Some(part) = not {
        filter.add_not(combined(part)?);
    }
    Ok(filter)
}

/// Defines the filter of a list: what it can be asked for, by which comparisons, and of which field of the store. `Field(id)` takes ids, and
/// reads each by `id`.
macro_rules! list_filter {
    (
        $(#[$documentation:meta])*
        $name:ident of $stored:ident {
            $($(#[$about:meta])* $field:ident: $comparisons:ty => $of:ident $(($id:expr))?,)+
        }
    ) => {
        $(#[$documentation])*
        #[derive(InputObject, Clone, Debug, Default)]
        pub struct $name {
            $($(#[$about])* $field: Option<$comparisons>,)+
            /// All of these hold, too.
            and: Option<Vec<$name>>,
            /// At least one of these holds; of none, none does.
            or: Option<Vec<$name>>,
            /// This does not hold.
            not: Option<Box<$name>>,
        }

        impl Conditions for $name {
            type Field = $stored;

            fn add_own(&self, filter: &mut Filter<$stored>) -> Result<(), Error> {
                $(add_comparisons!(filter, $stored::$of, &self.$field $(, $id)?)?;)+
                Ok(())
            }

            fn parts(&self) -> Parts<'_, Self> {
                Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
            }
        }
    };
}

macro_rules! add_comparisons {
    ($filter:expr, $field:expr, $given:expr) => {
        Comparisons::add_to($given, $filter, $field)
    };
    ($filter:expr, $field:expr, $given:expr, $id:expr) => {
        ids($filter, $field, $given, $id)
    };
}

pub(super) use {add_comparisons, list_filter};

list_filter! {
    /// Which jobs; all conditions that are given have to hold.
    JobFilter of JobField {
        /// What they do.
        kind: JobKindFilter => Kind,
        /// How far they are.
        state: JobStateFilter => State,
        /// The repositories they are for.
        repository: IdFilter => Repository(node(NodeType::Repository)),
    }
}

list_filter! {
    /// Which repositories; all conditions that are given have to hold.
    RepositoryFilter of RepositoryField {
        /// Owner and name, joined by a slash.
        full_name: StringFilter => FullName,
        /// The account or folder it belongs to.
        owner: StringFilter => Owner,
        /// Its name without the owner.
        name: StringFilter => Name,
        /// Its normalised URL, or the path of a repository without a remote.
        url: StringFilter => Url,
        /// Where it lives: the host of its URL, or `local`.
        forge: StringFilter => Forge,
        /// What kubestats does with it.
        status: RepositoryStatusFilter => Status,
        /// The topics that its owner gave it.
        topics: ListFilter => Topics,
        /// What led to its discovery, as `topic:kubesearch`.
        discovery_tags: ListFilter => DiscoveryTags,
        /// Whether its owner closed it for changes.
        is_archived: bool => IsArchived,
        /// Its main language; empty: not told.
        language: StringFilter => Language,
        /// Stars of the newest snapshot; 0 without one.
        stars: LongFilter => Stars,
        /// Resources alive at its head.
        resource_count: LongFilter => ResourceCount,
        /// Points of its quality, up to 100.
        quality: LongFilter => Quality,
        /// When its owner made it.
        created_at: DateTimeFilter => CreatedAt,
    }
}

list_filter! {
    /// Which resources; all conditions that are given have to hold. Without a condition on the status, those that are alive.
    ResourceFilter of ResourceField {
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
        /// Alive or deleted.
        status: ResourceStatusFilter => Status,
        /// Time of the commit that created it.
        created_at: DateTimeFilter => CreatedAt,
        /// Time of the last commit that changed it.
        updated_at: DateTimeFilter => UpdatedAt,
        /// Name of the chart that its manifest declares, as `ResourceFacts.chartName` has it; empty without one, and with a `chartRef`.
        chart_name: StringFilter => ChartName,
        /// Keys of its inline Helm values, as `ResourceFacts.valuesKeys` has them.
        values_keys: ListFilter => ValuesKeys,
    }
}

list_filter! {
    /// Which events; all conditions that are given have to hold.
    ResourceEventFilter of EventField {
        /// CREATED, MODIFIED, DELETED.
        r#type: EventTypeFilter => Type,
        /// The repositories they happened in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// The resources they happened to.
        resource: IdFilter => Resource(node(NodeType::Resource)),
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
        /// Path of the file after the event.
        path: StringFilter => Path,
        /// Hexadecimal commit id.
        commit: StringFilter => Commit,
        /// Committer time.
        time: DateTimeFilter => Time,
        /// Whether the resource moved to another file, or to another place among equals in its file.
        moved: bool => Moved,
        /// Whether a program made the commit.
        is_bot: bool => ActorIsBot,
        /// What kind of difference it made.
        change_class: ChangeClassFilter => ChangeClass,
        /// Whether the file was a patch of a kustomization.
        is_patch: bool => IsPatch,
        /// Whether the file came from elsewhere.
        is_vendored: bool => IsVendored,
        /// Identity of the chart that the resource installed: `ghcr.io/owner/charts/app`.
        chart: StringFilter => Chart,
        /// Name of that chart.
        chart_name: StringFilter => ChartName,
        /// The run of the scan that stored it, as `ResourceEvent.runId` and `Job.runId` have it.
        run_id: IdFilter => Run(run),
    }
}

list_filter! {
    /// Which changes of chart versions; all conditions that are given have to hold.
    ChartVersionChangeFilter of VersionChangeField {
        /// The repositories they happened in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// The releases.
        resource: IdFilter => Resource(node(NodeType::Resource)),
        /// Name of the chart.
        chart_name: StringFilter => ChartName,
        /// Identity of the chart before the change.
        chart_before: StringFilter => ChartBefore,
        /// Identity of the chart after the change.
        chart: StringFilter => Chart,
        /// The version after the change.
        version: StringFilter => Version,
        /// Committer time.
        time: DateTimeFilter => Time,
        /// Upgrade or downgrade.
        step: VersionStepFilter => Step,
        /// The first part of the version that differs.
        part: VersionPartFilter => Part,
        /// Whether a program made the commit.
        is_bot: bool => ActorIsBot,
        /// Whether another resource's change was the cause.
        is_indirect: bool => IsIndirect,
    }
}

list_filter! {
    /// Which failures; all conditions that are given have to hold.
    ScanFailureFilter of FailureField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// Path of the file.
        path: StringFilter => Path,
        /// Committer time.
        time: DateTimeFilter => Time,
    }
}

list_filter! {
    /// Which charts; all conditions that are given have to hold.
    ChartFilter of ChartField {
        /// Name of the chart: `app-template`.
        name: StringFilter => Name,
        /// Where it comes from, in one spelling: `ghcr.io/owner/charts/app-template`.
        identity: StringFilter => Identity,
        /// The repositories that install it.
        repositories: IdListFilter => Repositories(node(NodeType::Repository)),
        /// How many repositories install it.
        repository_count: LongFilter => RepositoryCount,
        /// How many resources install it.
        release_count: LongFilter => ReleaseCount,
    }
}

list_filter! {
    /// Which container images; all conditions that are given have to hold.
    ImageFilter of ImageField {
        /// Registry and name as they stand: `ghcr.io/owner/app`.
        repository: StringFilter => Repository,
        /// The registry: `ghcr.io`; `docker.io` where none stands, empty where a variable gives it.
        registry: StringFilter => Registry,
        /// The tags in use.
        tags: ListFilter => Tags,
        /// The Git repositories that use it.
        git_repositories: IdListFilter => GitRepositories(node(NodeType::Repository)),
        /// Kinds of the resources that use it.
        kinds: ListFilter => Kinds,
        /// How many Git repositories use it.
        repository_count: LongFilter => RepositoryCount,
        /// How many resources use it.
        resource_count: LongFilter => ResourceCount,
    }
}

list_filter! {
    /// Which references; all conditions that are given have to hold.
    ReferenceFilter of ReferenceField {
        /// The repositories they are in.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// The resources that refer.
        from: IdFilter => From(node(NodeType::Resource)),
        /// The field, lists as `[]`: `spec.dependsOn[]`.
        field: StringFilter => Field,
        /// The kind it names; `directory` for a path, empty when the field does not say.
        kind: StringFilter => ToKind,
        /// The namespace, declared or by default; empty for none.
        namespace: StringFilter => ToNamespace,
        /// The name; `*` where labels choose.
        name: StringFilter => ToName,
        /// Whether the namespace is declared in the field.
        is_namespace_declared: bool => IsDeclared,
        /// Whether the resource makes what it names instead of needing it.
        produces: bool => Produces,
    }
}

list_filter! {
    /// Which snapshots; all conditions that are given have to hold.
    RepositoryMetricsFilter of MetricsField {
        /// The repositories they are of.
        repository: IdFilter => Repository(node(NodeType::Repository)),
        /// When the forge was asked.
        recorded_at: DateTimeFilter => RecordedAt,
        /// Accounts that starred it.
        stars: LongFilter => Stars,
    }
}

impl ResourceFilter {
    /// The same; without a condition on the status, of those alive.
    ///
    /// # Errors
    /// Those of [`Conditions::conditions`].
    pub fn conditions_or_alive(&self) -> Result<Filter<ResourceField>, Error> {
        let filter = self.conditions()?;
        let alive = Operator::Equal(ResourceStatus::Active.as_str().to_owned());
        match filter.mentions(|field| field == ResourceField::Status) {
            true => Ok(filter),
            false => Ok(filter.and(ResourceField::Status, alive)),
        }
    }
}
