//! Nothing outside the data directory can be reached by a statement.

use super::{Engine, execute};

#[tokio::test]
async fn statements_that_reach_outside_are_refused() {
    let engine = Engine::start().await;
    let client = engine.client();
    execute(&client, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a").await;
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("written").display().to_string();
    for sql in [
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT file('/etc/hostname')",
        "SELECT/**/`f\\x69le` /**/ ('/etc/hostname')",
        "SELECT arrayMap(file, ['/etc/hostname'])",
        "SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS x)",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM sqlite('/tmp/x', 'c')",
        "SELECT * FROM hdfs('hdfs://127.0.0.1:1/a', 'TSV', 'a String')",
        "SELECT 1 INTO OUTFILE '{target}'",
        "SELECT 1 INTO OUTFILE '{target}' FORMAT TSV",
        "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT LineAsString",
        "INSERT INTO FUNCTION file('{target}', 'TSV', 'a String') VALUES ('x')",
        "INSERT INTO FUNCTION url('http://127.0.0.1:1/', 'TSV', 'a String') VALUES ('x')",
        "CREATE TABLE o (a String) ENGINE = File(TSV, '/etc/hostname')",
        "CREATE TABLE o (a String) ENGINE = URL('http://127.0.0.1:1/')",
        "CREATE TABLE o (a String) ENGINE = S3('http://127.0.0.1:1/bucket/key', 'TSV')",
        "CREATE TABLE o (a String) ENGINE = Executable('x', TSV)",
        "CREATE TABLE o (a String) ENGINE = EmbeddedRocksDB(0, '{target}') PRIMARY KEY a",
        "CREATE TABLE o (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '{target}/')",
        "CREATE DATABASE o ENGINE = Filesystem('/etc')",
        "CREATE DATABASE o ENGINE = SQLite('/tmp/x')",
        "CREATE DICTIONARY o (id UInt64, v String) PRIMARY KEY id SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
        "CREATE VIEW o AS SELECT file('/etc/hostname')",
        "BACKUP TABLE t TO S3('http://127.0.0.1:1/bucket/key')",
        "RESTORE TABLE t FROM S3('http://127.0.0.1:1/bucket/key')",
        "GRANT FILE ON *.* TO default",
        "CREATE USER other",
        "SYSTEM SHUTDOWN",
    ] {
        let sql = sql.replace("{target}", &target);
        let error = client.query(&sql).execute().await.expect_err(&sql).to_string();
        assert!(error.contains("Code: 497."), "{sql}: {error}");
    }
    let written = std::fs::read_dir(outside.path()).unwrap().count();
    assert_eq!(written, 0, "a refused statement wrote a file");
}

#[tokio::test]
async fn settings_that_name_files_are_fixed() {
    let engine = Engine::start().await;
    for (name, value) in
        [("format_template_row", "/etc/hostname"), ("format_schema", "/etc/hostname"), ("dialect", "kusto")]
    {
        let query = engine.client().query("SELECT 1").with_setting(name, value);
        let error = query.execute().await.unwrap_err().to_string();
        assert!(error.contains("Code: 452."), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_the_program_needs_is_open() {
    let engine = Engine::start().await;
    let client = engine.client();
    for sql in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (`file` String, b UInt64, at DateTime, text String, INDEX words text TYPE text(tokenizer = 'splitByNonAlpha')) \
         ENGINE = ReplacingMergeTree ORDER BY b PARTITION BY b % 2 TTL at + INTERVAL 100 YEAR \
         SETTINGS fsync_after_insert = 1, fsync_part_directory = 1 -- file(",
        "INSERT INTO d.t VALUES ('file(', 1, now(), 'x'), ('b', 2, now(), 'it')",
        "CREATE MATERIALIZED VIEW d.sums ENGINE = SummingMergeTree ORDER BY b AS SELECT b, count() AS n FROM d.t GROUP BY b",
        "CREATE VIEW d.v AS SELECT * FROM d.t",
        "CREATE TEMPORARY TABLE own AS SELECT 1 AS a",
        "SELECT * FROM d.v FINAL",
        "OPTIMIZE TABLE d.t FINAL",
        "ALTER TABLE d.t ADD COLUMN c Array(String) CODEC(ZSTD(3))",
        "ALTER TABLE d.t DELETE WHERE b = 1 SETTINGS mutations_sync = 1",
        "EXPLAIN ESTIMATE SELECT * FROM d.t",
        "BACKUP TABLE d.t TO File('copy')",
        "RESTORE TABLE d.t AS d.restored FROM File('copy')",
        "KILL QUERY WHERE query_id = 'absent'",
        "SHOW CREATE TABLE d.t",
        "SYSTEM FLUSH LOGS",
        "SELECT * FROM system.parts",
        "DROP DATABASE d",
    ] {
        execute(&client, sql).await;
    }
}
