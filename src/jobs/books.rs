//! Where jobs are written down: the database, or the memory of a simulation.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::model::{Job, JobId, JobLogLine, JobRequest, JobState, RepositoryId, ScheduleState};
use crate::store::query::{
    AliasesOf, Cancellations, Filter, JobField, JobLog, Jobs, Operator, Processes, Repositories, RepositoryField,
    Schedules,
};
use crate::store::{Reader, StoreError, Writer};

/// The forge of what lies on this machine.
const LOCAL: &str = "local";

/// An answer of the books.
pub type Written<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What the queue and the clock remember, and what they have to know of repositories.
pub trait Books: Send + Sync + 'static {
    /// Stores jobs, each as it is now. Whoever changes a job stores its states one after the other.
    fn save_jobs<'a>(&'a self, jobs: &'a [&'a Job]) -> Written<'a, ()>;

    /// Adds lines to logs. The same lines may be sent again when nobody knows whether they arrived.
    fn add_lines<'a>(&'a self, lines: &'a [JobLogLine]) -> Written<'a, ()>;

    fn save_schedule<'a>(&'a self, schedule: &'a ScheduleState) -> Written<'a, ()>;

    fn schedules(&self) -> Written<'_, Vec<ScheduleState>>;

    fn job(&self, id: JobId) -> Written<'_, Option<Job>>;

    /// All jobs that have not ended.
    fn open_jobs(&self) -> Written<'_, Vec<Job>>;

    /// Jobs that have not ended, of the kinds and repositories of these requests.
    fn open_jobs_like<'a>(&'a self, requests: &'a [JobRequest]) -> Written<'a, Vec<Job>>;

    /// The number of the last line of a job.
    fn last_line(&self, id: JobId) -> Written<'_, Option<u32>>;

    /// Where repositories are fetched from, by id; `None` for this machine. Unknown ones are left out.
    fn forges(&self, ids: BTreeSet<RepositoryId>) -> Written<'_, HashMap<RepositoryId, Option<String>>>;

    /// Whether anything of a repository that is not known (any more) is left to remove.
    fn is_left(&self, id: RepositoryId) -> Written<'_, bool>;

    /// Notes that a process lives.
    fn note_alive(&self, process: Uuid) -> Written<'_, ()>;

    /// Processes that noted so within this time.
    fn alive(&self, within: Duration) -> Written<'_, HashSet<Uuid>>;

    /// Asks the process that has a job to end it.
    fn ask_to_cancel(&self, id: JobId) -> Written<'_, ()>;

    /// Jobs that somebody asked so for within this time.
    fn cancellations(&self, within: Duration) -> Written<'_, Vec<JobId>>;
}

/// The database.
#[derive(Clone)]
pub struct Database {
    pub reader: Reader,
    pub writer: Writer,
}

impl Database {
    async fn jobs(&self, filter: Filter<JobField>) -> Result<Vec<Job>, StoreError> {
        let rows = self.reader.now(&Jobs { filter, page: None }).await?;
        // Whoever goes on with one of them stores states that are newer than all before.
        rows.iter().for_each(|row| self.writer.go_on_after(row.version));
        Ok(rows.iter().map(|row| row.to_model()).collect())
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

fn open() -> Filter<JobField> {
    let open = JobState::ALL.into_iter().filter(|state| !state.is_ended());
    Filter::default().and(JobField::State, Operator::In(open.map(|state| state.as_str().to_owned()).collect()))
}

impl Books for Database {
    fn save_jobs<'a>(&'a self, jobs: &'a [&'a Job]) -> Written<'a, ()> {
        self.writer.save_jobs(jobs).boxed()
    }

    fn add_lines<'a>(&'a self, lines: &'a [JobLogLine]) -> Written<'a, ()> {
        self.writer.job_log(lines).boxed()
    }

    fn save_schedule<'a>(&'a self, schedule: &'a ScheduleState) -> Written<'a, ()> {
        self.writer.save_schedule(schedule).boxed()
    }

    fn schedules(&self) -> Written<'_, Vec<ScheduleState>> {
        async {
            let rows = self.reader.now(&Schedules).await?;
            rows.iter().for_each(|row| self.writer.go_on_after(row.version));
            Ok(rows.iter().map(|row| row.to_model()).collect())
        }
        .boxed()
    }

    fn job(&self, id: JobId) -> Written<'_, Option<Job>> {
        let filter = Filter::default().and(JobField::Id, Operator::Equal(id.to_string()));
        async { Ok(self.jobs(filter).await?.pop()) }.boxed()
    }

    fn open_jobs(&self) -> Written<'_, Vec<Job>> {
        self.jobs(open()).boxed()
    }

    fn open_jobs_like<'a>(&'a self, requests: &'a [JobRequest]) -> Written<'a, Vec<Job>> {
        let kinds: BTreeSet<&str> = requests.iter().map(|request| request.kind.as_str()).collect();
        let kinds = kinds.into_iter().map(str::to_owned).collect();
        let mut filter = open().and(JobField::Kind, Operator::In(kinds));
        let repositories: Option<BTreeSet<RepositoryId>> = requests.iter().map(|request| request.repository).collect();
        if let Some(ids) = repositories {
            filter.add(JobField::Repository, Operator::In(ids.iter().map(ToString::to_string).collect()));
        }
        self.jobs(filter).boxed()
    }

    fn last_line(&self, id: JobId) -> Written<'_, Option<u32>> {
        async move {
            let lines = self.reader.now(&JobLog { job: id, limit: 1 }).await?;
            Ok(lines.last().map(|row| row.to_model().number))
        }
        .boxed()
    }

    fn forges(&self, ids: BTreeSet<RepositoryId>) -> Written<'_, HashMap<RepositoryId, Option<String>>> {
        async move {
            if ids.is_empty() {
                return Ok(HashMap::new());
            }
            let ids = ids.iter().map(ToString::to_string).collect();
            let filter = Filter::default().and(RepositoryField::Id, Operator::In(ids));
            let found = self.reader.snapshot().await?.fetch(&Repositories { filter, page: None }).await?;
            let repositories = found.iter().map(|record| record.to_model());
            Ok(repositories.map(|found| (found.id, Some(found.forge).filter(|forge| forge != LOCAL))).collect())
        }
        .boxed()
    }

    fn is_left(&self, id: RepositoryId) -> Written<'_, bool> {
        async move { Ok(!self.reader.now(&AliasesOf { repository: id }).await?.is_empty()) }.boxed()
    }

    fn note_alive(&self, process: Uuid) -> Written<'_, ()> {
        self.writer.note_alive(process).boxed()
    }

    fn alive(&self, within: Duration) -> Written<'_, HashSet<Uuid>> {
        async move {
            let alive = self.reader.now(&Processes { seconds: seconds(within) }).await?;
            Ok(alive.iter().filter_map(|id| id.parse().ok()).collect())
        }
        .boxed()
    }

    fn ask_to_cancel(&self, id: JobId) -> Written<'_, ()> {
        self.writer.ask_to_cancel(id).boxed()
    }

    fn cancellations(&self, within: Duration) -> Written<'_, Vec<JobId>> {
        async move {
            let asked = self.reader.now(&Cancellations { seconds: seconds(within) }).await?;
            Ok(asked.iter().filter_map(|id| id.parse().ok().map(JobId)).collect())
        }
        .boxed()
    }
}
