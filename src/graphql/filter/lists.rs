//! What each list can be asked for.

use async_graphql::{Error, InputObject};

use super::{
    ChangeClassFilter, Comparisons, DateTimeFilter, EventTypeFilter, IdFilter, JobKindFilter, JobStateFilter,
    ListFilter, LongFilter, MAX_COMPARISONS, RepositoryStatusFilter, ResourceStatusFilter, StringFilter,
    VersionPartFilter, VersionStepFilter, nodes, runs,
};
use crate::graphql::error::bad_input;
use crate::graphql::id::NodeType;
use crate::graphql::types::ResourceStatus;
use crate::store::query::{
    EventField, FailureField, Field, Filter, JobField, Operator, RepositoryField, ResourceField, VersionChangeField,
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
        match filter.size() {
            size if size > MAX_COMPARISONS => {
                Err(bad_input(format!("a filter makes {size} comparisons; at most {MAX_COMPARISONS} are allowed")))
            }
            _ => Ok(filter),
        }
    }
}

/// The filters within a filter.
pub struct Parts<'a, C> {
    and: Option<&'a [C]>,
    or: Option<&'a [C]>,
    not: Option<&'a C>,
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

/// Which jobs; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct JobFilter {
    /// What they do.
    kind: Option<JobKindFilter>,
    /// How far they are.
    state: Option<JobStateFilter>,
    /// The repositories they are for.
    repository: Option<IdFilter>,
    /// All of these hold, too.
    and: Option<Vec<JobFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<JobFilter>>,
    /// This does not hold.
    not: Option<Box<JobFilter>>,
}

/// Which repositories; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct RepositoryFilter {
    /// Owner and name, joined by a slash.
    full_name: Option<StringFilter>,
    /// The account or folder it belongs to.
    owner: Option<StringFilter>,
    /// Its name without the owner.
    name: Option<StringFilter>,
    /// Its normalised URL, or the path of a repository without a remote.
    url: Option<StringFilter>,
    /// Where it lives: the host of its URL, or `local`.
    forge: Option<StringFilter>,
    /// What kubestats does with it.
    status: Option<RepositoryStatusFilter>,
    /// The topics that its owner gave it.
    topics: Option<ListFilter>,
    /// What led to its discovery, as `topic:kubesearch`.
    discovery_tags: Option<ListFilter>,
    /// Whether its owner closed it for changes.
    is_archived: Option<bool>,
    /// Its main language.
    language: Option<StringFilter>,
    /// Stars of the newest snapshot; 0 without one.
    stars: Option<LongFilter>,
    /// Resources alive at its head.
    resource_count: Option<LongFilter>,
    /// Points of its quality, up to 100.
    quality: Option<LongFilter>,
    /// When its owner made it.
    created_at: Option<DateTimeFilter>,
    /// All of these hold, too.
    and: Option<Vec<RepositoryFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<RepositoryFilter>>,
    /// This does not hold.
    not: Option<Box<RepositoryFilter>>,
}

/// Which resources; all conditions that are given have to hold. Without a condition on the status, those that are alive.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ResourceFilter {
    /// The repositories they are in.
    repository: Option<IdFilter>,
    /// API group; empty for the core group.
    group: Option<StringFilter>,
    /// Kind, as `HelmRelease`.
    kind: Option<StringFilter>,
    /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
    api_version: Option<StringFilter>,
    /// Declared namespace; empty for none.
    namespace: Option<StringFilter>,
    /// `metadata.name`.
    name: Option<StringFilter>,
    /// Path of the file.
    path: Option<StringFilter>,
    /// Alive or deleted.
    status: Option<ResourceStatusFilter>,
    /// Time of the commit that created it.
    created_at: Option<DateTimeFilter>,
    /// Time of the last commit that changed it.
    updated_at: Option<DateTimeFilter>,
    /// All of these hold, too.
    and: Option<Vec<ResourceFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<ResourceFilter>>,
    /// This does not hold.
    not: Option<Box<ResourceFilter>>,
}

/// Which events; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ResourceEventFilter {
    /// CREATED, MODIFIED, DELETED.
    r#type: Option<EventTypeFilter>,
    /// The repositories they happened in.
    repository: Option<IdFilter>,
    /// The resources they happened to.
    resource: Option<IdFilter>,
    /// API group; empty for the core group.
    group: Option<StringFilter>,
    /// Kind, as `HelmRelease`.
    kind: Option<StringFilter>,
    /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
    api_version: Option<StringFilter>,
    /// Declared namespace; empty for none.
    namespace: Option<StringFilter>,
    /// `metadata.name`.
    name: Option<StringFilter>,
    /// Path of the file after the event.
    path: Option<StringFilter>,
    /// Hexadecimal commit id.
    commit: Option<StringFilter>,
    /// Committer time.
    time: Option<DateTimeFilter>,
    /// Whether the resource moved to another file, or to another place among equals in its file.
    moved: Option<bool>,
    /// Whether a program made the commit.
    is_bot: Option<bool>,
    /// What kind of difference it made.
    change_class: Option<ChangeClassFilter>,
    /// Whether the file was a patch of a kustomization.
    is_patch: Option<bool>,
    /// Whether the file came from elsewhere.
    is_vendored: Option<bool>,
    /// Identity of the chart that the resource installed: `ghcr.io/owner/charts/app`.
    chart: Option<StringFilter>,
    /// Name of that chart.
    chart_name: Option<StringFilter>,
    /// The run of the scan that stored it, as `ResourceEvent.runId` and `Job.runId` have it.
    run_id: Option<IdFilter>,
    /// All of these hold, too.
    and: Option<Vec<ResourceEventFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<ResourceEventFilter>>,
    /// This does not hold.
    not: Option<Box<ResourceEventFilter>>,
}

/// Which changes of chart versions; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ChartVersionChangeFilter {
    /// The repositories they happened in.
    repository: Option<IdFilter>,
    /// The releases.
    resource: Option<IdFilter>,
    /// Name of the chart.
    chart_name: Option<StringFilter>,
    /// Identity of the chart after the change.
    chart: Option<StringFilter>,
    /// The version after the change.
    version: Option<StringFilter>,
    /// Committer time.
    time: Option<DateTimeFilter>,
    /// Upgrade or downgrade.
    step: Option<VersionStepFilter>,
    /// The first part of the version that differs.
    part: Option<VersionPartFilter>,
    /// Whether a program made the commit.
    is_bot: Option<bool>,
    /// Whether another resource's change was the cause.
    is_indirect: Option<bool>,
    /// All of these hold, too.
    and: Option<Vec<ChartVersionChangeFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<ChartVersionChangeFilter>>,
    /// This does not hold.
    not: Option<Box<ChartVersionChangeFilter>>,
}

/// Which failures; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ScanFailureFilter {
    /// The repositories they are in.
    repository: Option<IdFilter>,
    /// Path of the file.
    path: Option<StringFilter>,
    /// Committer time.
    time: Option<DateTimeFilter>,
    /// All of these hold, too.
    and: Option<Vec<ScanFailureFilter>>,
    /// At least one of these holds; of none, none does.
    or: Option<Vec<ScanFailureFilter>>,
    /// This does not hold.
    not: Option<Box<ScanFailureFilter>>,
}

impl Conditions for RepositoryFilter {
    type Field = RepositoryField;

    fn add_own(&self, filter: &mut Filter<RepositoryField>) -> Result<(), Error> {
        self.full_name.add_to(filter, RepositoryField::FullName)?;
        self.owner.add_to(filter, RepositoryField::Owner)?;
        self.name.add_to(filter, RepositoryField::Name)?;
        self.url.add_to(filter, RepositoryField::Url)?;
        self.forge.add_to(filter, RepositoryField::Forge)?;
        self.status.add_to(filter, RepositoryField::Status)?;
        self.topics.add_to(filter, RepositoryField::Topics)?;
        self.discovery_tags.add_to(filter, RepositoryField::DiscoveryTags)?;
        self.is_archived.add_to(filter, RepositoryField::IsArchived)?;
        self.language.add_to(filter, RepositoryField::Language)?;
        self.stars.add_to(filter, RepositoryField::Stars)?;
        self.resource_count.add_to(filter, RepositoryField::ResourceCount)?;
        self.quality.add_to(filter, RepositoryField::Quality)?;
        self.created_at.add_to(filter, RepositoryField::CreatedAt)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
    }
}

impl Conditions for ResourceFilter {
    type Field = ResourceField;

    fn add_own(&self, filter: &mut Filter<ResourceField>) -> Result<(), Error> {
        nodes(filter, ResourceField::Repository, NodeType::Repository, &self.repository)?;
        self.group.add_to(filter, ResourceField::Group)?;
        self.kind.add_to(filter, ResourceField::Kind)?;
        self.api_version.add_to(filter, ResourceField::ApiVersion)?;
        self.namespace.add_to(filter, ResourceField::Namespace)?;
        self.name.add_to(filter, ResourceField::Name)?;
        self.path.add_to(filter, ResourceField::Path)?;
        self.status.add_to(filter, ResourceField::Status)?;
        self.created_at.add_to(filter, ResourceField::CreatedAt)?;
        self.updated_at.add_to(filter, ResourceField::UpdatedAt)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
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

impl Conditions for ResourceEventFilter {
    type Field = EventField;

    fn add_own(&self, filter: &mut Filter<EventField>) -> Result<(), Error> {
        self.r#type.add_to(filter, EventField::Type)?;
        nodes(filter, EventField::Repository, NodeType::Repository, &self.repository)?;
        nodes(filter, EventField::Resource, NodeType::Resource, &self.resource)?;
        self.group.add_to(filter, EventField::Group)?;
        self.kind.add_to(filter, EventField::Kind)?;
        self.api_version.add_to(filter, EventField::ApiVersion)?;
        self.namespace.add_to(filter, EventField::Namespace)?;
        self.name.add_to(filter, EventField::Name)?;
        self.path.add_to(filter, EventField::Path)?;
        self.commit.add_to(filter, EventField::Commit)?;
        self.time.add_to(filter, EventField::Time)?;
        self.moved.add_to(filter, EventField::Moved)?;
        self.is_bot.add_to(filter, EventField::ActorIsBot)?;
        self.change_class.add_to(filter, EventField::ChangeClass)?;
        self.is_patch.add_to(filter, EventField::IsPatch)?;
        self.is_vendored.add_to(filter, EventField::IsVendored)?;
        self.chart.add_to(filter, EventField::Chart)?;
        self.chart_name.add_to(filter, EventField::ChartName)?;
        runs(filter, EventField::Run, &self.run_id)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
    }
}

impl Conditions for ChartVersionChangeFilter {
    type Field = VersionChangeField;

    fn add_own(&self, filter: &mut Filter<VersionChangeField>) -> Result<(), Error> {
        nodes(filter, VersionChangeField::Repository, NodeType::Repository, &self.repository)?;
        nodes(filter, VersionChangeField::Resource, NodeType::Resource, &self.resource)?;
        self.chart_name.add_to(filter, VersionChangeField::ChartName)?;
        self.chart.add_to(filter, VersionChangeField::Chart)?;
        self.version.add_to(filter, VersionChangeField::Version)?;
        self.time.add_to(filter, VersionChangeField::Time)?;
        self.step.add_to(filter, VersionChangeField::Step)?;
        self.part.add_to(filter, VersionChangeField::Part)?;
        self.is_bot.add_to(filter, VersionChangeField::ActorIsBot)?;
        self.is_indirect.add_to(filter, VersionChangeField::IsIndirect)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
    }
}

impl Conditions for JobFilter {
    type Field = JobField;

    fn add_own(&self, filter: &mut Filter<JobField>) -> Result<(), Error> {
        self.kind.add_to(filter, JobField::Kind)?;
        self.state.add_to(filter, JobField::State)?;
        nodes(filter, JobField::Repository, NodeType::Repository, &self.repository)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
    }
}

impl Conditions for ScanFailureFilter {
    type Field = FailureField;

    fn add_own(&self, filter: &mut Filter<FailureField>) -> Result<(), Error> {
        nodes(filter, FailureField::Repository, NodeType::Repository, &self.repository)?;
        self.path.add_to(filter, FailureField::Path)?;
        self.time.add_to(filter, FailureField::Time)
    }

    fn parts(&self) -> Parts<'_, Self> {
        Parts { and: self.and.as_deref(), or: self.or.as_deref(), not: self.not.as_deref() }
    }
}
