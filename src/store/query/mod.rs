//! Questions: what can be asked of the data. One file each, with its parameters, its SQL and the row it answers with.
//!
//! SQL stands under `clickhouse/queries`. Where a question is dynamic (filters, order, page), fragments that
//! [`filter`] and [`page`] build from allow-lists take the place of `{{markers}}`; every value is bound on the server.

pub mod aggregate;
mod changing;
mod chart_intervals;
mod chart_moves;
mod charts;
mod checkpoint;
mod content;
mod coverage;
mod discovery;
mod events;
mod failures;
mod file_facts;
mod filter;
mod images;
mod installed_together;
mod jobs;
mod metrics;
mod metrics_page;
mod page;
mod publications;
mod quality;
mod references;
mod repositories;
mod repository_changes;
mod repository_charts;
mod resolutions;
mod resources;
mod search;
mod siblings;
mod statement;
mod strays;
mod tombstones;
mod values_keys;
mod version_changes;

pub use changing::{ChangedRecord, LastEventRecord, LastEvents, MostChanged};
pub use chart_intervals::{ChartIntervalRecord, ChartIntervals};
pub use chart_moves::{ChartMoveRecord, ChartMoves};
pub use charts::{ChartCount, ChartField, ChartOrder, ChartRecord, Charts};
pub use checkpoint::{CheckpointRecord, NewestCheckpoint};
pub use content::{CommitEnd, CommitEnds, Content, ContentAt, EventContent, EventContents, Moment};
pub use coverage::{Coverage, CoverageRecord, OriginRecord, RepositoryOrigins, RepositoryTags, TagRecord};
pub use discovery::{
    Discovered, DiscoveredRecord, DiscoveryRunRecord, DiscoveryRuns, DiscoveryStatRecord, DiscoveryStats,
};
pub use events::{EventCount, EventField, EventOrder, EventRecord, Events};
pub use failures::{FailureCount, FailureField, FailureOrder, FailureRecord, Failures};
pub use file_facts::{FileFactsNow, FileRecord, FluxVersionRecord, FluxVersions};
pub use filter::{Field, Filter, Operator};
pub use images::{ImageCount, ImageField, ImageOrder, ImageRecord, Images};
pub use installed_together::{InstalledTogether, TogetherOrder, TogetherRecord};
pub use jobs::{Cancellations, JobCount, JobField, JobLog, JobLogs, JobOrder, Jobs, Processes, Schedules};
pub use metrics::{MetricsBetween, MetricsBucket, MetricsRecord};
pub use metrics_page::{Metrics, MetricsCount, MetricsField, MetricsOrder};
pub use page::{Direction, Order, Page, PageEnd, SortKey};
pub use publications::{PublicationRecord, Publications};
pub use quality::{QualityInputRecord, QualityInputs};
pub use references::{ReferenceCount, ReferenceField, ReferenceOrder, ReferenceRecord, References};
pub use repositories::{
    AliasRecord, AliasesOf, Head, IdRecord, Repositories, RepositoriesByAlias, RepositoryByAlias, RepositoryCount,
    RepositoryField, RepositoryOrder, RepositoryRecord,
};
pub use repository_changes::{RepositoryChangeRecord, RepositoryChanges};
pub use repository_charts::{RepositoryChartRecord, RepositoryCharts};
pub use resolutions::{ResolutionRecord, ResolutionsAt};
pub use resources::{
    KindCount, ResourceCount, ResourceField, ResourceOrder, ResourceRecord, Resources, ResourcesByKind,
};
pub use search::{Search, SearchRecord};
pub use siblings::{Likeness, SiblingCountRecord, SiblingCounts, SiblingRecord, Siblings};
pub use statement::{Parameter, Statement};
pub use strays::Strays;
pub use tombstones::{Buried, HalfRemoved};
pub use values_keys::{ValuesKeyRecord, ValuesKeys};
pub use version_changes::{
    VersionChangeCount, VersionChangeField, VersionChangeOrder, VersionChangeRecord, VersionChanges,
};

use clickhouse::{RowOwned, RowRead};
use serde::de::DeserializeOwned;

/// One thing that can be asked.
pub trait Question: Send + Sync {
    /// What an answer consists of.
    type Row: RowOwned + RowRead + DeserializeOwned + Send + Sync + 'static;
    /// How spans and errors call it.
    const NAME: &'static str;

    /// The SQL with its parameters. `{data_version:UInt64}` is bound by the reader.
    fn statement(&self) -> Statement;
}
