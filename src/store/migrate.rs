//! The schema: numbered SQL files, applied in order, each recorded with its checksum.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};

/// One file of `clickhouse/migrations`.
struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal)*) => {
        [$(Migration { number: $number, name: $name, sql: include_str!(concat!("../../clickhouse/migrations/", $name, ".sql")) }),*]
    };
}

static MIGRATIONS: [Migration; 13] = migrations! {
    1 "0001_repositories"
    2 "0002_resources"
    3 "0003_resource_events"
    4 "0004_scan_failures"
    5 "0005_redaction_keys"
    6 "0006_events_by_time"
    7 "0007_facts"
    8 "0008_resolutions"
    9 "0009_forges"
    10 "0010_jobs"
    11 "0011_newest_metrics"
    12 "0012_processes"
    13 "0013_cancellations"
};

/// A migration that is in the database.
#[derive(Clone, Row, Serialize, Deserialize)]
struct Applied {
    number: u32,
    name: String,
    checksum: String,
}

const CREATE_RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY number";

/// Brings the database up to this program's schema; returns the names of what was applied now.
///
/// # Errors
/// When an applied file was changed since, when the database has a migration this program does not know, or when
/// ClickHouse fails. A migration that failed half-way may be repeated: its tables are created only where they are absent.
pub async fn migrate(store: &Store) -> Result<Vec<&'static str>, StoreError> {
    store.execute(CREATE_RECORD).await?;
    let applied: Vec<Applied> =
        store.rows("SELECT number, name, checksum FROM schema_migrations ORDER BY number").await?;
    check(&applied)?;
    let mut names = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| applied.iter().all(|row| row.number != migration.number)) {
        for statement in statements(migration.sql) {
            store.execute(&repeatable(&statement)).await?;
        }
        let row =
            Applied { number: migration.number, name: migration.name.to_owned(), checksum: checksum(migration.sql) };
        store.insert::<Applied>("schema_migrations", "", [row]).await?;
        tracing::info!(migration = migration.name, "applied");
        names.push(migration.name);
    }
    Ok(names)
}

fn check(applied: &[Applied]) -> Result<(), StoreError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    for row in applied {
        let Some(migration) = MIGRATIONS.iter().find(|migration| migration.number == row.number) else {
            return Err(StoreError::NewerDatabase { found: row.number, known });
        };
        let found = checksum(migration.sql);
        if found != row.checksum {
            return Err(StoreError::MigrationChanged {
                name: migration.name.to_owned(),
                applied: row.checksum.clone(),
                found,
            });
        }
    }
    Ok(())
}

/// Hexadecimal SHA-256.
fn checksum(sql: &str) -> String {
    Sha256::digest(sql).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The statements of a file, without its comment lines; each ends with `;` at the end of a line.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join("\n");
    code.split(";\n")
        .chain([""])
        .map(|statement| statement.trim().trim_end_matches(';').to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

/// A migration may have been cut off between two of its tables.
fn repeatable(statement: &str) -> String {
    statement.replacen("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_one_another_and_name_their_files() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number as usize, index + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.number)));
            assert!(migration.sql.starts_with("-- "), "{} says why at its top", migration.name);
            assert!(!statements(migration.sql).is_empty());
        }
    }

    #[test]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/clickhouse/migrations");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, MIGRATIONS.len());
    }

    #[test]
    fn a_changed_file_and_a_newer_database_are_refused() {
        let row = |number, checksum: &str| Applied { number, name: String::new(), checksum: checksum.to_owned() };
        assert!(check(&[row(1, &checksum(MIGRATIONS[0].sql))]).is_ok());
        assert!(matches!(check(&[row(1, "other")]), Err(StoreError::MigrationChanged { .. })));
        assert!(matches!(check(&[row(9999, "")]), Err(StoreError::NewerDatabase { found: 9999, .. })));
    }
}
