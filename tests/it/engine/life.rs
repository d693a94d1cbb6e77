//! Starting, dying, starting again and ending.

use super::{Engine, PATIENCE, arguments, command, count, eventually, execute, program, socket, supervise};
use crate::support::data::TestData;
use crate::support::external::{PASSWORD, TestClickHouse, USER};
use clickhouse::{Client, Compression};
use kubestats::store::engine::{self, EngineError};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[tokio::test]
async fn a_killed_engine_answers_again() {
    let engine = Engine::start().await;
    let client = engine.client();
    execute(&client, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    for life in 1..=3u64 {
        execute(&client, &format!("INSERT INTO t VALUES ({life})")).await;
        let busy = client.query("SELECT max(sipHash64(number)) FROM numbers(1000000000000)");
        let busy = tokio::spawn(busy.fetch_one::<u64>());
        let running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT max(sipHash64%'";
        eventually("the query runs", || async { client.query(running).fetch_one::<u64>().await.unwrap() == 1 }).await;

        kill(engine.supervisor.pid().unwrap(), "KILL");
        let error = busy.await.unwrap().expect_err("a query outlived its engine").to_string();
        assert!(error.contains("network error"), "{error}");
        engine.supervisor.ready(PATIENCE).await.unwrap();
        assert_eq!(count(&client, "t").await, life, "an acknowledged insert is gone");
        eventually("the restart is counted", || async { engine.supervisor.restarts() == life }).await;
    }
}

#[tokio::test]
async fn an_engine_killed_in_an_insert_keeps_whole_inserts() {
    let engine = Engine::start().await;
    let client = engine.client();
    execute(&client, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    let mut acknowledged = 0u64;
    for _ in 0..3 {
        let pid = engine.supervisor.pid().unwrap();
        let victim = tokio::task::spawn_blocking(move || kill(pid, "KILL"));
        while client.query("INSERT INTO t SELECT number FROM numbers(100)").execute().await.is_ok() {
            acknowledged += 1;
        }
        victim.await.unwrap();
        engine.supervisor.ready(PATIENCE).await.unwrap();
    }
    let rows = count(&client, "t").await;
    assert!(rows >= acknowledged * 100 && rows.is_multiple_of(100), "{rows} rows of {acknowledged} inserts");
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_directory() {
    let engine = Engine::start().await;
    let data = engine.directory.path();
    let holder = engine::holder(&data.join("engine")).expect("the directory is held");
    assert_eq!(holder.pid, engine.supervisor.pid());

    let error = supervise(data).await.err().expect("two engines on one directory");
    assert!(matches!(error, EngineError::Held { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(&data.join("engine").display().to_string()), "{message}");
    assert!(message.contains(&holder.description), "{message}");

    // Not disturbed by the attempt.
    assert_eq!(engine.client().query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    engine.supervisor.clone().shutdown().await;
    assert_eq!(engine::holder(&data.join("engine")), None);
}

#[tokio::test]
async fn data_outlive_a_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let first = supervise(directory.path()).await.unwrap();
    execute(&first.client(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    execute(&first.client(), "INSERT INTO t VALUES (1)").await;
    first.shutdown().await;
    assert!(!socket(directory.path()).exists(), "the socket is left behind");
    let second = supervise(directory.path()).await.unwrap();
    assert_eq!(count(&second.client(), "t").await, 1);
    second.shutdown().await;
}

#[tokio::test]
async fn an_engine_that_is_shut_down_says_so() {
    let engine = Engine::start().await;
    engine.supervisor.clone().shutdown().await;
    let error = engine.supervisor.ready(PATIENCE).await.unwrap_err();
    assert!(matches!(error, EngineError::Stopped), "{error}");
    assert_eq!(engine.supervisor.pid(), None);
}

#[tokio::test]
async fn an_engine_ends_with_the_pipe_of_its_parent() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = start_alone(directory.path());
    let client = engine::client(&socket(directory.path()));
    let busy = client.query("SELECT max(sipHash64(number)) FROM numbers(1000000000000)");
    let busy = tokio::spawn(busy.fetch_one::<u64>());
    let running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT max(sipHash64%'";
    eventually("the query runs", || async { client.query(running).fetch_one::<u64>().await.unwrap() == 1 }).await;
    // What the system does when the parent dies, however it dies.
    drop(child.stdin.take());
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert!(busy.await.unwrap().is_err(), "a query outlived its engine");
}

#[tokio::test]
async fn an_engine_ends_in_order_on_sigterm() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = start_alone(directory.path());
    let stdin = child.stdin.take();
    kill(child.id(), "TERM");
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    drop(stdin);
}

#[tokio::test]
async fn a_long_socket_path_works() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("a".repeat(60)).join("b".repeat(60));
    fs::create_dir(data.parent().unwrap()).unwrap();
    let supervisor = supervise(&data).await.unwrap();
    let wanted = socket(&data);
    let first = fs::read_link(&wanted).expect("a symlink to a short path");
    assert_eq!(supervisor.client().query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    kill(supervisor.pid().unwrap(), "KILL");
    supervisor.ready(PATIENCE).await.unwrap();
    assert!(!first.parent().unwrap().exists(), "the dead engine's folder is left behind");
    let second = fs::read_link(&wanted).unwrap();
    supervisor.shutdown().await;
    assert!(!second.parent().unwrap().exists() && fs::read_link(&wanted).is_err(), "the socket is left behind");
}

#[tokio::test]
async fn only_this_user_reaches_the_engine() {
    let engine = Engine::start().await;
    let data = engine.directory.path();
    for (path, expected) in [
        (socket(data).parent().unwrap().to_owned(), 0o700),
        (socket(data), 0o600),
        (data.join("engine"), 0o700),
        (data.join("engine/config.xml"), 0o600),
        (data.join("engine/users.xml"), 0o600),
    ] {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
    }
}

#[tokio::test]
async fn a_missing_program_or_library_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut absent = command(directory.path());
    absent.program = directory.path().join("absent");
    let error = kubestats::store::engine::Supervisor::start(absent).await.err().unwrap().to_string();
    assert!(error.contains("absent"), "{error}");
}

#[tokio::test]
async fn the_test_mode_asks_for_user_and_password() {
    let server = TestClickHouse::start();
    let client = Client::default().with_url(&server.url).with_compression(Compression::None);
    let answer = |client: Client| async move { client.query("SELECT 1").fetch_one::<u8>().await };
    assert_eq!(answer(client.clone().with_user(USER).with_password(PASSWORD)).await.unwrap(), 1);
    for wrong in [client.clone(), client.clone().with_user(USER), client.with_user("you").with_password(PASSWORD)] {
        let error = answer(wrong).await.unwrap_err().to_string();
        assert!(error.contains("Code: 516."), "{error}");
    }
}

#[test]
fn the_test_mode_is_for_this_machine_and_asks_for_a_password() {
    let data = TestData::new();
    for (arguments, words) in [
        (&["--listen", "0.0.0.0:0", "--user", "me", "--password", "secret"][..], "0.0.0.0:0 is no loopback address"),
        (&["--listen", "127.0.0.1:0"], "--user"),
        (&["--listen", "127.0.0.1:0", "--user", "me"], "--password"),
        (&["--user", "me", "--password", "secret"], "--listen"),
    ] {
        let ran = data.run(&[&["engine"], arguments].concat());
        assert!(!ran.success && ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}

/// An engine without a supervisor; answers when this returns.
fn start_alone(data: &Path) -> Child {
    let mut child =
        Command::new(program()).args(arguments(data)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(
        line, "ready\n",
        "the engine did not start; its message stands above (is the library installed? `make setup`)"
    );
    child
}

fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(status.success());
}
