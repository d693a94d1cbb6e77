//! What a client sees when a statement fails.

use super::{Hosted, execute};
use crate::support::hosting::{Hosting, on_both_hostings};

on_both_hostings! {
    async
    errors_carry_clickhouse_codes
    several_statements_are_refused_before_the_first_runs
    an_exception_inside_a_stream_is_no_short_answer
    failed_inserts_say_why
    readonly_2_reads_and_may_not_write
    a_statement_too_large_is_refused
}

async fn failure(engine: &Hosted, sql: &str, settings: &[(&str, &str)]) -> String {
    let mut query = engine.client().query(sql);
    for (name, value) in settings {
        query = query.with_setting(*name, *value);
    }
    match query.fetch_all::<u64>().await {
        Ok(rows) => panic!("{sql} gave {} rows", rows.len()),
        Err(error) => error.to_string(),
    }
}

async fn errors_carry_clickhouse_codes(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    execute(&engine.client(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    for (sql, settings, expected) in [
        ("SELEC 1", vec![], "Code: 62."),
        ("SELECT 1; SELECT 2", vec![], "Code: 62."),
        ("SELECT * FROM absent", vec![], "Code: 60."),
        ("SELECT * FROM absent.t", vec![], "Code: 81."),
        ("SELECT b FROM t", vec![], "Code: 47."),
        ("SELECT absent(1)", vec![], "Code: 46."),
        ("SELECT 1 + 'a'", vec![], "Code: 43."),
        ("SELECT {a:UInt64}", vec![], "Code: 456."),
        ("SELECT {a:UInt64}", vec![("param_a", "x")], "Code: 457."),
        ("SELECT 1", vec![("no_such_setting", "1")], "Code: 115."),
        ("SELECT number FROM numbers(100000)", vec![("max_result_rows", "10")], "Code: 396."),
        (
            "SELECT max(sipHash64(number)) FROM numbers(1000000000000)",
            vec![("max_execution_time", "0.1")],
            "Code: 159.",
        ),
        (
            "SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 0",
            vec![("max_execution_time", "0.1")],
            "Code: 159.",
        ),
    ] {
        let error = failure(&engine, sql, &settings).await;
        assert!(error.contains(expected), "{sql}: {error}");
    }
}

async fn several_statements_are_refused_before_the_first_runs(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    let error = client.query("CREATE TABLE t (a Int8) ENGINE = Memory; DROP TABLE t").execute().await.unwrap_err();
    assert!(error.to_string().contains("Code: 62."), "{error}");
    assert_eq!(client.query("SELECT count() FROM system.tables WHERE name = 't'").fetch_one::<u64>().await.unwrap(), 0);
}

async fn an_exception_inside_a_stream_is_no_short_answer(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let sql =
        "SELECT number, throwIf(number = 250000, 'the reason') FROM numbers(1000000) SETTINGS max_block_size = 10000";
    let mut cursor = engine.client().query(sql).fetch::<(u64, u8)>().unwrap();
    let mut rows = 0;
    let error = loop {
        match cursor.next().await {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("the answer ended after {rows} rows as if it were whole"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(rows > 0, "the exception came before the first row");
    assert!(error.contains("Code: 395.") && error.contains("the reason"), "{error}");
}

async fn failed_inserts_say_why(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    for (sql, rows, expected) in [
        ("INSERT INTO absent FORMAT CSV", "1\n", "Code: 60."),
        ("INSERT INTO t (b) FORMAT CSV", "1\n", "Code: 16."),
        ("INSERT INTO t FORMAT CSV", "1\nx\n", "Code: 117."),
        ("INSERT INTO t FORMAT RowBinary", "abc", "Code: 33."),
        ("INSERT INTO t FORMAT NoSuchFormat", "1\n", "Code: 73."),
    ] {
        let mut insert = client.insert_formatted_with(sql);
        // The engine may refuse before it has read everything.
        let _ = insert.send(rows.into()).await;
        let error = insert.end().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{sql}: {error}");
    }
    assert_eq!(super::count(&client, "t").await, 0);
}

async fn readonly_2_reads_and_may_not_write(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    let reader = client.clone().with_setting("readonly", "2");
    assert_eq!(reader.query("SELECT 1").with_setting("max_threads", "1").fetch_one::<u8>().await.unwrap(), 1);
    for sql in ["DROP TABLE t", "INSERT INTO t VALUES (1)", "SELECT 1 SETTINGS readonly = 0"] {
        let error = reader.query(sql).execute().await.unwrap_err().to_string();
        assert!(error.contains("Code: 164."), "{sql}: {error}");
    }
    assert_eq!(super::count(&client, "t").await, 0);
}

async fn a_statement_too_large_is_refused(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let sql = format!("SELECT '{}'", "x".repeat(17 << 20));
    let error = engine.client().query(&sql).execute().await.unwrap_err().to_string();
    assert!(error.contains("Code: 266."), "{error:.200}");
}
