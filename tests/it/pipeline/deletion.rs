//! Removing a repository: nothing is left of it, whenever it is cut short, and it does not come back by itself.

use std::sync::Arc;
use std::time::Duration;

use kubestats::model::{JobKind, RepositoryId};
use kubestats::store::query::DiscoveryStats;

use super::forge::repository;
use super::world::{World, id_of, job};
use crate::support::repos::{TempRepo, fixture};

/// A world with two repositories that were scanned; the first is to go.
async fn two() -> (World, RepositoryId, [TempRepo; 2]) {
    let world = World::new().await;
    let repositories = [fixture("flux-cluster"), fixture("create-modify-delete")];
    for (id, known) in (1..).zip(&repositories) {
        world.forge.add(repository(id, &format!("r{id}"), &known.path()));
    }
    world.discover().await;
    let id = world.named("owner/r1").await.id;
    (world, id, repositories)
}

async fn assert_gone(world: &World, id: RepositoryId) {
    assert_eq!(world.rows_with(&id.to_string()).await, []);
    assert!(world.files().iter().all(|name| !name.contains(&id.to_string())), "{:?}", world.files());
    let left = world.only().await;
    assert!(left.full_name == "owner/r2" && left.commits == 3);
    assert!(world.mirror(id_of(&left)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_repository_leaves_nothing_and_comes_back_by_hand_alone() {
    let (world, id, repositories) = two().await;
    assert!(world.rows_with(&id.to_string()).await.len() > 8);
    let version = world.pipeline.reader.snapshot().await.unwrap();
    let delete = job(JobKind::Delete, Some(id));
    world.run(&delete).await.ended.unwrap();
    assert_gone(&world, id).await;
    assert!(world.pipeline.reader.snapshot().await.unwrap().time() >= version.time());

    world.search().await;
    assert_gone(&world, id).await;
    let stats = world.pipeline.reader.snapshot().await.unwrap().fetch(&DiscoveryStats).await.unwrap();
    assert_eq!(stats[0].rejected, [("removed".to_owned(), 1)]);

    let back = world.pipeline.add_repository(repositories[0].path().to_str().unwrap()).await.unwrap();
    assert_eq!(back.discovery_tags, ["added by hand"]);
    world.search().await;
    world.sync(back.id).await;
    let back = world.named("owner/r1").await;
    assert_eq!(back.discovery_tags, ["added by hand", "topic:flux"]);
    assert_eq!(world.records().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_was_cut_short_is_repeated() {
    let (world, id, _repositories) = two().await;
    let mut delete = job(JobKind::Delete, Some(id));
    for time in [1, 5, 20, 40, 80, 160] {
        let run = world.begin(&delete, Arc::default());
        tokio::time::sleep(Duration::from_millis(time)).await;
        run.abort();
        let _ = run.await;
        delete.attempts += 1;
        // Nothing brings it back in between.
        world.search().await;
    }
    world.run(&delete).await.ended.unwrap();
    world.run(&delete).await.ended.unwrap();
    assert_gone(&world, id).await;
}
