//! The section `clickhouse`: a server to use instead of the embedded engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::values::Values;
use super::{DAY, kinds};

/// Longest time that opening a connection may be given, in seconds.
const HOUR: u64 = 3_600;

#[derive(Clone)]
pub struct ClickHouseConfig {
    /// Of scheme http or https, without user information, query and fragment.
    pub url: Url,
    /// Not empty.
    pub database: String,
    /// Empty: the server's default user, without a password.
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

impl ClickHouseConfig {
    /// `None`: no server is named, and the other keys mean nothing.
    pub(super) fn read(values: &mut Values) -> Option<Self> {
        let url = values.read("clickhouse.url", kinds::http_url);
        let database = values.read("clickhouse.database", kinds::name);
        let user = values.read("clickhouse.user", kinds::text);
        let password = values.read("clickhouse.password", kinds::text);
        let password_file = values.read("clickhouse.password_file", kinds::path);
        let ca_file = values.read("clickhouse.ca_file", kinds::path);
        let connect = values.read("clickhouse.connect_timeout_seconds", kinds::number(1..=HOUR));
        let write = values.read("clickhouse.write_timeout_seconds", kinds::number(1..=DAY));
        let Some(url) = url else {
            values.explain("clickhouse.url", "the embedded engine");
            return None;
        };
        let password = match password_file {
            Some(file) => password_in(&file, &password, values),
            None => password,
        };
        if user.is_empty() && !password.is_empty() {
            values.refuse("clickhouse.user", "it is empty although there is a password; name the user it belongs to");
        }
        if ca_file.is_none() {
            values.explain("clickhouse.ca_file", "the system's authorities");
        }
        let seconds = Duration::from_secs;
        let (connect_timeout, write_timeout) = (seconds(connect), seconds(write));
        Some(Self { url, database, user, password, ca_file, connect_timeout, write_timeout })
    }
}

/// The password in a file; empty when there is something wrong, which is reported.
fn password_in(file: &Path, password: &str, values: &mut Values) -> String {
    let key = "clickhouse.password_file";
    if !password.is_empty() {
        values.refuse(key, "clickhouse.password is set, too; set one of them");
        return String::new();
    }
    match std::fs::read_to_string(file) {
        // Editors end a file with a line break, secrets of containers mostly do not.
        Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
        Err(error) => {
            values.refuse(key, &format!("{}: {error}", file.display()));
            String::new()
        }
    }
}
