//! Composition root: from a configuration to running services.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::config::{ClickHouseConfig, Config, NetworkConfig};
use crate::forge::{AnyForge, Forge, ForgeError, GitHubOptions, Proxy};
use crate::git::{Credentials, FetchOptions};
use crate::graphql::{Limit, Limits};
use crate::manifest::redact::Redactor;
use crate::pipeline::{DiscoverySettings, Disk, HostCredentials, Pipeline, RetentionSettings, SyncSettings, Visits};
use crate::scan::Budget;
use crate::store::engine::{self, EngineCommand, EngineError, Supervisor};
use crate::store::{self, ExternalOptions, ReadLimits, Reader, ReaderOptions, Store, StoreError, Writer};

/// The subcommand of a server, whose engine others may use.
const SERVE: &str = "serve";
/// Held in the folder of what runs by whoever changes repositories.
const TURNS: &str = "repositories.lock";
/// How the holder of a data directory calls itself when others may use its engine.
const SERVER: &str = "kubestats serve";
const USER_AGENT: &str = concat!("kubestats/", env!("CARGO_PKG_VERSION"));
const ENGINE_START: Duration = Duration::from_secs(60);
/// Time the engine of a running server gets to answer.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);
const SERVER_PAUSE: Duration = Duration::from_millis(20);
const KEY_BYTES: usize = 32;
const FINGERPRINT_BYTES: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{} is no redaction key ({KEY_BYTES} bytes); restore it from a backup", .0.display())]
    BadKey(PathBuf),
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error("no random bytes for a new redaction key: {0}")]
    NoRandomness(getrandom::Error),
}

/// The services of one process.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub reader: Reader,
    pub writer: Writer,
    /// `kubestats` and the subcommand.
    pub program: String,
    /// What was migrated at the start.
    pub migrated: Vec<&'static str>,
}

impl App {
    /// Connects to ClickHouse (an external one, a running server's engine, or a new engine of our own) and brings its
    /// schema up to date. `command` is the subcommand, for the message that a second process gets.
    ///
    /// # Errors
    /// When the engine cannot be started, somebody else holds the data directory, or the schema does not fit.
    pub async fn open(config: Config, command: &str) -> Result<Self, AppError> {
        let store = connect(&config, command).await?;
        match store::migrate(&store).await {
            Ok(migrated) => {
                let options = ReaderOptions { timeout: config.query_timeout, cache_bytes: config.query_cache_bytes };
                let reader = Reader::new(store.clone(), options);
                let writer = Writer::new(store.clone()).taking_turns(&config.run_dir().join(TURNS));
                let program = format!("kubestats {command}");
                Ok(Self { config, store, reader, writer, program, migrated })
            }
            Err(error) => {
                store.close().await;
                Err(error.into())
            }
        }
    }

    /// What scans need, with the memory that the configuration gives them: all scans of a process take it from one pipeline.
    ///
    /// # Errors
    /// When the redaction key can neither be read nor made, or the database was filled with another one: several machines
    /// may fill an external database, and the same secret must have the same digest in all of it.
    pub async fn pipeline(&self) -> Result<Pipeline, AppError> {
        let file = self.config.redaction_key_file();
        let key = redaction_key(&file)?;
        self.writer.claim_redaction_key(&fingerprint(&key), &file).await?;
        let forges = forges(&self.config)?;
        Ok(Pipeline {
            reader: self.reader.clone(),
            writer: self.writer.clone(),
            redactor: Arc::new(Redactor::new(&key)),
            mirrors: self.config.mirrors_dir(),
            fetching: FetchOptions {
                time: self.config.fetch_timeout,
                bytes: self.config.fetch_limit_bytes,
                ca_file: self.config.network.ca_file.clone(),
            },
            program: self.program.clone(),
            budget: Budget::new(self.config.scan.memory_bytes),
            credentials: credentials(&self.config, &forges),
            forges,
            discovery: discovery_settings(&self.config),
            sync: SyncSettings {
                shortest: self.config.sync.shortest,
                longest: self.config.sync.longest,
                per_hour: self.config.sync.per_hour,
            },
            retention: RetentionSettings {
                jobs: self.config.jobs.keep,
                all_snapshots: self.config.metrics.all,
                daily_snapshots: self.config.metrics.daily,
                mirrors_bytes: self.config.sync.mirrors_bytes,
                ..RetentionSettings::default()
            },
            visits: Visits::default(),
            disk: Disk::default(),
        })
    }

    /// What one request of the API may ask for.
    pub fn limits(&self) -> Limits {
        let limits = &self.config.limits;
        Limits::default()
            .with(Limit::DocumentBytes, limits.document_bytes)
            .with(Limit::Tokens, limits.tokens)
            .with(Limit::Fragments, limits.fragments)
            .with(Limit::Fields, limits.fields)
            .with(Limit::Aliases, limits.aliases)
            .with(Limit::Directives, limits.directives)
            .with(Limit::Depth, limits.depth)
            .with(Limit::PageSize, limits.page_size)
            .with(Limit::Complexity, limits.complexity)
            .with(Limit::Buckets, limits.buckets)
            .with(Limit::TrendRows, limits.trend_rows)
            .with(Limit::RowsRead, limits.rows_read)
            .with(Limit::BytesRead, limits.bytes_read)
            .with(Limit::Seconds, self.config.query_timeout.as_secs())
            .with(Limit::ConcurrentRequests, limits.concurrent_requests)
    }

    /// What answers requests of the API: it reads no more at once than the limits say.
    pub fn api_reader(&self) -> Reader {
        let limits = &self.config.limits;
        self.reader.clone().within(ReadLimits { rows: limits.rows_read, bytes: limits.bytes_read })
    }

    /// Ends what this process started.
    pub async fn close(self) {
        self.store.close().await;
    }
}

async fn connect(config: &Config, command: &str) -> Result<Store, AppError> {
    if let Some(external) = &config.clickhouse {
        return Ok(Store::external(&external_options(external)).await?);
    }
    // A second server would lose its engine together with the first: it gets the error that names the holder.
    let may_share = command != SERVE;
    if may_share && let Some(store) = engine_of_server(config).await {
        return Ok(store);
    }
    // Names what is missing before a child process does.
    let library = engine::find_library(config.engine.library.as_deref(), config.engine.cache_home.as_deref())?;
    match Supervisor::start(engine_command(config, command, &library)?).await {
        Ok(supervisor) => Ok(Store::embedded(supervisor)),
        // A server's engine was between two lives before, and came back first.
        Err(error @ EngineError::Held { .. }) if may_share => engine_of_server(config).await.ok_or(error.into()),
        Err(error) => Err(error.into()),
    }
}

/// The engine of a server that runs on the data directory; waits for one that is starting or starting again. `None` when
/// there is no server, or one that is going down.
async fn engine_of_server(config: &Config) -> Option<Store> {
    let held_by_server =
        || engine::holder(&config.engine_dir()).is_some_and(|holder| holder.description.starts_with(SERVER));
    let store = Store::elsewhere(engine::client(&config.engine_socket()));
    let deadline = Instant::now() + SERVER_PATIENCE;
    while held_by_server() && Instant::now() < deadline {
        if store.ping().await.is_ok() {
            return Some(store);
        }
        tokio::time::sleep(SERVER_PAUSE).await;
    }
    None
}

fn external_options(config: &ClickHouseConfig) -> ExternalOptions {
    ExternalOptions {
        url: config.url.clone(),
        database: config.database.clone(),
        user: config.user.clone(),
        password: config.password.clone(),
        ca_file: config.ca_file.clone(),
        connect_timeout: config.connect_timeout,
        write_timeout: config.write_timeout,
    }
}

fn engine_command(config: &Config, command: &str, library: &Path) -> Result<EngineCommand, AppError> {
    let program = std::env::current_exe().map_err(|source| AppError::File { path: "this program".into(), source })?;
    let holder = format!("kubestats {command} (pid {})", std::process::id());
    let arguments: Vec<OsString> = vec![
        "engine".into(),
        "--data".into(),
        config.data_dir.clone().into(),
        "--library".into(),
        library.into(),
        "--holder".into(),
        holder.into(),
    ];
    Ok(EngineCommand {
        program,
        arguments,
        directory: config.engine_dir(),
        socket: config.engine_socket(),
        startup_timeout: ENGINE_START,
    })
}

/// Where repositories are found.
fn forges(config: &Config) -> Result<Arc<[AnyForge]>, ForgeError> {
    let github = GitHubOptions::new(config.github.url.clone(), config.github.token.clone(), USER_AGENT);
    let NetworkConfig { proxy, no_proxy, .. } = &config.network;
    let proxy = proxy.as_ref().map(|url| Proxy { url: url.clone(), exceptions: no_proxy.clone() });
    Ok(Arc::new([AnyForge::github(GitHubOptions { proxy, ..github })?, AnyForge::local()]))
}

/// The token of GitHub opens the repositories of its own host to git.
fn credentials(config: &Config, forges: &[AnyForge]) -> Vec<HostCredentials> {
    let Some(token) = &config.github.token else { return Vec::new() };
    let github = forges.iter().filter(|forge| matches!(forge, AnyForge::GitHub(_)));
    github
        .map(|forge| HostCredentials { host: forge.host().to_owned(), credentials: Credentials::token(token) })
        .collect()
}

fn discovery_settings(config: &Config) -> DiscoverySettings {
    let discovery = &config.discovery;
    DiscoverySettings {
        queries: discovery.queries.clone(),
        repositories: discovery.repositories.clone(),
        local: discovery.local.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        first_run_limit: discovery.first_run_limit,
        forks: discovery.forks,
        archived: discovery.archived,
        approval_size_kb: discovery.approval_size_kb,
    }
}

/// Tells keys apart, and nothing about them.
fn fingerprint(key: &[u8]) -> String {
    let hash = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let digest = hash.chain_update("fingerprint of a redaction key").finalize().into_bytes();
    digest[..FINGERPRINT_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the key that secrets are digested with; the first use makes it.
fn redaction_key(path: &Path) -> Result<Vec<u8>, AppError> {
    let failed = |source| AppError::File { path: path.to_owned(), source };
    if !path.exists() {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(AppError::NoRandomness)?;
        // Written aside and linked into place: another process sees no key or a whole one, and the first one wins.
        let draft = path.with_extension(format!("key.{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(failed)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(failed)?;
        if let Err(error) = linked
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(failed(error));
        }
    }
    let key = fs::read(path).map_err(failed)?;
    if key.len() == KEY_BYTES { Ok(key) } else { Err(AppError::BadKey(path.to_owned())) }
}
