//! A queue with scripted work and a clock that is set by hand.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kubestats::jobs::{Database, JobsError, Queue, QueueOptions, Time, Work, WorkError};
use kubestats::model::{
    Job, JobArguments, JobId, JobKind, JobLogLine, JobRequest, JobState, LogLevel, Repository, RepositoryId, Requester,
};
use kubestats::pipeline::{Ended, Task};
use kubestats::store::engine::{self, EngineCommand, Supervisor};
use kubestats::store::query::{Filter, JobField, JobLog, Jobs, Operator};
use kubestats::store::{NewRepository, Reader, ReaderOptions, Recorded, Store, Writer, migrate};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use crate::support::external::folder_of_this_run;
use crate::support::process::PATIENCE;

/// When all tests begin, in milliseconds since 1970.
pub const START: i64 = 1_780_000_000_000;
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;

/// One engine for all tests of the suite.
struct World {
    runtime: Runtime,
    socket: PathBuf,
    _supervisor: Supervisor,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let data = folder_of_this_run("jobs");
        let socket = data.join("run/engine.sock");
        let command = EngineCommand {
            program: env!("CARGO_BIN_EXE_kubestats").into(),
            arguments: vec!["engine".into(), "--data".into(), data.clone().into()],
            directory: data.join("engine"),
            socket: socket.clone(),
            startup_timeout: PATIENCE,
        };
        let supervisor = runtime.block_on(Supervisor::start(command)).expect("the engine starts");
        World { runtime, socket, _supervisor: supervisor }
    })
}

/// Runs a test on a bench with a database of this name.
#[track_caller]
pub fn on_bench<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Bench) -> F) {
    let world = world();
    world.runtime.block_on(async {
        let client = engine::client(&world.socket);
        client.query_raw(&format!("CREATE DATABASE {name}")).execute().await.unwrap();
        let client = client.with_database(name);
        let store = Store::elsewhere(client.clone());
        migrate(&store).await.unwrap();
        let bench = Bench {
            client,
            reader: Reader::new(store.clone(), ReaderOptions::default()),
            writer: Writer::new(store),
            run: tempfile::tempdir().unwrap(),
            time: Arc::new(SetTime(watch::Sender::new(START))),
            script: Arc::default(),
        };
        tokio::time::timeout(PATIENCE, test(bench)).await.expect("the test ends");
    });
}

/// What a queue runs on.
pub struct Bench {
    pub client: clickhouse::Client,
    pub reader: Reader,
    pub writer: Writer,
    pub run: tempfile::TempDir,
    pub time: Arc<SetTime>,
    pub script: Arc<Script>,
}

impl Bench {
    pub fn options(&self) -> QueueOptions {
        QueueOptions {
            program: "a test".to_owned(),
            parallel: 2,
            attempts: 3,
            run_dir: self.run.path().to_owned(),
            is_shared: false,
            adopts: true,
        }
    }

    /// Starts a queue with two workers, and three attempts a job.
    pub async fn queue(&self) -> Queue {
        self.queue_with(self.options()).await
    }

    pub async fn queue_with(&self, options: QueueOptions) -> Queue {
        let books = Database { reader: self.reader.clone(), writer: self.writer.clone() };
        Queue::start(options, Arc::new(books), self.script.clone(), self.time.clone()).await.unwrap()
    }

    /// A writer whose every insert fails: its database is not there.
    pub fn broken_writer(&self) -> Writer {
        Writer::new(Store::elsewhere(engine::client(&world().socket).with_database("nowhere")))
    }

    pub fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    pub async fn rows(&self, sql: &str) -> Vec<String> {
        self.client.query_raw(sql).fetch_all().await.unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        self.client.query_raw(sql).execute().await.unwrap();
    }

    /// A repository that is known.
    pub async fn repository(&self, url: &str) -> RepositoryId {
        let id = RepositoryId::from_alias(url);
        let repository = Repository::discovered(id, url, START);
        let new = NewRepository { repository, aliases: vec![url.to_owned()], recorded: Recorded::default() };
        self.writer.add_repositories(&self.reader, vec![new]).await.unwrap();
        id
    }

    /// The job as it is stored.
    pub async fn stored(&self, id: JobId) -> Job {
        let filter = Filter::default().and(JobField::Id, Operator::Equal(id.to_string()));
        let rows = self.reader.now(&Jobs { filter, page: None }).await.unwrap();
        rows.first().unwrap_or_else(|| panic!("{id} is not stored")).to_model()
    }

    /// All jobs that are stored, the oldest first.
    pub async fn all_stored(&self) -> Vec<Job> {
        let rows = self.reader.now(&Jobs { filter: Filter::default(), page: None }).await.unwrap();
        rows.iter().map(|row| row.to_model()).collect()
    }

    /// Waits until the stored job is in this state.
    pub async fn becomes(&self, id: JobId, state: JobState) -> Job {
        loop {
            let job = self.stored(id).await;
            if job.state == state {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the stored job rests after so many attempts.
    pub async fn waits_after(&self, id: JobId, attempts: u32) -> Job {
        loop {
            let job = self.becomes(id, JobState::Queued).await;
            if job.attempts == attempts {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn log(&self, id: JobId) -> Vec<JobLogLine> {
        let rows = self.reader.now(&JobLog { job: id, limit: 100_000 }).await.unwrap();
        rows.iter().map(|row| row.to_model()).collect()
    }

    pub async fn log_texts(&self, id: JobId) -> Vec<String> {
        self.log(id).await.into_iter().map(|line| line.text).collect()
    }
}

pub fn by(requested_by: Requester, kind: JobKind, repository: Option<RepositoryId>) -> JobRequest {
    JobRequest { kind, repository, arguments: JobArguments::default(), requested_by }
}

pub fn person() -> Requester {
    Requester::Person("api".to_owned())
}

pub fn clock() -> Requester {
    Requester::Clock("sync".to_owned())
}

/// Asks for a job, which has to be a new one.
pub async fn ask(queue: &Queue, request: JobRequest) -> JobId {
    let enqueued = queue.enqueue(request).await.unwrap();
    assert!(!enqueued.joined, "{enqueued:?}");
    enqueued.job.id
}

#[track_caller]
pub fn assert_unknown_repository(result: Result<impl std::fmt::Debug, JobsError>) {
    assert!(matches!(result, Err(JobsError::UnknownRepository)), "{result:?}");
}

/// A clock that stands still until it is set.
pub struct SetTime(watch::Sender<i64>);

impl SetTime {
    pub fn advance(&self, ms: i64) {
        self.0.send_modify(|now| *now += ms);
    }
}

impl Time for SetTime {
    fn now_ms(&self) -> i64 {
        *self.0.borrow()
    }

    fn until(&self, time_ms: i64) -> BoxFuture<'static, ()> {
        let mut now = self.0.subscribe();
        async move {
            now.wait_for(|now| *now >= time_ms).await.unwrap();
        }
        .boxed()
    }
}

/// What an attempt does.
#[derive(Clone)]
pub enum Step {
    Succeed,
    Fail {
        code: &'static str,
        is_transient: bool,
    },
    Park {
        until_ms: i64,
    },
    Panic,
    /// Waits until the gate lets it go on, then succeeds; ends when it is asked to.
    Wait,
    /// Goes on and on, whatever it is asked.
    Deaf,
    /// Tells so many lines and as many steps of progress.
    Tell(u64),
    /// Asks for other jobs.
    FollowUp(Vec<JobRequest>),
    /// The same, and then as [`Step::Wait`].
    FollowUpAndWait(Vec<JobRequest>),
}

/// What each attempt does.
type Plan = Box<dyn FnMut(&Job) -> Step + Send>;

/// Work that does what it is told.
pub struct Script {
    plan: Mutex<Plan>,
    /// Attempts that began, in their order.
    begun: Mutex<Vec<Job>>,
    pub gate: Semaphore,
    pub dropped: watch::Sender<usize>,
}

impl Default for Script {
    fn default() -> Self {
        let plan: Plan = Box::new(|_| Step::Succeed);
        Self {
            plan: Mutex::new(plan),
            begun: Mutex::default(),
            gate: Semaphore::new(0),
            dropped: watch::Sender::new(0),
        }
    }
}

impl Script {
    pub fn plan(&self, plan: impl FnMut(&Job) -> Step + Send + 'static) {
        *self.plan.lock().unwrap() = Box::new(plan);
    }

    /// The kinds of the attempts that began, in their order.
    pub fn begun(&self) -> Vec<Job> {
        self.begun.lock().unwrap().clone()
    }

    async fn wait(&self, task: &Task) -> Result<Ended, WorkError> {
        match task.unless_stopped(self.gate.acquire()).await {
            Some(permit) => {
                permit.unwrap().forget();
                Ok(Ended::Succeeded { run: None })
            }
            None => Ok(Ended::Stopped),
        }
    }

    /// Waits until so many attempts have begun.
    pub async fn have_begun(&self, count: usize) {
        while self.begun.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Counts futures that were dropped before their end.
struct Alive<'a>(&'a watch::Sender<usize>);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count += 1);
    }
}

impl Work for Script {
    fn run<'a>(&'a self, job: &'a Job, task: &'a Task) -> BoxFuture<'a, Result<Ended, WorkError>> {
        let step = (self.plan.lock().unwrap())(job);
        self.begun.lock().unwrap().push(job.clone());
        let succeeded = Ok(Ended::Succeeded { run: None });
        async move {
            match step {
                Step::Succeed => succeeded,
                Step::Fail { code, is_transient } => {
                    Err(WorkError { code: code.to_owned(), message: "as scripted".to_owned(), is_transient })
                }
                Step::Park { until_ms } => Ok(Ended::Parked { until_ms, reason: "no budget".to_owned() }),
                Step::Panic => panic!("as scripted"),
                Step::Wait => self.wait(task).await,
                Step::FollowUpAndWait(requests) => {
                    requests.into_iter().for_each(|request| task.follow_up(request));
                    self.wait(task).await
                }
                Step::Deaf => {
                    let _alive = Alive(&self.dropped);
                    std::future::pending().await
                }
                Step::Tell(count) => {
                    for number in 1..=count {
                        task.progress(number, count, "lines", "telling");
                        task.log(LogLevel::Info, format!("line {number}"));
                    }
                    succeeded
                }
                Step::FollowUp(requests) => {
                    requests.into_iter().for_each(|request| task.follow_up(request));
                    succeeded
                }
            }
        }
        .boxed()
    }
}
