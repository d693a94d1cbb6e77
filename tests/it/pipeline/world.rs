//! A database, a folder of mirrors, a forge, and jobs that are run one by one.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clickhouse::Client;
use kubestats::git::FetchOptions;
use kubestats::manifest::redact::Redactor;
use kubestats::model::{
    Job, JobArguments, JobId, JobKind, JobProgress, JobRequest, JobState, LogLevel, Repository, RepositoryId, Requester,
};
use kubestats::pipeline::{
    DiscoverySettings, Disk, Ended, Listener, Pipeline, PipelineError, RetentionSettings, StopSignal, SyncSettings,
    Task, Visits,
};
use kubestats::scan::Budget;
use kubestats::store::query::{Filter, Repositories, RepositoryChanges, RepositoryRecord};
use kubestats::store::{ExternalOptions, Reader, ReaderOptions, Store, Writer, migrate};

use super::forge::Script;
use crate::support::external::{Database, PASSWORD, TestClickHouse, USER};
use crate::support::process::PATIENCE;

pub struct World {
    pub pipeline: Pipeline,
    pub forge: Script,
    store: Store,
    database: Database,
    folder: tempfile::TempDir,
}

/// What a run told.
#[derive(Default)]
pub struct Told {
    requests: Mutex<VecDeque<JobRequest>>,
    log: Mutex<Vec<(LogLevel, String)>>,
}

impl Listener for Told {
    fn progress(&self, _: JobProgress) {}

    fn log(&self, level: LogLevel, text: String) {
        self.log.lock().unwrap().push((level, text));
    }

    fn follow_up(&self, request: JobRequest) {
        self.requests.lock().unwrap().push_back(request);
    }
}

/// How a run ended.
pub struct Ran {
    pub ended: Result<Ended, PipelineError>,
    pub requests: Vec<JobRequest>,
    pub warnings: Vec<String>,
}

/// A job as somebody at the command line asks for it.
pub fn job(kind: JobKind, repository: Option<RepositoryId>) -> Job {
    request(JobRequest {
        kind,
        repository,
        arguments: JobArguments::default(),
        requested_by: Requester::Person("cli".to_owned()),
    })
}

pub fn request(request: JobRequest) -> Job {
    let JobRequest { kind, repository, arguments, requested_by } = request;
    Job {
        id: JobId::now(),
        kind,
        repository,
        arguments,
        requested_by,
        priority: 3,
        state: JobState::Running,
        attempts: 1,
        progress: JobProgress::default(),
        error: None,
        created_at_ms: chrono::Utc::now().timestamp_millis(),
        started_at_ms: None,
        ended_at_ms: None,
        not_before_ms: None,
        run: None,
        worker: None,
        is_cancelled: false,
    }
}

impl World {
    pub async fn new() -> Self {
        let database = tokio::task::block_in_place(|| TestClickHouse::shared().database());
        let options = ExternalOptions {
            url: database.url.parse().unwrap(),
            database: database.name.clone(),
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            ca_file: None,
            connect_timeout: PATIENCE,
            write_timeout: PATIENCE,
        };
        let store = Store::external(&options).await.unwrap();
        migrate(&store).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pipeline = Pipeline {
            reader: Reader::new(store.clone(), ReaderOptions::default()),
            writer: Writer::new(store.clone()).taking_turns(&folder.path().join("run/turns")),
            redactor: Arc::new(Redactor::new(b"a key")),
            mirrors: folder.path().join("mirrors"),
            fetching: FetchOptions::default(),
            program: "a test".to_owned(),
            budget: Budget::new(64 << 20),
            forges: Arc::new([]),
            credentials: Vec::new(),
            discovery: DiscoverySettings {
                queries: vec!["topic:flux".to_owned()],
                approval_size_kb: 1_000,
                ..DiscoverySettings::default()
            },
            sync: SyncSettings::default(),
            retention: RetentionSettings::default(),
            visits: Visits::default(),
            disk: Disk::default(),
        };
        Self { pipeline, forge: Script::default(), store, database, folder }
    }

    /// Another process that works on the same.
    pub fn another(&self) -> Pipeline {
        Pipeline {
            reader: Reader::new(self.store.clone(), ReaderOptions::default()),
            writer: Writer::new(self.store.clone()).taking_turns(&self.folder.path().join("run/turns")),
            ..self.pipeline.clone()
        }
    }

    /// What a new version of the program does at its start.
    pub async fn migrate(&self) -> Vec<&'static str> {
        migrate(&self.store).await.unwrap()
    }

    /// Has the clock visit all.
    pub async fn make_due(&self) {
        let due = "INSERT INTO repositories SELECT * REPLACE (NULL AS next_sync_at, updated_at + 1 AS updated_at) FROM repositories FINAL";
        self.execute(due).await;
    }

    /// Runs one job.
    pub async fn run(&self, job: &Job) -> Ran {
        let told = Arc::<Told>::default();
        let task = Task::new(job.id, told.clone(), Arc::default());
        let ended = self.run_as(job, &task).await;
        let requests = std::mem::take(&mut *told.requests.lock().unwrap()).into();
        let log = std::mem::take(&mut *told.log.lock().unwrap());
        let warnings = log.into_iter().filter(|(level, _)| *level != LogLevel::Info).map(|(_, text)| text).collect();
        Ran { ended, requests, warnings }
    }

    async fn run_as(&self, job: &Job, task: &Task) -> Result<Ended, PipelineError> {
        // As the queue does it: on a thread of its own.
        let (pipeline, forge, job, task) = (self.pipeline.clone(), self.forge.clone(), job.clone(), task.clone());
        tokio::spawn(async move { pipeline.run_on(&[forge], &job, &task).await }).await.unwrap()
    }

    /// Runs a job that can be asked to end.
    pub fn begin(&self, job: &Job, stop: Arc<StopSignal>) -> tokio::task::JoinHandle<Result<Ended, PipelineError>> {
        let task = Task::new(job.id, Arc::<Told>::default(), stop);
        let (pipeline, forge, job) = (self.pipeline.clone(), self.forge.clone(), job.clone());
        tokio::spawn(async move { pipeline.run_on(&[forge], &job, &task).await })
    }

    /// Runs a job and everything that follows from it, all of which has to succeed; answers the kinds in their order.
    pub async fn run_all(&self, first: Job) -> Vec<JobKind> {
        let (mut kinds, mut jobs) = (Vec::new(), VecDeque::from([first]));
        while let Some(job) = jobs.pop_front() {
            let ran = self.run(&job).await;
            assert!(matches!(ran.ended, Ok(Ended::Succeeded { .. })), "{job:?}: {:?}", ran.ended);
            kinds.push(job.kind);
            jobs.extend(ran.requests.into_iter().map(request));
        }
        kinds
    }

    pub async fn discover(&self) -> Vec<JobKind> {
        self.run_all(job(JobKind::Discover, None)).await
    }

    /// Asks for the topic by its name, whether it is due or not.
    pub async fn search(&self) -> Vec<JobKind> {
        let mut search = job(JobKind::Discover, None);
        search.arguments.queries = vec!["topic:flux".to_owned()];
        self.run_all(search).await
    }

    pub async fn sync(&self, id: RepositoryId) -> Vec<JobKind> {
        self.run_all(job(JobKind::Sync, Some(id))).await
    }

    pub async fn records(&self) -> Vec<RepositoryRecord> {
        let all = Repositories { filter: Filter::default(), page: None };
        self.pipeline.reader.snapshot().await.unwrap().fetch(&all).await.unwrap().to_vec()
    }

    /// The only repository.
    pub async fn only(&self) -> RepositoryRecord {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1, "{:?}", records.iter().map(|record| &record.full_name).collect::<Vec<_>>());
        records.remove(0)
    }

    pub async fn named(&self, full_name: &str) -> Repository {
        let records = self.records().await;
        let found = records.iter().find(|record| record.full_name == full_name);
        found.unwrap_or_else(|| panic!("there is no {full_name}")).to_model()
    }

    /// `FIELD: before -> after`, the newest first.
    pub async fn changes(&self, id: RepositoryId) -> Vec<String> {
        let question = RepositoryChanges { repositories: vec![id.0] };
        let changes = self.pipeline.reader.snapshot().await.unwrap().fetch(&question).await.unwrap();
        let field = |code| ["", "name", "branch", "archived", "fork", "status"][usize::try_from(code).unwrap()];
        let line = |change: &kubestats::store::query::RepositoryChangeRecord| {
            format!("{}: {} -> {}", field(change.field), change.before, change.after)
        };
        changes.iter().map(line).collect()
    }

    pub fn client(&self) -> Client {
        self.database.client()
    }

    /// The rows of a query, one column of text.
    pub async fn sql(&self, sql: &str) -> Vec<String> {
        self.client().query_raw(sql).fetch_all::<String>().await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn execute(&self, sql: &str) {
        self.client().query_raw(sql).execute().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Rows that hold a text, by table.
    pub async fn rows_with(&self, text: &str) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        for table in self.sql("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name").await {
            let sql = format!("SELECT count() FROM {table} WHERE position(toString(tuple(*)), '{text}') > 0");
            let rows = self.client().query_raw(&sql).fetch_one::<u64>().await.unwrap();
            if rows > 0 {
                found.push((table, rows));
            }
        }
        found
    }

    pub fn mirror(&self, id: RepositoryId) -> PathBuf {
        self.pipeline.mirrors.join(format!("{id}.git"))
    }

    /// The names in the folder of the mirrors.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("mirrors")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub fn id_of(record: &RepositoryRecord) -> RepositoryId {
    RepositoryId(record.id)
}
