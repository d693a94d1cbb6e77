//! A job that is asked to end does so long before it would have ended, and leaves nothing that goes on.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use kubestats::model::{JobKind, RunStatus};
use kubestats::pipeline::{Ended, StopSignal};

use super::world::{World, job};
use crate::support::repos::fixture;

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
    stop.set();
    // By itself it would end in an hour.
    assert_eq!(run.await.unwrap().unwrap(), Ended::Stopped);
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
    stop.set();
    assert_eq!(run.await.unwrap().unwrap(), Ended::Stopped);
    let record = world.only().await;
    assert_eq!((record.generation, record.last_scan().status), (0, RunStatus::Pending));
    let stored = world.sql("SELECT toString(count()) FROM resource_events").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.sql("SELECT toString(count()) FROM resource_events").await, stored, "nobody writes any more");
    // It can be repeated.
    world.run_all(job(JobKind::Scan, Some(id))).await;
    assert_eq!(world.only().await.commits, 6_000);
}
