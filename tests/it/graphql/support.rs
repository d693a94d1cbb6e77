//! One engine with five scanned repositories for all tests of the suite, and how to ask it; beside it the same in an
//! external ClickHouse, which has to give the same answers.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::{Request, Variables};
use kubestats::git::{FetchOptions, Remote};
use kubestats::graphql::{Limits, Schema, execute, schema};
use kubestats::manifest::redact::Redactor;
use kubestats::pipeline::{DiscoverySettings, Disk, Pipeline, RetentionSettings, Silent, SyncSettings, Visits};
use kubestats::scan::Budget;
use kubestats::store::engine::{self, EngineCommand, Supervisor};
use kubestats::store::{ExternalOptions, Reader, ReaderOptions, Store, Writer, migrate};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::seeds::plant;
use crate::support::external::{PASSWORD, TestClickHouse, USER, folder_of_this_run};
use crate::support::repos::fixture;

/// The fixtures, each under the URL it pretends to come from: ids then are the same in every run.
pub const REPOSITORIES: [(&str, &str); 5] = [
    ("graphql-cluster", "https://git.example/ada/cluster"),
    ("graphql-apps", "https://git.example/bob/apps"),
    ("strange-paths", "https://git.example/carl/strange-paths"),
    ("graphql-home", "https://git.example/dora/home"),
    ("graphql-rig", "https://git.example/erin/rig"),
];

/// Far more than a start takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running engine with the repositories in it. Its process ends with this one, by the pipe between them.
pub struct World {
    runtime: Runtime,
    pub store: Store,
    pub reader: Reader,
    /// The same repositories, scanned into an external ClickHouse; those of the corpus are not.
    external: Option<Reader>,
    pub schema: Schema,
    socket: PathBuf,
}

/// The world of this process; the first caller builds it.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::build)
}

impl World {
    fn build() -> Self {
        let repositories = REPOSITORIES.map(|(name, url)| {
            let repository = fixture(name);
            repository.git(&["remote", "add", "origin", url]);
            repository
        });
        let remotes = repositories.each_ref().map(|repository| Remote::Path(repository.path()));
        let mut world = Self::of("graphql", &remotes);
        let external = world.runtime.block_on(async {
            let store = open_external().await;
            let mirrors = folder_of_this_run("graphql-external").join("mirrors");
            let reader = scan_all(&store, mirrors, &remotes).await;
            plant(&store, &reader).await;
            reader
        });
        world.external = Some(external);
        world.runtime.block_on(plant(&world.store, &world.reader));
        world
    }

    /// Repositories of the corpus, as their bundles hold them.
    pub fn of_bundles(name: &str, bundles: Vec<PathBuf>) -> Self {
        Self::of(name, &bundles.into_iter().map(Remote::Bundle).collect::<Vec<_>>())
    }

    fn of(name: &str, remotes: &[Remote]) -> Self {
        let runtime = Runtime::new().unwrap();
        let data = folder_of_this_run(name);
        let store = runtime.block_on(start_engine(&data));
        let reader = runtime.block_on(scan_all(&store, data.join("mirrors"), remotes));
        Self { runtime, schema: schema(None, Limits::default()), store, reader, external: None, socket: socket(&data) }
    }

    /// A reader whose every question fails: it asks a database that is not there.
    pub fn failing_reader(&self) -> Reader {
        self.reader_of("nowhere", ReaderOptions::default())
    }

    /// A reader of another database of the engine.
    pub fn reader_of(&self, database: &str, options: ReaderOptions) -> Reader {
        Reader::new(Store::elsewhere(self.client().with_database(database)), options)
    }

    /// A client of the engine, to ask it directly.
    pub fn client(&self) -> clickhouse::Client {
        engine::client(&self.socket)
    }

    /// One text a row, by SQL of the test's own.
    #[track_caller]
    pub fn texts(&self, sql: &str) -> Vec<String> {
        self.block_on(engine::client(&self.socket).query_raw(sql).fetch_all()).unwrap()
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    #[track_caller]
    fn respond(&self, document: &str, variables: Value) -> Value {
        let response = self.respond_through(&self.reader, document, variables.clone());
        let Some(external) = &self.external else { return response };
        let mut expected = response.clone();
        let mut external = self.respond_through(external, document, variables);
        for response in [&mut expected, &mut external] {
            blank_fields_of_the_scan(response);
        }
        assert_eq!(external, expected, "the two hostings answer differently: {document}");
        response
    }

    fn respond_through(&self, reader: &Reader, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let response = self.block_on(execute(&self.schema, reader, request));
        serde_json::to_value(&response).unwrap()
    }

    /// The data of an answer that has no errors.
    #[track_caller]
    pub fn ask_with(&self, document: &str, variables: Value) -> Value {
        let mut response = self.respond(document, variables);
        assert!(response.get("errors").is_none(), "{document}: {response:#}");
        response["data"].take()
    }
}

async fn scan_all(store: &Store, mirrors: PathBuf, remotes: &[Remote]) -> Reader {
    let reader = Reader::new(store.clone(), ReaderOptions::default());
    let pipeline = Pipeline {
        reader: reader.clone(),
        writer: Writer::new(store.clone()),
        redactor: Arc::new(Redactor::new(b"the same key in every run, 32 B.")),
        mirrors,
        fetching: FetchOptions::default(),
        program: "a test".to_owned(),
        budget: Budget::new(256 << 20),
        forges: Arc::new([]),
        credentials: Vec::new(),
        discovery: DiscoverySettings::default(),
        sync: SyncSettings::default(),
        retention: RetentionSettings::default(),
        visits: Visits::default(),
        disk: Disk::default(),
    };
    for remote in remotes {
        let scanned = pipeline.scan(remote, Arc::new(Silent)).await;
        scanned.unwrap_or_else(|error| panic!("{remote:?}: {error}"));
    }
    reader
}

async fn open_external() -> Store {
    let options = ExternalOptions {
        url: TestClickHouse::shared().url.parse().unwrap(),
        database: "graphql".to_owned(),
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        ca_file: None,
        connect_timeout: PATIENCE,
        write_timeout: PATIENCE,
    };
    let store = Store::external(&options).await.unwrap();
    migrate(&store).await.unwrap();
    store
}

async fn start_engine(data: &Path) -> Store {
    let command = EngineCommand {
        program: env!("CARGO_BIN_EXE_kubestats").into(),
        arguments: vec!["engine".into(), "--data".into(), data.into()],
        directory: data.join("engine"),
        socket: socket(data),
        startup_timeout: PATIENCE,
    };
    let supervisor = Supervisor::start(command).await.expect("the engine starts (`make setup` installs its library)");
    let store = Store::embedded(supervisor);
    migrate(&store).await.unwrap();
    store
}

fn socket(data: &Path) -> PathBuf {
    data.join("run/engine.sock")
}

/// The whole response to a document, as clients get it. An external ClickHouse gives the same one.
#[track_caller]
pub fn respond(document: &str, variables: Value) -> Value {
    world().respond(document, variables)
}

/// Blanks what differs from scan to scan of the same history.
fn blank_fields_of_the_scan(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // So do the totals of now.
            if fields.contains_key("activeRepositoryCount") {
                fields.retain(|name, _| !["from", "to"].contains(&name.as_str()));
            }
            for (name, value) in fields {
                match name.as_str() {
                    "runId" | "recordedAt" | "discoveredAt" | "lastScanAt" => *value = Value::Null,
                    // A test changes it.
                    "worker" => *value = Value::Null,
                    // Up to the moment of asking.
                    "medianLag" | "longestLag" | "idle" => *value = Value::Null,
                    // Of nothing it is the moment of asking.
                    "range" if value["from"] == value["to"] => *value = Value::Null,
                    _ => blank_fields_of_the_scan(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(blank_fields_of_the_scan),
        _ => {}
    }
}

/// The same through a reader with a cache and a count of its own.
pub fn respond_through(reader: &Reader, document: &str, variables: Value) -> Value {
    world().respond_through(reader, document, variables)
}

/// The data of an answer that has no errors.
#[track_caller]
pub fn ask(document: &str) -> Value {
    ask_with(document, json!({}))
}

/// The data of an answer that has no errors.
#[track_caller]
pub fn ask_with(document: &str, variables: Value) -> Value {
    world().ask_with(document, variables)
}

/// An event, with all that filters and groups look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub time: chrono::DateTime<chrono::Utc>,
    pub api_version: String,
    pub group: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub path: String,
    pub moved: bool,
    pub commit: Commit,
    pub resource: Reference,
    pub repository: Reference,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    pub id: String,
    pub actor: Actor,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    pub is_bot: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub id: String,
    #[serde(default)]
    pub full_name: String,
}

/// Every event, newest first.
pub fn all_events() -> &'static [Event] {
    static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let fields = "id type time apiVersion group kind namespace name path moved \
             commit { id actor { isBot } } resource { id } repository { id fullName }";
        let mut data = ask(&format!("{{ events(first: 500) {{ totalCount nodes {{ {fields} }} }} }}"));
        let total = data["events"]["totalCount"].as_u64().unwrap();
        let events: Vec<Event> = serde_json::from_value(data["events"]["nodes"].take()).unwrap();
        assert_eq!(events.len() as u64, total, "one page holds every event");
        events
    })
}
