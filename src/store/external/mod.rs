//! An external ClickHouse: a server or a cluster that somebody else keeps running.
//!
//! Opening one says in a line of its own whatever can be wrong with it: nobody listens, the certificate, the password,
//! the version, the database. Later failures are those of any store.

mod transport;
mod version;

use std::path::PathBuf;
use std::time::Duration;

use clickhouse::{Client, Compression};
use url::Url;

use super::{Store, StoreError, within};

/// ClickHouse's codes for a user that does not exist, or a password that is wrong or missing.
const AUTHENTICATION: [u32; 4] = [192, 193, 194, 516];
/// ClickHouse's codes for a database that is not there, or that the user may not know of.
const NO_SUCH_DATABASE: [u32; 2] = [81, 497];

/// Where an external ClickHouse is, and how it is spoken to.
pub struct ExternalOptions {
    /// `http://host:8123` or `https://host:8443`, without user and password.
    pub url: Url,
    /// Created when it is absent and the user may.
    pub database: String,
    /// Empty: the server's default user, without a password.
    pub user: String,
    pub password: String,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Time that a connection may take: the name, TCP and TLS.
    pub connect_timeout: Duration,
    /// Time that a statement that writes may take.
    pub write_timeout: Duration,
}

impl Store {
    /// Connects to an external ClickHouse, checks its version and creates its database where it is absent.
    ///
    /// # Errors
    /// One of [`StoreError`] for each thing that can be wrong; none of them holds the password.
    pub async fn external(options: &ExternalOptions) -> Result<Self, StoreError> {
        let server = Server { name: options.url.as_str().trim_end_matches('/'), options };
        // Compressed inserts would save a factor of three on the wire, but the engine's own HTTP interface, which stands
        // for a server in our tests, takes none: what is shipped is what is tested.
        let client = transport::client(options)?.with_compression(Compression::None);
        let client = match options.user.as_str() {
            "" => client,
            user => client.with_user(user).with_password(&options.password),
        };
        server.check_version(&client).await?;
        let in_database = client.clone().with_database(&options.database);
        server.ensure_database(&client, &in_database).await?;
        Ok(Self::elsewhere_within(in_database, options.write_timeout))
    }
}

/// A server that is being opened.
struct Server<'a> {
    /// Its URL, for messages.
    name: &'a str,
    options: &'a ExternalOptions,
}

impl Server<'_> {
    async fn check_version(&self, client: &Client) -> Result<(), StoreError> {
        // Bytes in the oldest of all formats: a server of any age answers this.
        let answer =
            self.run(async { client.query_raw("SELECT version()").fetch_bytes("TabSeparated")?.collect().await });
        let answer = answer.await?;
        let text = String::from_utf8_lossy(&answer);
        version::check(text.trim()).unwrap_or_else(|| Err(self.no_clickhouse("its answer is no version")))
    }

    async fn ensure_database(&self, client: &Client, in_database: &Client) -> Result<(), StoreError> {
        // First looked for: a user without the right to create may use what is there.
        match self.run(in_database.query_raw("SELECT 1").execute()).await {
            Err(StoreError::Refused { code, .. }) if NO_SUCH_DATABASE.contains(&code) => {}
            result => return result,
        }
        let database = &self.options.database;
        let create = format!("CREATE DATABASE IF NOT EXISTS `{}`", database.replace('\\', "\\\\").replace('`', "\\`"));
        match self.run(client.query_raw(&create).execute()).await {
            Err(StoreError::Refused { message, .. }) => {
                Err(StoreError::NoDatabase { database: database.clone(), reason: message })
            }
            result => result,
        }
    }

    /// Runs a statement; its error says which server and user.
    async fn run<T>(&self, run: impl Future<Output = clickhouse::error::Result<T>>) -> Result<T, StoreError> {
        let limit = self.options.write_timeout;
        within(limit, run).await.map_err(|error| match error {
            StoreError::Refused { code, .. } if AUTHENTICATION.contains(&code) => {
                let user = if self.options.user.is_empty() { "default" } else { &self.options.user };
                StoreError::AccessDenied { url: self.name.to_owned(), user: user.to_owned() }
            }
            StoreError::Unreachable(reason) => StoreError::Unreachable(format!("{}: {reason}", self.name)),
            StoreError::Unavailable(reason) => self.no_clickhouse(&reason),
            StoreError::Foreign => self.no_clickhouse("its answer is not ClickHouse's"),
            other => other,
        })
    }

    fn no_clickhouse(&self, reason: &str) -> StoreError {
        let hint = if self.name.starts_with("http://") { "; a port that speaks TLS needs https://" } else { "" };
        StoreError::NoClickHouse(format!("{} does not answer like a ClickHouse server ({reason}){hint}", self.name))
    }
}
