//! Events.

use super::{EVENT_REPOSITORY, KIND, columns};
use crate::store::query::EventField;
use crate::store::query::aggregate::{Dataset, Succession};

/// Lifecycle events, each at the time of its commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Events;

impl Dataset for Events {
    type Field = EventField;
    type Dimension = EventColumn;
    type Number = EventNumber;
    type Distinct = EventDistinct;

    const NAME: &'static str = "event_trend";
    const RANGE_NAME: &'static str = "event_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_events.sql");
    const TIME: &'static str = "time";
    const REPOSITORY: EventColumn = EventColumn::Repository;
    const SUCCESSION: Option<Succession> = None;

    fn is_constant(_: EventField) -> bool {
        false
    }
}

columns! {
    /// What events are grouped by.
    EventColumn {
        Type => "toString(type)",
        Kind => KIND,
        ApiVersion => "toString(api_version)",
        Repository => EVENT_REPOSITORY,
        Namespace => "toString(namespace)",
        Name => "name",
        ChangeClass => "toString(change_class)",
        /// Identity of the resolved chart; empty for resources without one.
        Chart => "toString(chart)",
        ChartName => "toString(chart_name)",
        ChartVersion => "chart_version",
        /// `BOT` or `HUMAN`.
        Actor => "if(actor_is_bot, 'BOT', 'HUMAN')",
        ActorName => "toString(actor)",
        /// 1 to 7, from Monday.
        Weekday => "toString(toDayOfWeek(time, 0, {zone:String}))",
        /// 0 to 23.
        HourOfDay => "toString(toHour(time, {zone:String}))",
    }
}

columns! {
    /// What events are measured by.
    EventNumber {
        /// Values that differ, those not stored among them.
        Changes => "(length(changes) + changes_omitted)",
        /// 1 for an event of the type, else 0.
        Created => "(type = 'CREATED')",
        Modified => "(type = 'MODIFIED')",
        Deleted => "(type = 'DELETED')",
    }
}

columns! {
    /// What events are counted by.
    EventDistinct {
        Repositories => "resource_events.repository_id",
        Resources => "resource_id",
        Charts => "nullIf(toString(chart), '')",
        Actors => "(resource_events.repository_id, toString(actor))",
        Commits => "(resource_events.repository_id, commit)",
        Kinds => "(toString(group), toString(kind))",
    }
}
