//! A job that is asked to end does so within a second, and leaves nothing that goes on.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubestats::model::{JobKind, RunStatus};
use kubestats::pipeline::{Ended, StopSignal};

use super::world::{World, job};
use crate::support::repos::fixture;

const AT_MOST: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_ends() {
    let world = World::new().await;
    // A server that takes connections and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/owner/name", silent.local_addr().unwrap());
    let id = world.pipeline.add_repository(&url).await.unwrap().id;
    let stop = Arc::<StopSignal>::default();
    let run = world.begin(&job(JobKind::Sync, Some(id)), stop.clone());
    let connection = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    let asked = Instant::now();
    stop.set();
    assert_eq!(run.await.unwrap().unwrap(), Ended::Stopped);
    assert!(asked.elapsed() < AT_MOST, "{:?}", asked.elapsed());
    drop(connection);
    // It is no failure.
    assert_eq!(world.only().await.last_sync().status, RunStatus::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_ends_and_nothing_of_it_is_seen() {
    let world = World::new().await;
    let long = fixture("many-commits");
    let id = world.pipeline.add_repository(long.path().to_str().unwrap()).await.unwrap().id;
    let ran = world.run(&job(JobKind::Sync, Some(id))).await;
    ran.ended.unwrap();
    let stop = Arc::<StopSignal>::default();
    let run = world.begin(&job(JobKind::Scan, Some(id)), stop.clone());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    stop.set();
    assert_eq!(run.await.unwrap().unwrap(), Ended::Stopped);
    let elapsed = asked.elapsed();
    let record = world.only().await;
    assert_eq!((record.generation, record.last_scan().status), (0, RunStatus::Pending));
    let stored = world.sql("SELECT toString(count()) FROM resource_events").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.sql("SELECT toString(count()) FROM resource_events").await, stored, "nobody writes any more");
    // It can be repeated.
    let begun = Instant::now();
    world.run_all(job(JobKind::Scan, Some(id))).await;
    assert_eq!(world.only().await.commits, 6_000);
    // The chunk in hand is finished first: on a machine that is busy with other things, that takes as much longer as all of it does.
    let whole = begun.elapsed();
    assert!(elapsed < AT_MOST.max(whole / 10), "{elapsed:?} of {whole:?}");
}
