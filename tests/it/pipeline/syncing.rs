//! Visits: snapshots, fetches after pushes alone, and their rhythm.

use kubestats::forge::ForgeError;
use kubestats::model::{JobKind, JobRequest, RepositoryId, RepositoryStatus, Requester, RunStatus};
use kubestats::pipeline::Ended;
use kubestats::store::query::{MetricsBetween, MetricsRecord};

use super::forge::{HOST, repository};
use super::world::{World, id_of, job, request};
use crate::support::repos::fixture;

async fn snapshots(world: &World, id: RepositoryId) -> Vec<MetricsRecord> {
    let question = MetricsBetween { most: 100, ..MetricsBetween::newest(vec![id.0]) };
    world.pipeline.reader.snapshot().await.unwrap().fetch(&question).await.unwrap().to_vec()
}

/// The clock's visit of all that are due.
fn clock() -> kubestats::model::Job {
    let requested_by = Requester::Clock("sync".to_owned());
    request(JobRequest { kind: JobKind::Sync, repository: None, arguments: Default::default(), requested_by })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_takes_a_snapshot_and_fetches_after_a_push_alone() {
    use JobKind::{Scan, Sync};
    let cluster = fixture("flux-cluster");
    let world = World::new().await;
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let before = world.only().await;
    let id = id_of(&before);

    world.forge.change(1, |known| {
        known.metrics.watchers = Some(9);
        known.metrics.languages = Some(vec![("Shell".to_owned(), 70)]);
        known.metrics.stars = 500;
        known.profile.license = None;
    });
    assert_eq!(world.sync(id).await, [Sync], "nothing was pushed");
    cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    assert_eq!(world.sync(id).await, [Sync], "the forge does not know of the push yet");
    assert_eq!(world.only().await.head_commit, before.head_commit);
    world.forge.change(1, |known| {
        known.metrics.pushed_at = Some(1_704_200_000);
        // A search does not tell them; what was known stays.
        (known.metrics.watchers, known.metrics.languages) = (None, None);
    });
    assert_eq!(world.sync(id).await, [Sync, Scan]);
    let after = world.only().await;
    assert_eq!(after.head_commit, cluster.git(&["rev-parse", "HEAD"]));
    assert_eq!(after.resources, before.resources + 1);
    assert_eq!(after.license, None);
    assert_eq!((after.last_sync().status, after.last_scan().status), (RunStatus::Succeeded, RunStatus::Succeeded));
    assert_eq!(world.sync(id).await, [Sync]);

    let snapshots = snapshots(&world, id).await;
    let told: Vec<_> = snapshots.iter().map(|one| (one.stars, one.watchers, one.resource_count)).collect();
    let (old, new) = (before.resources, after.resources);
    assert_eq!(told, [(500, 9, new), (500, 9, old), (500, 9, old), (500, 9, old), (101, 0, 0)]);
    assert_eq!(snapshots[0].languages, [("Shell".to_owned(), 70)]);

    // Somebody who asks for a fetch gets one.
    cluster.commit_file("newer.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: newer}\n", "newer");
    let mut fetch = job(Sync, Some(id));
    fetch.arguments.fetch = true;
    assert_eq!(world.run_all(fetch).await, [Sync, Scan]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_visits_what_is_due_in_batches_and_within_its_budget() {
    let mut world = World::new().await;
    world.pipeline.sync.per_hour = 5;
    let repositories: Vec<_> = (0..4).map(|_| fixture("move")).collect();
    for (index, known) in repositories.iter().enumerate() {
        world.forge.add(repository(index as u64, &format!("r{index}"), &known.path()));
    }
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    world.forge.take_asked();
    world.run(&clock()).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["about 3", "about 1"]);
    world.run(&clock()).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), [] as [&str; 0], "none is due");
    let due = "INSERT INTO repositories SELECT * REPLACE (NULL AS next_sync_at, updated_at + 1 AS updated_at) FROM repositories FINAL";
    world.execute(due).await;
    world.run(&clock()).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["about 1"], "five visits an hour");
    // Somebody who asks for all gets all, and a job that was parked in between goes on where it was.
    let mut all = job(JobKind::Sync, None);
    all.arguments.all = true;
    let budget = ForgeError::OutOfBudget { forge: HOST.to_owned(), resource: "graphql".to_owned(), until: 1 };
    world.forge.fail(budget);
    assert!(matches!(world.run(&all).await.ended, Ok(Ended::Parked { until_ms: 1_000, .. })));
    world.forge.take_asked();
    world.run(&all).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["about 3", "about 1"]);
    world.run(&all).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gets_no_answer_stays_as_it_is() {
    let cluster = fixture("flux-cluster");
    let world = World::new().await;
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let before = world.only().await;
    world.forge.state().silent.push("1".to_owned());
    let error = world.run(&job(JobKind::Sync, Some(id_of(&before)))).await.ended.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let after = world.only().await;
    assert_eq!((after.status(), after.last_sync()), (RepositoryStatus::Active, before.last_sync()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_is_recorded_and_tried_later_and_later() {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    let id = id_of(&world.only().await);
    let objects = cluster.path().join(".git/objects");
    std::fs::rename(&objects, objects.with_file_name("hidden")).unwrap();
    let mut waits = Vec::new();
    for _ in 0..3 {
        world.run(&job(JobKind::Sync, Some(id))).await.ended.unwrap_err();
        let record = world.only().await;
        let sync = record.last_sync();
        assert!(sync.status == RunStatus::Failed && sync.error.is_some(), "{sync:?}");
        waits.push((record.next_sync_at.unwrap() - sync.at_ms.unwrap()) / 60_000);
    }
    assert!(waits[0] >= 30 && waits[1] > waits[0] && waits[2] > waits[1], "{waits:?}");
    std::fs::rename(objects.with_file_name("hidden"), &objects).unwrap();
    world.sync(id).await;
    assert_eq!(world.only().await.last_sync().error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_forge_is_fetched_at_each_visit_and_gone_with_its_folder() {
    use JobKind::{Scan, Sync};
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    let id = world.pipeline.add_repository(cluster.path().to_str().unwrap()).await.unwrap().id;
    assert_eq!(world.run_all(clock()).await, [Sync, Sync, Scan]);
    cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    assert_eq!(world.sync(id).await, [Sync, Scan]);
    assert_eq!(world.forge.take_asked(), [] as [&str; 0]);
    let (path, away) = (cluster.path(), cluster.path().with_file_name("away"));
    std::fs::rename(&path, &away).unwrap();
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Gone);
    std::fs::rename(&away, &path).unwrap();
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);
}
