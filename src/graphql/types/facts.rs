//! What is known of a resource because of its kind, and what it means in its repository.

use async_graphql::{Context, Description, Enum, Error, Object, SimpleObject};
use uuid::Uuid;

use super::Resource;
use crate::graphql::duration::Duration;
use crate::graphql::loaders::ResourceKey;
use crate::graphql::scalars::DateTime;
use crate::graphql::sight::loaders;
use crate::model::{self, Facts};
use crate::store::query::{EventRecord, ResolutionRecord};

/// How closely a version names one release.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionClass {
    /// One version: `1.2.3`, a tag.
    Exact,
    /// Bounds: `>=1.0.0 <2.0.0`, `^1.2`.
    Range,
    /// Parts are open: `*`, `1.x`, or no version where any will do.
    Wildcard,
    /// Whatever is newest in a moving place: the tag `latest`, a branch.
    Latest,
    /// Content by its digest or commit.
    Digest,
    /// A template or variable that is filled in later, and is not known here.
    Templated,
    /// A directory in a Git source: the version is the source's.
    Path,
    /// None of these.
    Unknown,
}

impl VersionClass {
    /// As the columns number them; 0 is none.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            1 => Some(Self::Exact),
            2 => Some(Self::Range),
            3 => Some(Self::Wildcard),
            4 => Some(Self::Latest),
            5 => Some(Self::Digest),
            6 => Some(Self::Templated),
            7 => Some(Self::Path),
            8 => Some(Self::Unknown),
            _ => None,
        }
    }
}

impl From<model::VersionClass> for VersionClass {
    fn from(class: model::VersionClass) -> Self {
        match class {
            model::VersionClass::Exact => Self::Exact,
            model::VersionClass::Range => Self::Range,
            model::VersionClass::Wildcard => Self::Wildcard,
            model::VersionClass::Latest => Self::Latest,
            model::VersionClass::Digest => Self::Digest,
            model::VersionClass::Templated => Self::Templated,
            model::VersionClass::Path => Self::Path,
            model::VersionClass::Unknown => Self::Unknown,
        }
    }
}

/// What a resource's manifest declares, where kubestats knows its kind. A field is null where the manifest does not say it.
#[derive(Description)]
pub struct ResourceFacts {
    pub facts: Facts,
    pub values_keys: Vec<String>,
}

/// A container image, taken apart.
#[derive(SimpleObject)]
pub struct ContainerImage {
    /// Registry and name as they stand: `ghcr.io/owner/app`.
    repository: String,
    /// The tag; null when there is none.
    tag: Option<String>,
    /// `sha256:…`; null when there is none.
    digest: Option<String>,
}

#[Object(use_type_description)]
impl ResourceFacts {
    /// Name of the chart, or its path in a Git source.
    async fn chart_name(&self) -> Option<&str> {
        self.facts.chart_name.as_deref()
    }

    /// The declared version: of the chart, of the artifact or Git reference of a source, of Flux for a FluxInstance.
    async fn version(&self) -> Option<&str> {
        self.facts.version.as_deref()
    }

    /// How closely that version names one release.
    async fn version_class(&self) -> Option<VersionClass> {
        self.facts.version_class.map(Into::into)
    }

    /// Where a source lies.
    async fn url(&self) -> Option<&str> {
        self.facts.url.as_deref()
    }

    /// Type or provider of a source or of a notification provider, lower case.
    async fn source_type(&self) -> Option<&str> {
        self.facts.source_type.as_deref()
    }

    /// The directory that is built or charted.
    async fn path(&self) -> Option<&str> {
        self.facts.path.as_deref()
    }

    /// The namespace that is set on what it builds or installs.
    async fn target_namespace(&self) -> Option<&str> {
        self.facts.target_namespace.as_deref()
    }

    /// Name of the Helm release, where it is set.
    async fn release_name(&self) -> Option<&str> {
        self.facts.release_name.as_deref()
    }

    /// Time between reconciliations.
    async fn interval(&self) -> Option<Duration> {
        self.facts.interval_seconds.map(|seconds| Duration::from_seconds(seconds.into()))
    }

    /// Time between reconciliations, in seconds.
    #[graphql(deprecation = "`interval` says the same as a duration.")]
    async fn interval_seconds(&self) -> Option<u32> {
        self.facts.interval_seconds
    }

    /// Whether reconciliation is suspended.
    async fn suspend(&self) -> Option<bool> {
        self.facts.suspend
    }

    /// Whether what is no longer declared is removed from the cluster.
    async fn prune(&self) -> Option<bool> {
        self.facts.prune
    }

    /// Whether reconciliation waits until everything is ready.
    async fn wait(&self) -> Option<bool> {
        self.facts.wait
    }

    /// Keys of the inline Helm values, joined by dots, list items as `[]`; sorted.
    async fn values_keys(&self) -> &[String] {
        &self.values_keys
    }

    /// Container images of its pods or Helm values; sorted.
    async fn images(&self) -> Vec<ContainerImage> {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let image = |image: &model::Image| ContainerImage {
            repository: image.repository.clone(),
            tag: some(&image.tag),
            digest: some(&image.digest),
        };
        self.facts.images.iter().map(image).collect()
    }
}

/// The chart that a resource installs, as it was resolved in its whole repository.
#[derive(Description)]
pub struct InstalledChart {
    name: String,
    identity: String,
    url: Option<String>,
    version: String,
    version_class: i8,
    source_kind: Option<String>,
    source: Option<ResourceKey>,
}

impl InstalledChart {
    pub fn of_resolution(repository: Uuid, record: &ResolutionRecord) -> Option<Self> {
        let source = Some(record.source_id).filter(|id| !id.is_nil());
        (!record.chart_name.is_empty()).then(|| Self {
            name: record.chart_name.clone(),
            identity: record.chart.clone(),
            url: some(&record.chart_url),
            version: record.chart_version.clone(),
            version_class: record.version_class,
            source_kind: some(&record.source_kind),
            source: source.map(|resource| ResourceKey { repository, resource }),
        })
    }

    pub fn of_event(record: &EventRecord) -> Option<Self> {
        (!record.chart_name.is_empty())
            .then(|| Self::plain(&record.chart_name, &record.chart, &record.chart_version, record.chart_version_class))
    }

    /// A chart of which no more than this is stored.
    pub fn plain(name: &str, identity: &str, version: &str, version_class: i8) -> Self {
        Self {
            name: name.to_owned(),
            identity: identity.to_owned(),
            url: None,
            version: version.to_owned(),
            version_class,
            source_kind: None,
            source: None,
        }
    }
}

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[Object(use_type_description)]
impl InstalledChart {
    /// Name of the chart: `app-template`.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from, in one spelling: `ghcr.io/bjw-s-labs/helm/app-template`. Null when its source is not declared in the repository.
    async fn identity(&self) -> Option<String> {
        some(&self.identity)
    }

    /// The identity that stands for this one and others: repositories moved between them (see `chartGroups`). The identity itself when nothing
    /// joins it to another.
    async fn canonical_identity(&self, context: &Context<'_>) -> Result<Option<String>, Error> {
        let canonical = loaders(context)?.canonical_charts.load_one(self.identity.clone()).await?;
        Ok(canonical.or_else(|| some(&self.identity)))
    }

    /// The source's URL as it is declared; null where it is not stored with the row.
    async fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The version; null where a Git source gives it.
    async fn version(&self) -> Option<String> {
        some(&self.version)
    }

    /// How closely the version names one release.
    async fn version_class(&self) -> Option<VersionClass> {
        VersionClass::from_code(self.version_class)
    }

    /// Kind of the source: `HelmRepository`, `OCIRepository`, `GitRepository`, `Bucket`; the resource's own kind where it names the place itself.
    async fn source_kind(&self) -> Option<&str> {
        self.source_kind.as_deref()
    }

    /// The resource that gives URL or version; null where it is the resource itself, or not stored with the row.
    async fn source(&self, context: &Context<'_>) -> Result<Option<Resource>, Error> {
        match self.source {
            Some(key) => Ok(loaders(context)?.resources.load_one(key).await?.map(Resource)),
            None => Ok(None),
        }
    }
}

/// Identities of charts that are one chart: releases of several repositories went from one to the other with the chart's name kept, and
/// with the same version or a later one of the same major version.
#[derive(Description)]
pub struct ChartGroup(pub model::ChartGroup);

/// Releases that went from one place of a chart to another.
#[derive(SimpleObject)]
pub struct ChartMove {
    /// Identity before.
    before: String,
    /// Identity after.
    after: String,
    /// Repositories in which it happened.
    repositories: u64,
    /// Time of the first commit that did it.
    since: DateTime,
}

#[Object(use_type_description)]
impl ChartGroup {
    /// The identity that stands for all: the one the moves lead to.
    async fn canonical_identity(&self) -> &str {
        &self.0.canonical
    }

    /// Name of the chart.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// All identities, sorted.
    async fn identities(&self) -> &[String] {
        &self.0.identities
    }

    /// Why they are joined: the moves that at least three repositories made, those of most repositories first.
    async fn moves(&self) -> Vec<ChartMove> {
        let moved = |one: &model::ChartMove| ChartMove {
            before: one.before.clone(),
            after: one.after.clone(),
            repositories: one.repositories,
            since: DateTime::from_seconds(one.first_time),
        };
        self.0.moves.iter().map(moved).collect()
    }
}

/// The version of Flux that one file of a repository declares.
#[derive(SimpleObject)]
pub struct FluxVersion {
    /// `v2.3.0`.
    pub version: String,
    /// Path of the `gotk-components.yaml`.
    pub path: String,
    /// Time of the commit that brought it.
    pub since: DateTime,
    /// Hexadecimal id of that commit.
    pub commit_id: String,
}
