//! Filter inputs, in one style for every list.

use async_graphql::{Error, ID, InputObject};
use uuid::Uuid;

use super::error::bad_input;
use super::id::{self, NodeType};
use super::pagination::TimeRange;
use super::types::{
    ChangeClass, EventTypeValue, JobKind, JobState, RepositoryStatus, ResourceStatus, VersionPart, VersionStep,
};
use crate::model;
use crate::store::query::{
    EventField, FailureField, Field, Filter, JobField, Operator, RepositoryField, ResourceField, VersionChangeField,
};

/// Bytes that one compared text may have, and texts that one list may hold.
const MAX_TEXT: usize = 4 << 10;
const MAX_LIST: usize = 1_000;

/// Comparisons of a text; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct StringFilter {
    /// Equal to this.
    eq: Option<String>,
    /// Not equal to this.
    ne: Option<String>,
    /// One of these.
    r#in: Option<Vec<String>>,
    /// None of these.
    not_in: Option<Vec<String>>,
    /// Contains this, whatever the case.
    contains: Option<String>,
    /// Begins with this.
    starts_with: Option<String>,
}

/// Comparisons of a reference; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct IdFilter {
    /// This one.
    eq: Option<ID>,
    /// One of these.
    r#in: Option<Vec<ID>>,
}

/// Conditions on a list of texts; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ListFilter {
    /// Holds this.
    has: Option<String>,
    /// Holds one of these.
    has_any: Option<Vec<String>>,
}

/// Comparisons of a repository's status; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct RepositoryStatusFilter {
    /// This one.
    eq: Option<RepositoryStatus>,
    /// One of these.
    r#in: Option<Vec<RepositoryStatus>>,
}

/// Comparisons of what a job does; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct JobKindFilter {
    /// This.
    eq: Option<JobKind>,
    /// One of these.
    r#in: Option<Vec<JobKind>>,
}

/// Comparisons of how far a job is; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct JobStateFilter {
    /// This one.
    eq: Option<JobState>,
    /// One of these.
    r#in: Option<Vec<JobState>>,
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
}

/// Comparisons of an event's type; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct EventTypeFilter {
    /// This one.
    eq: Option<EventTypeValue>,
    /// One of these.
    r#in: Option<Vec<EventTypeValue>>,
}

/// Comparisons of a resource's status; all that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ResourceStatusFilter {
    /// This one.
    eq: Option<ResourceStatus>,
    /// One of these.
    r#in: Option<Vec<ResourceStatus>>,
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
    time: Option<TimeRange>,
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
    time: Option<TimeRange>,
    /// Upgrade or downgrade.
    step: Option<VersionStep>,
    /// The first part of the version that differs.
    part: Option<VersionPart>,
    /// Whether a program made the commit.
    is_bot: Option<bool>,
    /// Whether another resource's change was the cause.
    is_indirect: Option<bool>,
}

/// A condition on the class of a change.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ChangeClassFilter {
    /// This class.
    eq: Option<ChangeClass>,
    /// One of these.
    r#in: Option<Vec<ChangeClass>>,
}

/// Which failures; all conditions that are given have to hold.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ScanFailureFilter {
    /// The repositories they are in.
    repository: Option<IdFilter>,
    /// Path of the file.
    path: Option<StringFilter>,
    /// Committer time.
    time: Option<TimeRange>,
}

impl RepositoryFilter {
    pub fn conditions(&self) -> Result<Filter<RepositoryField>, Error> {
        let mut filter = Filter::default();
        text(&mut filter, RepositoryField::FullName, self.full_name.as_ref())?;
        text(&mut filter, RepositoryField::Owner, self.owner.as_ref())?;
        text(&mut filter, RepositoryField::Name, self.name.as_ref())?;
        text(&mut filter, RepositoryField::Url, self.url.as_ref())?;
        text(&mut filter, RepositoryField::Forge, self.forge.as_ref())?;
        let status = self.status.clone().unwrap_or_default();
        choice(&mut filter, RepositoryField::Status, status.eq, status.r#in.as_deref(), RepositoryStatus::as_str);
        list(&mut filter, RepositoryField::Topics, self.topics.as_ref())?;
        list(&mut filter, RepositoryField::DiscoveryTags, self.discovery_tags.as_ref())?;
        truth(&mut filter, RepositoryField::IsArchived, self.is_archived);
        Ok(filter)
    }
}

impl ResourceFilter {
    pub fn conditions(&self) -> Result<Filter<ResourceField>, Error> {
        let mut filter = Filter::default();
        reference(&mut filter, ResourceField::Repository, NodeType::Repository, self.repository.as_ref())?;
        text(&mut filter, ResourceField::Group, self.group.as_ref())?;
        text(&mut filter, ResourceField::Kind, self.kind.as_ref())?;
        text(&mut filter, ResourceField::ApiVersion, self.api_version.as_ref())?;
        text(&mut filter, ResourceField::Namespace, self.namespace.as_ref())?;
        text(&mut filter, ResourceField::Name, self.name.as_ref())?;
        text(&mut filter, ResourceField::Path, self.path.as_ref())?;
        let status = self.status.clone().unwrap_or_default();
        choice(&mut filter, ResourceField::Status, status.eq, status.r#in.as_deref(), ResourceStatus::as_str);
        if !filter.mentions(|field| field == ResourceField::Status) {
            filter = filter.and(ResourceField::Status, Operator::Equal(ResourceStatus::Active.as_str().to_owned()));
        }
        Ok(filter)
    }
}

impl ResourceEventFilter {
    pub fn conditions(&self) -> Result<Filter<EventField>, Error> {
        let mut filter = Filter::default();
        let types = self.r#type.clone().unwrap_or_default();
        choice(&mut filter, EventField::Type, types.eq, types.r#in.as_deref(), EventTypeValue::as_str);
        reference(&mut filter, EventField::Repository, NodeType::Repository, self.repository.as_ref())?;
        reference(&mut filter, EventField::Resource, NodeType::Resource, self.resource.as_ref())?;
        text(&mut filter, EventField::Group, self.group.as_ref())?;
        text(&mut filter, EventField::Kind, self.kind.as_ref())?;
        text(&mut filter, EventField::ApiVersion, self.api_version.as_ref())?;
        text(&mut filter, EventField::Namespace, self.namespace.as_ref())?;
        text(&mut filter, EventField::Name, self.name.as_ref())?;
        text(&mut filter, EventField::Path, self.path.as_ref())?;
        text(&mut filter, EventField::Commit, self.commit.as_ref())?;
        time(&mut filter, EventField::Time, self.time);
        truth(&mut filter, EventField::Moved, self.moved);
        truth(&mut filter, EventField::ActorIsBot, self.is_bot);
        let classes = self.change_class.clone().unwrap_or_default();
        choice(&mut filter, EventField::ChangeClass, classes.eq, classes.r#in.as_deref(), ChangeClass::as_str);
        truth(&mut filter, EventField::IsPatch, self.is_patch);
        truth(&mut filter, EventField::IsVendored, self.is_vendored);
        text(&mut filter, EventField::Chart, self.chart.as_ref())?;
        text(&mut filter, EventField::ChartName, self.chart_name.as_ref())?;
        run(&mut filter, EventField::Run, self.run_id.as_ref())?;
        Ok(filter)
    }
}

impl ChartVersionChangeFilter {
    pub fn conditions(&self) -> Result<Filter<VersionChangeField>, Error> {
        let mut filter = Filter::default();
        reference(&mut filter, VersionChangeField::Repository, NodeType::Repository, self.repository.as_ref())?;
        reference(&mut filter, VersionChangeField::Resource, NodeType::Resource, self.resource.as_ref())?;
        text(&mut filter, VersionChangeField::ChartName, self.chart_name.as_ref())?;
        text(&mut filter, VersionChangeField::Chart, self.chart.as_ref())?;
        text(&mut filter, VersionChangeField::Version, self.version.as_ref())?;
        time(&mut filter, VersionChangeField::Time, self.time);
        choice(&mut filter, VersionChangeField::Step, self.step, None, VersionStep::as_str);
        choice(&mut filter, VersionChangeField::Part, self.part, None, VersionPart::as_str);
        truth(&mut filter, VersionChangeField::ActorIsBot, self.is_bot);
        truth(&mut filter, VersionChangeField::IsIndirect, self.is_indirect);
        Ok(filter)
    }
}

impl JobFilter {
    pub fn conditions(&self) -> Result<Filter<JobField>, Error> {
        let mut filter = Filter::default();
        let kinds = self.kind.clone().unwrap_or_default();
        let kind = |kind| model::JobKind::from(kind).as_str();
        choice(&mut filter, JobField::Kind, kinds.eq, kinds.r#in.as_deref(), kind);
        let states = self.state.clone().unwrap_or_default();
        let state = |state| model::JobState::from(state).as_str();
        choice(&mut filter, JobField::State, states.eq, states.r#in.as_deref(), state);
        reference(&mut filter, JobField::Repository, NodeType::Repository, self.repository.as_ref())?;
        Ok(filter)
    }
}

impl ScanFailureFilter {
    pub fn conditions(&self) -> Result<Filter<FailureField>, Error> {
        let mut filter = Filter::default();
        reference(&mut filter, FailureField::Repository, NodeType::Repository, self.repository.as_ref())?;
        text(&mut filter, FailureField::Path, self.path.as_ref())?;
        time(&mut filter, FailureField::Time, self.time);
        Ok(filter)
    }
}

fn text<F: Field>(filter: &mut Filter<F>, field: F, given: Option<&StringFilter>) -> Result<(), Error> {
    let Some(StringFilter { eq, ne, r#in, not_in, contains, starts_with }) = given.cloned() else { return Ok(()) };
    let operators = [
        eq.map(Operator::Equal),
        ne.map(Operator::NotEqual),
        r#in.map(Operator::In),
        not_in.map(Operator::NotIn),
        contains.map(Operator::Contains),
        starts_with.map(Operator::StartsWith),
    ];
    for operator in operators.into_iter().flatten() {
        check_size(&operator)?;
        filter.add(field, operator);
    }
    Ok(())
}

fn list<F: Field>(filter: &mut Filter<F>, field: F, given: Option<&ListFilter>) -> Result<(), Error> {
    let Some(ListFilter { has, has_any }) = given.cloned() else { return Ok(()) };
    for texts in [has.map(|text| vec![text]), has_any].into_iter().flatten() {
        let operator = Operator::HasAny(texts);
        check_size(&operator)?;
        filter.add(field, operator);
    }
    Ok(())
}

/// Runs of scans are no nodes: their ids are plain UUIDs.
fn run<F: Field>(filter: &mut Filter<F>, field: F, given: Option<&IdFilter>) -> Result<(), Error> {
    let uuid = |id: &ID| match Uuid::parse_str(id) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(bad_input("`runId` takes the ids that `ResourceEvent.runId` and `Job.runId` have")),
    };
    if let Some(eq) = given.and_then(|given| given.eq.as_ref()) {
        filter.add(field, Operator::Equal(uuid(eq)?));
    }
    if let Some(list) = given.and_then(|given| given.r#in.as_ref()) {
        let operator = Operator::In(list.iter().map(uuid).collect::<Result<_, Error>>()?);
        check_size(&operator)?;
        filter.add(field, operator);
    }
    Ok(())
}

fn check_size(operator: &Operator) -> Result<(), Error> {
    let texts = match operator {
        Operator::In(texts) | Operator::NotIn(texts) | Operator::HasAny(texts) => texts.as_slice(),
        Operator::Equal(text) | Operator::NotEqual(text) | Operator::Contains(text) | Operator::StartsWith(text) => {
            std::slice::from_ref(text)
        }
        Operator::AtLeast(_) | Operator::LessThan(_) | Operator::Is(_) => &[],
    };
    if texts.len() > MAX_LIST {
        return Err(bad_input(format!("a filter's list holds {} values; at most {MAX_LIST} are allowed", texts.len())));
    }
    match texts.iter().map(String::len).max() {
        Some(longest) if longest > MAX_TEXT => {
            Err(bad_input(format!("a filter's text has {longest} bytes; at most {MAX_TEXT} are allowed")))
        }
        _ => Ok(()),
    }
}

fn reference<F: Field>(
    filter: &mut Filter<F>,
    field: F,
    node: NodeType,
    given: Option<&IdFilter>,
) -> Result<(), Error> {
    let Some(given) = given else { return Ok(()) };
    if let Some(eq) = &given.eq {
        filter.add(field, Operator::Equal(id::decode_as(node, eq)?.to_string()));
    }
    if let Some(ids) = &given.r#in {
        let ids: Result<Vec<String>, Error> = ids.iter().map(|id| Ok(id::decode_as(node, id)?.to_string())).collect();
        let operator = Operator::In(ids?);
        check_size(&operator)?;
        filter.add(field, operator);
    }
    Ok(())
}

fn choice<F: Field, T: Copy>(
    filter: &mut Filter<F>,
    field: F,
    eq: Option<T>,
    list: Option<&[T]>,
    name: fn(T) -> &'static str,
) {
    if let Some(eq) = eq {
        filter.add(field, Operator::Equal(name(eq).to_owned()));
    }
    if let Some(list) = list {
        filter.add(field, Operator::In(list.iter().map(|value| name(*value).to_owned()).collect()));
    }
}

fn time<F: Field>(filter: &mut Filter<F>, field: F, range: Option<TimeRange>) {
    if let Some(from) = range.and_then(|range| range.from) {
        filter.add(field, Operator::AtLeast(from.ceil_seconds()));
    }
    if let Some(to) = range.and_then(|range| range.to) {
        filter.add(field, Operator::LessThan(to.ceil_seconds()));
    }
}

fn truth<F: Field>(filter: &mut Filter<F>, field: F, value: Option<bool>) {
    if let Some(value) = value {
        filter.add(field, Operator::Is(value));
    }
}
