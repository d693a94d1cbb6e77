//! Jobs, their logs and schedules. They belong to no version of the data: ask them through [`Reader::now`](crate::store::Reader::now).

use super::filter::{Field, Filter};
use super::page::{Direction, Order, Page, SortKey};
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};
use crate::model::JobId;
use crate::store::job_rows::{JOB_COLUMNS, JobRow, LogRow, ScheduleRow};

const SQL: &str = include_str!("../../../clickhouse/queries/jobs.sql");

/// What jobs can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobField {
    Id,
    Kind,
    State,
    Repository,
    /// When the newest state was stored, by the clock of who stored it.
    StoredAt,
}

impl Field for JobField {
    fn sql(self) -> &'static str {
        match self {
            Self::Id => "jobs.id",
            // Enum values are compared by their names.
            Self::Kind => "toString(jobs.kind)",
            Self::State => "toString(jobs.state)",
            Self::Repository => "jobs.repository_id",
            Self::StoredAt => "fromUnixTimestamp64Micro(toInt64(jobs.version))",
        }
    }

    fn server_type(self) -> &'static str {
        if matches!(self, Self::Id | Self::Repository) { "UUID" } else { "String" }
    }
}

const ID: SortKey = SortKey::time_ordered("UUIDToNum(id)");

/// Jobs are ordered by the time of their request, which their ids tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobOrder;

impl JobOrder {
    pub fn keys(direction: Direction) -> Order {
        Order(vec![(ID, direction)])
    }
}

/// A page of jobs; without a page, all that match, the oldest first.
#[derive(Clone, Debug)]
pub struct Jobs {
    pub filter: Filter<JobField>,
    pub page: Option<Page>,
}

impl Question for Jobs {
    type Row = JobRow;
    const NAME: &'static str = "jobs";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        let (filter, tail) = match &self.page {
            Some(page) => (filter.append(page.between()), page.tail()),
            None => (filter, Fragment::default().text("ORDER BY UUIDToNum(id)")),
        };
        Statement::new(SQL).with_text("columns", JOB_COLUMNS).with("filter", &filter).with("tail", &tail)
    }
}

/// How many jobs a filter matches.
#[derive(Clone, Debug)]
pub struct JobCount {
    pub filter: Filter<JobField>,
}

impl Question for JobCount {
    type Row = u64;
    const NAME: &'static str = "job_count";

    fn statement(&self) -> Statement {
        let filter = self.filter.fragment();
        Statement::new(SQL).with_text("columns", "count()").with("filter", &filter).with_text("tail", "")
    }
}

/// The newest lines of the logs of some jobs, each log in its order.
#[derive(Clone, Debug)]
pub struct JobLogs {
    pub jobs: Vec<JobId>,
    /// The most lines of each.
    pub limit: u32,
}

impl Question for JobLogs {
    type Row = LogRow;
    const NAME: &'static str = "job_logs";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/job_log.sql"))
            .bind("jobs", Parameter::uuids(&self.jobs.iter().map(|job| job.0).collect::<Vec<_>>()))
            .bind("limit", Parameter::Integer(self.limit.into()))
    }
}

/// The newest lines of one job's log.
#[derive(Clone, Debug)]
pub struct JobLog {
    pub job: JobId,
    /// The most lines.
    pub limit: u32,
}

impl Question for JobLog {
    type Row = LogRow;
    const NAME: &'static str = "job_log";

    fn statement(&self) -> Statement {
        JobLogs { jobs: vec![self.job], limit: self.limit }.statement()
    }
}

/// Processes that noted within so many seconds that they live.
#[derive(Clone, Copy, Debug)]
pub struct Processes {
    pub seconds: u32,
}

impl Question for Processes {
    type Row = String;
    const NAME: &'static str = "processes";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/processes.sql"))
            .bind("seconds", Parameter::Integer(self.seconds.into()))
    }
}

/// Jobs that somebody wanted to end within so many seconds, whoever has them.
#[derive(Clone, Copy, Debug)]
pub struct Cancellations {
    pub seconds: u32,
}

impl Question for Cancellations {
    type Row = String;
    const NAME: &'static str = "cancellations";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/cancellations.sql"))
            .bind("seconds", Parameter::Integer(self.seconds.into()))
    }
}

/// What is remembered of schedules.
#[derive(Clone, Debug)]
pub struct Schedules;

impl Question for Schedules {
    type Row = ScheduleRow;
    const NAME: &'static str = "schedules";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/schedules.sql"))
    }
}
