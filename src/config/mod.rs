//! Configuration: the only reader of files and environment.
//!
//! `config.default.toml` lists and documents every key. A file overrides it, `KUBESTATS_*` variables override the file, and
//! flags override all of them ([`values`] holds the layers). Everything is checked once, at the start, and every mistake is
//! told, not only the first. A new key is a line in the default file and a `read` below.

mod clickhouse;
mod data_dir;
mod discovery;
mod environment;
mod file;
mod jobs;
mod kinds;
mod limits;
mod network;
mod problem;
mod scan;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use clickhouse::ClickHouseConfig;
pub use data_dir::DataDirError;
pub use discovery::{DiscoveryConfig, GitHubConfig, MetricsConfig, SyncConfig};
pub use jobs::{JobsConfig, ScheduleConfig};
pub use limits::LimitsConfig;
pub use network::NetworkConfig;
pub use problem::Problem;
pub use scan::{MOST_PARALLEL, ScanConfig};
pub use values::{Origin, Setting};

use environment::absolute_folder;
use values::Values;

/// The file that documents every key, with its default.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Longest time limits, in seconds: a day for a question, a week for a fetch.
const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;
/// Most memory or traffic that can be said, in MiB: 16 TiB.
const MOST_MB: u64 = 1 << 24;
/// Queries that an engine could sensibly run at the same time.
const MOST_QUERIES: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// At least one, each a line of its own.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
    #[error(transparent)]
    DataDirectory(#[from] DataDirError),
}

/// The configuration as it is in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute; exists after [`Config::open_data_dir`].
    pub data_dir: PathBuf,
    /// Whether somebody chose the data directory: then only its last folder is created.
    data_dir_is_chosen: bool,
    pub log: String,
    pub listen: SocketAddr,
    /// Folder of the built playground; `None`: look beside the program.
    pub playground_dir: Option<PathBuf>,
    pub engine: EngineConfig,
    /// An external ClickHouse; `None`: the embedded engine.
    pub clickhouse: Option<ClickHouseConfig>,
    pub query_timeout: Duration,
    pub query_cache_bytes: u64,
    /// Folder of the documents that alone are run; `None`: any is.
    pub trusted_documents: Option<PathBuf>,
    pub limits: LimitsConfig,
    pub fetch_timeout: Duration,
    pub fetch_limit_bytes: u64,
    pub scan: ScanConfig,
    pub discovery: DiscoveryConfig,
    pub github: GitHubConfig,
    pub network: NetworkConfig,
    pub sync: SyncConfig,
    pub metrics: MetricsConfig,
    pub jobs: JobsConfig,
    pub schedules: ScheduleConfig,
}

#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The library's file, or the folder that the installer was told to fill; `None`: in the cache folder.
    pub library: Option<PathBuf>,
    /// The user's cache folder, if one is known.
    pub cache_home: Option<PathBuf>,
    pub memory_bytes: u64,
    pub max_concurrent_queries: usize,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub config_file: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
}

/// Every key with the value in force and where it was set, and what is wrong with them.
pub struct Report {
    /// In the order of the default file.
    pub settings: Vec<Setting>,
    pub problems: Vec<Problem>,
}

impl Config {
    /// Reads defaults, file, environment and command line. Nothing is created.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with all mistakes: unknown keys, values of a wrong type or out of range, a file that cannot
    /// be read.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let (config, report) = Self::read(overrides);
        if report.problems.is_empty() { Ok(config) } else { Err(ConfigError::Invalid(report.problems)) }
    }

    /// The same, for people to look at.
    pub fn report(overrides: &Overrides) -> Report {
        Self::read(overrides).1
    }

    fn read(overrides: &Overrides) -> (Self, Report) {
        Self::from_values(Values::layered(overrides), overrides)
    }

    /// A value that is wrong is reported, and its default stands in for it.
    fn from_values(mut values: Values, overrides: &Overrides) -> (Self, Report) {
        let (data_dir, data_dir_is_chosen) = read_data_dir(&mut values, overrides);
        let config = Self {
            data_dir,
            data_dir_is_chosen,
            log: values.read("log", kinds::log_filter),
            listen: values.read("server.listen", kinds::address),
            playground_dir: values.read("playground.dir", kinds::path),
            engine: EngineConfig::read(&mut values),
            clickhouse: ClickHouseConfig::read(&mut values),
            query_timeout: Duration::from_secs(values.read("query.timeout_seconds", kinds::number(1..=DAY))),
            query_cache_bytes: values.read("query.cache_mb", kinds::number(0..=MOST_MB)) << 20,
            trusted_documents: values.read("query.trusted_documents", kinds::path),
            limits: LimitsConfig::read(&mut values),
            fetch_timeout: Duration::from_secs(values.read("git.fetch_timeout_seconds", kinds::number(1..=WEEK))),
            fetch_limit_bytes: values.read("git.fetch_limit_mb", kinds::number(1..=MOST_MB)) << 20,
            scan: ScanConfig::read(&mut values),
            discovery: DiscoveryConfig::read(&mut values),
            github: GitHubConfig::read(&mut values),
            network: NetworkConfig::read(&mut values),
            sync: SyncConfig::read(&mut values),
            metrics: MetricsConfig::read(&mut values),
            jobs: JobsConfig::read(&mut values),
            schedules: ScheduleConfig::read(&mut values),
        };
        if config.playground_dir.is_none() {
            values.explain("playground.dir", "beside the program");
        }
        (config, values.into_report())
    }

    /// Creates the data directory where it is missing, and makes its path the canonical one, as the engine wants it.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open_data_dir(&mut self) -> Result<(), ConfigError> {
        self.data_dir = data_dir::open(&self.data_dir, self.data_dir_is_chosen)?;
        Ok(())
    }

    /// ClickHouse's own files.
    pub fn engine_dir(&self) -> PathBuf {
        self.data_dir.join("engine")
    }

    /// What belongs to running processes: sockets, locks.
    pub fn run_dir(&self) -> PathBuf {
        self.data_dir.join("run")
    }

    /// Where a running engine is reached.
    pub fn engine_socket(&self) -> PathBuf {
        self.run_dir().join("engine.sock")
    }

    /// Bare clones, one a repository.
    pub fn mirrors_dir(&self) -> PathBuf {
        self.data_dir.join("mirrors")
    }

    /// The key that secrets are digested with.
    pub fn redaction_key_file(&self) -> PathBuf {
        self.data_dir.join("redaction.key")
    }
}

impl EngineConfig {
    fn read(values: &mut Values) -> Self {
        let mut library = values.read("engine.library", kinds::path);
        if library.is_none() {
            // The installer takes the variable, too.
            library = absolute_folder(environment::ENGINE_CACHE);
            match &library {
                Some(folder) => values.replace("engine.library", folder, environment::ENGINE_CACHE),
                None => values.explain("engine.library", "in the user's cache folder"),
            }
        }
        let memory_mb = match values.read("engine.memory_mb", kinds::number(0..=MOST_MB)) {
            0 => {
                let quarter = (environment::available_memory() / 4) >> 20;
                values.show("engine.memory_mb", &quarter.to_string());
                values.explain("engine.memory_mb", "a quarter of the machine's");
                quarter
            }
            given => given,
        };
        let queries = values.read("engine.max_concurrent_queries", kinds::number(1..=MOST_QUERIES));
        Self {
            library,
            cache_home: environment::cache_home(),
            memory_bytes: memory_mb << 20,
            max_concurrent_queries: usize::try_from(queries).unwrap_or(usize::MAX),
        }
    }
}

/// The data directory as an absolute path, and whether somebody chose it.
fn read_data_dir(values: &mut Values, overrides: &Overrides) -> (PathBuf, bool) {
    let set = values.read("data_dir", kinds::path);
    // As it was typed: a value of the layers is text, and a path need not be.
    let chosen = overrides.data_dir.clone().or(set);
    let is_chosen = chosen.is_some();
    let Some(directory) = chosen.or_else(environment::default_data_dir) else {
        values.report(Problem::NoDataDirectory);
        return (PathBuf::new(), is_chosen);
    };
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    values.show("data_dir", &directory.display().to_string());
    (directory, is_chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_valid() {
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
        let (config, report) = Config::from_values(Values::defaults(), &overrides);
        assert!(report.problems.is_empty());
        assert!(config.listen.ip().is_loopback());
        assert!(config.clickhouse.is_none());
        assert!(config.engine.memory_bytes > 0);
    }
}
