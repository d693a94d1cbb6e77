//! The fields: one a dataset, with the same arguments.

use async_graphql::{Context, Error, MergedObject, Object};

use super::arguments::{
    Bins, Common, CompareTo, CountMeasure, EventMeasure, Having, HistogramInput, RepositoryMetricsMeasure,
    ResourceMeasure, TrendOrder,
};
use super::datasets::{
    ChartCount, ChartDimension, EventDimension, EventNumber, ImageCount, ImageDimension, ReferenceCount,
    ReferenceDimension, RepositoryMetricsDimension, RepositoryMetricsNumber, ResourceDimension, ResourceNumber,
};
use super::{Aggregate, Bucket, FirstDayOfWeek, trend};
use crate::graphql::filter::{
    ChartTrendFilter, Conditions, ImageTrendFilter, ReferenceTrendFilter, RepositoryMetricsTrendFilter,
    ResourceEventFilter, ResourceTrendFilter,
};
use crate::graphql::pagination::TimeRange;
use crate::store::query::aggregate::{
    ChartField, Charts, Events, ImageField, Images, References, RepositoryMetrics, ResourceStateField, Resources,
};
use crate::store::query::{EventField, Field, Filter, Operator};

/// The trends of all datasets.
#[derive(MergedObject, Default)]
pub struct TrendQuery(EventTrend, ResourceTrend, ChartTrend, ImageTrend, ReferenceTrend, RepositoryMetricsTrend);

/// Defines the field of a dataset. `hides` names what is left out unless an argument asks for it.
macro_rules! trend_field {
    (
        $(#[$about:meta])*
        $object:ident.$field:ident of $dataset:ty, filter $filter:ty, groups $dimension:ty, measures $measure:ty
        $(, bins $bins:ty)? $(, hides { $($with:ident => $hidden:expr, $about_hidden:literal;)+ })?
    ) => {
        #[derive(Default)]
        struct $object;

        #[Object]
        impl $object {
            $(#[$about])*
            #[allow(clippy::too_many_arguments, reason = "the arguments of the field")]
            async fn $field(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Which of them.")] filter: Option<$filter>,
                #[graphql(desc = "The dimensions of a group, at most 5; without any, all are one group.", default)] group_by: Vec<$dimension>,
                #[graphql(desc = "What is measured of each group, at most 10; by default they are counted.", default)] measures: Vec<$measure>,
                $(#[graphql(desc = "Bins of a number as one more dimension. Groups then are ordered by their keys unless `orderBy` says otherwise.")] histogram: Option<$bins>,)?
                #[graphql(desc = "The width of a bucket; without it the whole range is one.")] bucket: Option<Bucket>,
                #[graphql(desc = "IANA name of the time zone in which buckets begin.", default_with = "\"UTC\".to_owned()")] time_zone: String,
                #[graphql(desc = "The day that buckets of a week begin with.", default_with = "FirstDayOfWeek::Monday")] first_day_of_week: FirstDayOfWeek,
                #[graphql(desc = "The range. Left open, it begins with the first that the filter matches and ends after the last (of what lasts: now), or when the data last changed if that is earlier.")] range: Option<TimeRange>,
                #[graphql(desc = "Another range whose values stand beside those of the same buckets.")] compare_to: Option<CompareTo>,
                #[graphql(desc = "By what groups are ordered; by default the first measure, the largest first.")] order_by: Option<TrendOrder>,
                #[graphql(desc = "What groups have to hold over the whole range, others are left out, of `other` too. Counts and sums of what lasts are those of an average bucket.", default)] having: Vec<Having>,
                #[graphql(desc = "Groups that are named, 1 to 1000.", default = 10)] top: i32,
                #[graphql(desc = "Whether a bucket in which nothing was counted has a row of zero. Means, extremes and quantiles of nothing have none.", default = true)] fill: bool,
                #[graphql(desc = "Measure in each bucket everything from the beginning of the range on. Not of what lasts.", default = false)] cumulative: bool,
                #[graphql(desc = "Tell the mean of the last so many buckets in place of each value; at the beginning, of as many as there are.")] moving_average: Option<i32>,
                $($(#[graphql(desc = $about_hidden, default = false)] $with: bool,)+)?
            ) -> Result<Aggregate, Error> {
                let filter = filter.unwrap_or_default().conditions()?;
                $(let filter = without(filter, &[$(($hidden, $with),)+]);)?
                #[allow(unused_mut, unused_assignments, reason = "some datasets have no numbers")]
                let mut bins = None;
                $(bins = histogram.map(<$bins as Bins<$dataset>>::bins).transpose()?;)?
                let common = Common {
                    bucket, time_zone, first_day_of_week, range, compare_to, order_by, having, top, fill, cumulative, moving_average,
                };
                trend::<$dataset>(context, common.read(filter, group_by, measures, bins)?).await
            }
        }
    };
}

/// Leaves out what neither an argument nor the filter asks for.
fn without<F: Field + PartialEq>(mut filter: Filter<F>, hidden: &[(F, bool)]) -> Filter<F> {
    for (field, is_wanted) in hidden {
        if !is_wanted && !filter.mentions(|mentioned| mentioned == *field) {
            filter.add(*field, Operator::Is(false));
        }
    }
    filter
}

trend_field! {
    /// Events over time, each in the bucket it happened in. Groups beyond `top` (over the whole range) are measured together as `other`, so
    /// that the counts of a bucket always sum to all its events.
    EventTrend.event_trend of Events, filter ResourceEventFilter, groups EventDimension,
    measures EventMeasure, bins HistogramInput<EventNumber>, hides {
        with_patches => EventField::IsPatch, "Count resources in patches of kustomizations, too.";
        with_vendored => EventField::IsVendored, "Count resources in vendored files, too.";
    }
}

trend_field! {
    /// Resources as they were at the end of each bucket, for any day in history: how many were alive, and what they declared. Groups beyond
    /// `top` are measured together as `other`.
    ResourceTrend.resource_trend of Resources, filter ResourceTrendFilter, groups ResourceDimension,
    measures ResourceMeasure, bins HistogramInput<ResourceNumber>, hides {
        with_patches => ResourceStateField::IsPatch, "Count resources in patches of kustomizations, too.";
        with_vendored => ResourceStateField::IsVendored, "Count resources in vendored files, too.";
    }
}

trend_field! {
    /// Charts as they were installed at the end of each bucket: by how many releases, in how many repositories, in which versions. Groups
    /// beyond `top` are measured together as `other`.
    ChartTrend.chart_trend of Charts, filter ChartTrendFilter, groups ChartDimension, measures CountMeasure<ChartCount>, hides {
        with_patches => ChartField::IsPatch, "Count releases in patches of kustomizations, too.";
        with_vendored => ChartField::IsVendored, "Count releases in vendored files, too.";
    }
}

trend_field! {
    /// Container images as resources named them at the end of each bucket. Groups beyond `top` are measured together as `other`.
    ImageTrend.image_trend of Images, filter ImageTrendFilter, groups ImageDimension, measures CountMeasure<ImageCount>, hides {
        with_patches => ImageField::IsPatch, "Count images in patches of kustomizations, too.";
        with_vendored => ImageField::IsVendored, "Count images in vendored files, too.";
    }
}

trend_field! {
    /// References between resources as they were at the end of each bucket. Groups beyond `top` are measured together as `other`.
    ReferenceTrend.reference_trend of References, filter ReferenceTrendFilter, groups ReferenceDimension,
    measures CountMeasure<ReferenceCount>
}

trend_field! {
    /// What forges count of repositories, by the newest snapshot of each at the end of each bucket. Groups beyond `top` are measured together
    /// as `other`.
    RepositoryMetricsTrend.repository_metrics_trend of RepositoryMetrics, filter RepositoryMetricsTrendFilter,
    groups RepositoryMetricsDimension, measures RepositoryMetricsMeasure,
    bins HistogramInput<RepositoryMetricsNumber>
}
