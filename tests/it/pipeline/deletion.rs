//! Removing a repository: nothing is left of it, whenever it is cut short, and it does not come back by itself.

use std::sync::Arc;
use std::time::Duration;

use kubestats::model::{JobKind, Repository, RepositoryId};
use kubestats::pipeline::Pipeline;
use kubestats::store::Recorded;
use kubestats::store::query::{AliasesOf, DiscoveryStats};

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
    let version = "SELECT toString(max(updated_at)) FROM tombstones";
    let before = world.sql(version).await;
    let delete = job(JobKind::Delete, Some(id));
    world.run(&delete).await.ended.unwrap();
    assert_gone(&world, id).await;
    assert!(world.sql(version).await > before, "readers look again");

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

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_nobody_repeats_is_ended_by_retention() {
    let (world, id, _repositories) = two().await;
    let aliases = world.pipeline.reader.now(&AliasesOf { repository: id }).await.unwrap();
    world.pipeline.writer.bury(&aliases, true).await.unwrap();
    world.execute(&format!("ALTER TABLE repositories DELETE WHERE id = '{id}' SETTINGS mutations_sync = 2")).await;
    let lock = std::fs::File::create(world.pipeline.mirrors.join(format!("{id}.lock"))).unwrap();
    lock.try_lock().unwrap();
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert!(world.mirror(id).exists(), "somebody is at it");
    drop(lock);
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_gone(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_a_repository_beside_its_removal_does_not_bring_it_back() {
    let (world, id, _repositories) = two().await;
    let other = world.another();
    let pipelines = [world.pipeline.clone(), other];
    let changing = pipelines.map(|pipeline| {
        tokio::spawn(async move {
            let mut changed = 0;
            // Until it is gone: from then on there is nothing to change.
            while pipeline.block_repository(id).await.unwrap().is_some() {
                changed += 1;
            }
            changed
        })
    });
    world.run(&job(JobKind::Delete, Some(id))).await.ended.unwrap();
    for changing in changing {
        changing.await.unwrap();
    }
    assert_gone(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_processes_change_at_once_is_both_kept() {
    let (world, id, _repositories) = two().await;
    let other = world.another();
    let tag = |pipeline: Pipeline, name: &'static str| async move {
        for number in 0..20 {
            let add = |repository: &mut Repository| {
                repository.discovery_tags.push(format!("{name}{number}"));
                Recorded::default()
            };
            pipeline.writer.update_repositories(&pipeline.reader, &[id], add).await.unwrap();
        }
    };
    let (one, two) = (tokio::spawn(tag(world.pipeline.clone(), "a")), tokio::spawn(tag(other, "b")));
    one.await.unwrap();
    two.await.unwrap();
    assert_eq!(world.named("owner/r1").await.discovery_tags.len(), 1 + 40);
}
