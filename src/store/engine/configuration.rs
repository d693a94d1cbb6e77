//! The configuration the library is started with: small, and closed to the outside.
//!
//! Without an explicit file the library would read `./config.xml` of the working directory, and `file()` and
//! `url()` would reach anything the process can. What a query may do is decided by the grants below: everything on
//! tables, nothing that reads or writes outside the data directory. [`super::confinement`] closes the rest.

use super::{EngineError, EngineOptions};
use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

// The marks of all active parts fit; the default of 5 GB is for servers.
const MARK_CACHE_BYTES: u64 = 64 << 20;
// Half of the engine's memory for one query leaves room for merges and for a second query.
const QUERY_SHARE: u64 = 2;

/// What the one user may do. A source (FILE, URL, S3, REMOTE, …) is granted nowhere; dictionaries neither, because
/// theirs run commands and open connections unasked.
const GRANTS: &[&str] = &[
    "GRANT SELECT, INSERT, ALTER, DROP, TRUNCATE, OPTIMIZE, SHOW, BACKUP, KILL QUERY ON *.*",
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE ON *.*",
    "GRANT SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM FLUSH, SYSTEM VIEWS, SYSTEM DROP CACHE ON *.*",
];

/// Settings no statement may change: they name files, or choose a parser this program does not check.
const FIXED_SETTINGS: &[&str] = &["format_schema", "format_template_row", "format_template_resultset", "dialect"];

/// Writes the configuration into the data directory and answers the arguments every connection is opened with.
///
/// # Errors
/// [`EngineError::UnusablePath`] when a path is not UTF-8, [`EngineError::Io`] when a file cannot be written.
pub(super) fn prepare(options: &EngineOptions) -> Result<Vec<CString>, EngineError> {
    let directory = &options.directory;
    for folder in ["backups", "user_files", "user_scripts", "format_schemas", "tmp"] {
        create_private_directory(&directory.join(folder))?;
    }
    let users = directory.join("users.xml");
    let server = directory.join("config.xml");
    write_private(&users, &users_file(options))?;
    write_private(&server, &server_file(options, &users)?)?;
    ["clickhouse".to_owned(), format!("--path={}", plain(directory)?), format!("--config-file={}", plain(&server)?)]
        .into_iter()
        .map(|argument| CString::new(argument).map_err(|_| EngineError::UnusablePath(directory.clone())))
        .collect()
}

/// Creates `path` and what is missing above it, readable by this user only.
pub(super) fn create_private_directory(path: &Path) -> Result<(), EngineError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(EngineError::io(format!("create {}", path.display())))
}

fn server_file(options: &EngineOptions, users: &Path) -> Result<String, EngineError> {
    let directory = escape(plain(&options.directory)?);
    let users = escape(plain(users)?);
    let memory = options.memory_limit_bytes;
    Ok(format!(
        r"<clickhouse>
  <users_config>{users}</users_config>
  <backups><allowed_path>{directory}/backups/</allowed_path></backups>
  <tmp_path>{directory}/tmp/</tmp_path>
  <user_files_path>{directory}/user_files/</user_files_path>
  <user_scripts_path>{directory}/user_scripts/</user_scripts_path>
  <format_schema_path>{directory}/format_schemas/</format_schema_path>
  <custom_local_disks_base_directory>{directory}/disks/</custom_local_disks_base_directory>
  <remote_url_allow_hosts></remote_url_allow_hosts>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{MARK_CACHE_BYTES}</mark_cache_size>
  <background_pool_size>1</background_pool_size>
</clickhouse>
"
    ))
}

fn users_file(options: &EngineOptions) -> String {
    let grants: String = GRANTS.iter().map(|grant| format!("<query>{grant}</query>")).collect();
    let fixed: String = FIXED_SETTINGS.iter().map(|name| format!("<{name}><readonly/></{name}>")).collect();
    let query_memory = options.memory_limit_bytes / QUERY_SHARE;
    // The password stands at the socket's folder or in `credentials`; inside there is one user.
    format!(
        r"<clickhouse>
  <profiles><default>
    <max_memory_usage>{query_memory}</max_memory_usage>
    <constraints>{fixed}</constraints>
  </default></profiles>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <grants>{grants}</grants>
  </default></users>
  <quotas><default></default></quotas>
</clickhouse>
"
    )
}

fn plain(path: &Path) -> Result<&str, EngineError> {
    path.to_str().ok_or_else(|| EngineError::UnusablePath(path.to_owned()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

// Written beside and renamed: the file is whole or absent whenever the process is killed. What is there already is not
// written again, so that a full disk can still be read.
fn write_private(path: &Path, content: &str) -> Result<(), EngineError> {
    if fs::read(path).is_ok_and(|written| written == content.as_bytes()) {
        return Ok(());
    }
    let temporary = path.with_extension("xml.new");
    let write = || {
        let mut file: File = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(content.as_bytes())?;
        fs::rename(&temporary, path)
    };
    write().map_err(EngineError::io(format!("write {}", path.display())))
}
