//! Configuration: the only reader of files and environment.
//!
//! `config.default.toml` documents every key; a file and then `KUBESTATS_*` variables override it. Everything is checked
//! once, at the start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

const DEFAULTS: &str = include_str!("config.default.toml");

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("configuration: {0}")]
    Invalid(String),
    #[error("configuration file {} does not exist", .0.display())]
    NoFile(PathBuf),
    #[error("no data directory: set --data or KUBESTATS_DATA_DIR (the home directory is unknown)")]
    NoDataDirectory,
    #[error("data directory {}: {source}", .directory.display())]
    DataDirectory { directory: PathBuf, source: std::io::Error },
}

/// The configuration as it is in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute; exists.
    pub data_dir: PathBuf,
    pub log: String,
    pub listen: SocketAddr,
    /// Folder of the built playground; `None`: look beside the program.
    pub playground_dir: Option<PathBuf>,
    pub engine: EngineConfig,
    /// An external ClickHouse; `None`: the embedded engine.
    pub clickhouse: Option<ClickHouseConfig>,
    pub query_timeout: Duration,
    pub query_cache_bytes: u64,
    pub fetch_timeout: Duration,
    pub fetch_limit_bytes: u64,
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

#[derive(Clone)]
pub struct ClickHouseConfig {
    pub url: String,
    pub database: String,
    pub user: String,
    pub password: String,
    /// PEM file of the authorities to trust; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Duration,
    pub write_timeout: Duration,
}

impl std::fmt::Debug for ClickHouseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password stays out of logs.
        f.debug_struct("ClickHouseConfig").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The shape of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    data_dir: PathBuf,
    log: String,
    server: ServerKeys,
    playground: PlaygroundKeys,
    engine: EngineKeys,
    clickhouse: ClickHouseKeys,
    query: QueryKeys,
    git: GitKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerKeys {
    listen: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaygroundKeys {
    dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineKeys {
    library: PathBuf,
    memory_mb: u64,
    max_concurrent_queries: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClickHouseKeys {
    url: String,
    database: String,
    user: String,
    password: String,
    password_file: PathBuf,
    ca_file: PathBuf,
    connect_timeout_seconds: u64,
    write_timeout_seconds: u64,
}

impl ClickHouseKeys {
    /// The external server that the keys name, if they name one.
    fn external(self) -> Result<Option<ClickHouseConfig>, ConfigError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let password = match given(self.password_file) {
            None => self.password,
            Some(_) if !self.password.is_empty() => {
                let both = "clickhouse.password and clickhouse.password_file are both set";
                return Err(ConfigError::Invalid(both.to_owned()));
            }
            Some(file) => {
                let text = std::fs::read_to_string(&file);
                let failed = |error| format!("clickhouse.password_file: {}: {error}", file.display());
                // Editors end a file with a line break, secrets of containers mostly do not.
                text.map_err(|error| ConfigError::Invalid(failed(error)))?.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        if self.user.is_empty() && !password.is_empty() {
            return Err(ConfigError::Invalid("clickhouse.password is set without clickhouse.user".to_owned()));
        }
        Ok(Some(ClickHouseConfig {
            url: self.url,
            database: self.database,
            user: self.user,
            password,
            ca_file: given(self.ca_file),
            connect_timeout: Duration::from_secs(self.connect_timeout_seconds.max(1)),
            write_timeout: Duration::from_secs(self.write_timeout_seconds.max(1)),
        }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryKeys {
    timeout_seconds: u64,
    cache_mb: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GitKeys {
    fetch_timeout_seconds: u64,
    fetch_limit_mb: u64,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub config_file: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
}

impl Config {
    /// Reads defaults, file, environment and command line, and creates the data directory.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong type, a file that is not there, a data directory that cannot be made.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        let file = overrides.config_file.clone().or_else(|| std::env::var_os("KUBESTATS_CONFIG").map(PathBuf::from));
        if let Some(file) = file {
            if !file.exists() {
                return Err(ConfigError::NoFile(file));
            }
            figment = figment.merge(Toml::file(file));
        }
        let environment = Env::prefixed("KUBESTATS_").ignore(&["CONFIG", "ENGINE_CACHE"]).split("__");
        let keys: Keys =
            figment.merge(environment).extract().map_err(|error| ConfigError::Invalid(error.to_string()))?;
        Self::from_keys(keys, overrides)
    }

    fn from_keys(keys: Keys, overrides: &Overrides) -> Result<Self, ConfigError> {
        let data_dir = overrides.data_dir.clone().or_else(|| given(keys.data_dir)).map_or_else(default_data_dir, Ok)?;
        let clickhouse = keys.clickhouse.external()?;
        let memory = if keys.engine.memory_mb > 0 { keys.engine.memory_mb << 20 } else { machine_memory() / 4 };
        Ok(Self {
            data_dir: absolute(&data_dir)?,
            log: keys.log,
            listen: overrides.listen.unwrap_or(keys.server.listen),
            playground_dir: given(keys.playground.dir),
            engine: EngineConfig {
                // The installer takes the variable, too.
                library: given(keys.engine.library).or_else(|| folder("KUBESTATS_ENGINE_CACHE")),
                cache_home: cache_home(),
                memory_bytes: memory,
                max_concurrent_queries: keys.engine.max_concurrent_queries.max(1),
            },
            clickhouse,
            query_timeout: Duration::from_secs(keys.query.timeout_seconds.max(1)),
            query_cache_bytes: keys.query.cache_mb << 20,
            fetch_timeout: Duration::from_secs(keys.git.fetch_timeout_seconds),
            fetch_limit_bytes: keys.git.fetch_limit_mb << 20,
        })
    }

    /// ClickHouse's own files.
    pub fn engine_dir(&self) -> PathBuf {
        self.data_dir.join("engine")
    }

    /// Where a running engine is reached.
    pub fn engine_socket(&self) -> PathBuf {
        self.data_dir.join("run/engine.sock")
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

fn given(path: PathBuf) -> Option<PathBuf> {
    (!path.as_os_str().is_empty()).then_some(path)
}

fn default_data_dir() -> Result<PathBuf, ConfigError> {
    let base = folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("kubestats")).ok_or(ConfigError::NoDataDirectory)
}

fn cache_home() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Creates the directory; the engine insists on an absolute path.
fn absolute(directory: &Path) -> Result<PathBuf, ConfigError> {
    let failed = |source| ConfigError::DataDirectory { directory: directory.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(failed)?;
    directory.canonicalize().map_err(failed)
}

/// The machine's memory in bytes; 4 GiB where it cannot be told.
fn machine_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|number| number.trim().parse::<u64>().ok());
    kilobytes.map_or(4 << 30, |kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_valid() {
        let keys: Keys = Figment::from(Toml::string(DEFAULTS)).extract().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
        let config = Config::from_keys(keys, &overrides).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert!(config.clickhouse.is_none());
    }

    #[test]
    fn an_unknown_key_is_named() {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string("[server]\nport = 1"));
        let error = figment.extract::<Keys>().err().unwrap().to_string();
        assert!(error.contains("port"), "{error}");
    }
}
