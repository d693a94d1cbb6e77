//! A client that goes away takes its question with it: the engine does not go on for nobody.

use std::time::{Duration, Instant};

use kubestats::store::{Reader, ReaderOptions};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http::context;
use super::sockets::Server;
use super::support::world;
use crate::support::socket::{Client, subscribe};

/// The tables that the newest version is asked of, in a database in which that takes hours.
const SLOW: [(&str, &str); 3] = [
    ("checkpoints", "max(sipHash64(number)) AS version FROM numbers(1000000000000000)"),
    ("repositories", "now64(6) AS updated_at"),
    ("tombstones", "now64(6) AS updated_at"),
];
const HOURS: Duration = Duration::from_secs(36_000);
const PATIENCE: Duration = Duration::from_secs(60);

/// A reader of such a database.
pub async fn slow_reader(database: &str, timeout: Duration) -> Reader {
    let execute = async |statement: String| world().client().query(&statement).execute().await.unwrap();
    execute(format!("CREATE DATABASE {database}")).await;
    for (table, select) in SLOW {
        execute(format!("CREATE VIEW {database}.{table} AS SELECT {select}")).await;
    }
    world().reader_of(database, ReaderOptions { timeout, ..ReaderOptions::default() })
}

/// Waits until so many questions run in the slow database.
async fn until_running(wanted: u64) {
    let client = world().client();
    let began = Instant::now();
    loop {
        let running = client.query("SELECT count() FROM system.processes WHERE current_database = 'slow'");
        let running = running.fetch_one::<u64>().await.unwrap();
        if running == wanted {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{running} questions run, not {wanted}");
    }
}

#[test]
fn a_client_that_goes_away_ends_its_question() {
    let world = world();
    world.block_on(async {
        // No limit of time ends it.
        let reader = slow_reader("slow", HOURS).await;
        let server = Server::over(context(world.schema.clone(), reader)).await;

        let body = json!({ "query": "{ __typename }" }).to_string();
        let post = format!(
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let get = "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
        for request in [post, get] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            until_running(1).await;
            drop(stream);
            until_running(0).await;
        }

        let mut client = server.ready().await;
        client.send(&subscribe("a", "{ __typename }")).await;
        until_running(1).await;
        client.send(&json!({ "type": "complete", "id": "a" })).await;
        until_running(0).await;
        client.send(&subscribe("b", "{ __typename }")).await;
        until_running(1).await;
        let Client(socket) = client;
        drop(socket);
        until_running(0).await;
    });
}
