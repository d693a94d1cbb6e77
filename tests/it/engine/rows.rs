//! Rows in and out: types, parameters, streams, inserts.

use super::{Hosted, count, eventually, execute};
use crate::support::external::{PASSWORD, USER};
use crate::support::hosting::{Hosting, on_both_hostings};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

on_both_hostings! {
    async
    rows_come_back_as_they_went_in
    an_answer_without_rows_is_an_empty_one
    parameters_arrive_as_they_are
    a_large_answer_is_streamed
    a_client_that_goes_away_ends_its_query
    an_insert_given_up_by_the_client_leaves_nothing
    an_insert_cut_short_on_the_wire_leaves_nothing
    an_insert_repeated_with_its_token_is_stored_once
    nothing_of_a_request_reaches_the_next
    a_clause_in_the_statement_decides_the_format
}

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Event {
    id: u64,
    kind: String,
    tags: Vec<String>,
    line: Option<i64>,
    labels: Vec<(String, String)>,
}

fn event(id: u64) -> Event {
    Event {
        id,
        kind: format!("it's \\ \"{id}\"\n\t\0 ž"),
        tags: (0..id % 3).map(|tag| format!("t'{tag}")).collect(),
        line: (!id.is_multiple_of(2)).then_some(-(id as i64)),
        labels: vec![("app".to_owned(), id.to_string())],
    }
}

const EVENTS: &str = "CREATE TABLE events (id UInt64, kind String, tags Array(String), line Nullable(Int64), \
                      labels Map(String, String)) ENGINE = MergeTree ORDER BY id";

async fn rows_come_back_as_they_went_in(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, EVENTS).await;
    for validation in [true, false] {
        let client = client.clone().with_validation(validation);
        execute(&client, "TRUNCATE TABLE events").await;
        let expected: Vec<Event> = (0..50_000).map(event).collect();
        let mut insert = client.insert::<Event>("events").await.unwrap();
        for row in &expected {
            insert.write(row).await.unwrap();
        }
        insert.end().await.unwrap();
        let stored: Vec<Event> = client.query("SELECT ?fields FROM events ORDER BY id").fetch_all().await.unwrap();
        assert!(stored == expected, "rows differ with validation {validation}");
    }
}

async fn an_answer_without_rows_is_an_empty_one(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    execute(&engine.client(), EVENTS).await;
    let stored: Vec<Event> = engine.client().query("SELECT ?fields FROM events").fetch_all().await.unwrap();
    assert_eq!(stored, []);
}

async fn parameters_arrive_as_they_are(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let text = "it's \\ \"quoted\" `name` \t\n {x:String} ž; --";
    let (same, second, absent): (String, String, u8) = engine
        .client()
        .query("SELECT {text:String}, {list:Array(String)}[2], {none:Nullable(String)} IS NULL")
        .param("text", text)
        .param("list", vec!["a", "b'c"])
        .param("none", None::<String>)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!((same.as_str(), second.as_str(), absent), (text, "b'c", 1));
}

async fn a_large_answer_is_streamed(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    // Far more than the engine's memory limit for one query could hold.
    let sql = "SELECT number, toString(number) FROM numbers(3000000)";
    let query = engine.client().query(sql).with_setting("max_memory_usage", "20000000");
    let mut cursor = query.fetch::<(u64, String)>().unwrap();
    let mut expected = 0;
    while let Some((number, text)) = cursor.next().await.unwrap() {
        assert_eq!((number, text), (expected, expected.to_string()));
        expected += 1;
    }
    assert_eq!(expected, 3_000_000);
}

async fn a_client_that_goes_away_ends_its_query(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    let running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'given-up'";
    for sql in [
        "SELECT number, sipHash64(number) FROM numbers(1000000000000)",
        "SELECT max(sipHash64(number)), 1::UInt64 FROM numbers(1000000000000)",
    ] {
        let query = client.query(sql).with_setting("query_id", "given-up");
        let task = tokio::spawn(async move { query.fetch_all::<(u64, u64)>().await.map(|rows| rows.len()) });
        let is_running = || async { client.query(running).fetch_one::<u64>().await.unwrap() == 1 };
        eventually("the query runs", is_running).await;
        task.abort();
        eventually("the query is gone", || async { !is_running().await }).await;
    }
}

async fn an_insert_given_up_by_the_client_leaves_nothing(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, EVENTS).await;
    let mut insert = client.insert::<Event>("events").await.unwrap();
    for id in 0..200_000 {
        insert.write(&event(id)).await.unwrap();
    }
    drop(insert);
    let inserts = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'";
    let is_over = || async { client.query(inserts).fetch_one::<u64>().await.unwrap() == 0 };
    eventually("the insert is over", is_over).await;
    assert_eq!(count(&client, "events").await, 0);
}

async fn an_insert_cut_short_on_the_wire_leaves_nothing(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, "CREATE TABLE numbers_seen (number UInt64) ENGINE = MergeTree ORDER BY number").await;
    let mut stream = engine.connect();
    let answer = tokio::task::spawn_blocking(move || {
        // 800 bytes are whole rows; the head promises twice as many.
        let head = format!(
            "POST /?query=INSERT+INTO+numbers_seen+FORMAT+RowBinary&user={USER}&password={PASSWORD} HTTP/1.1\r\nHost: e\r\n\
             Content-Length: 1600\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&[7; 800]).unwrap();
        stream.end();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    })
    .await
    .unwrap();
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(count(&client, "numbers_seen").await, 0);
}

async fn an_insert_repeated_with_its_token_is_stored_once(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    let sql = format!("{EVENTS} SETTINGS non_replicated_deduplication_window = 100");
    execute(&client, &sql).await;
    for token in ["one", "one", "two"] {
        let insert = client.insert::<Event>("events").await.unwrap();
        let mut insert = insert.with_setting("insert_deduplication_token", token);
        insert.write(&event(1)).await.unwrap();
        insert.end().await.unwrap();
    }
    assert_eq!(count(&client, "events").await, 2);
}

async fn nothing_of_a_request_reaches_the_next(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let client = engine.client();
    execute(&client, "SET max_threads = 1").await;
    execute(&client, "CREATE TEMPORARY TABLE passing (a UInt8)").await;
    execute(&client, "USE system").await;
    let limited = client.query("SELECT toUInt64(getSetting('max_block_size'))").with_setting("max_block_size", "7");
    assert_eq!(limited.fetch_one::<u64>().await.unwrap(), 7);

    let sql = "SELECT countIf(changed AND name IN ('max_threads', 'max_block_size')), currentDatabase() \
               FROM system.settings";
    let (changed, database): (u64, String) = client.query(sql).fetch_one().await.unwrap();
    assert_eq!((changed, database.as_str()), (0, "default"));
    let error = client.query("SELECT * FROM passing").execute().await.unwrap_err().to_string();
    assert!(error.contains("Code: 60."), "{error}");
}

async fn a_clause_in_the_statement_decides_the_format(hosting: Hosting) {
    let engine = Hosted::start(hosting).await;
    let answer = engine.client().query("SELECT 1 AS a FORMAT JSONEachRow").fetch_bytes("CSV").unwrap().collect().await;
    assert_eq!(answer.unwrap(), "{\"a\":1}\n");
}
