//! Visits: snapshots, fetches after pushes alone, and their rhythm.

use std::fs::File;
use std::sync::Arc;

use kubestats::forge::ForgeError;
use kubestats::model::{JobKind, JobRequest, RepositoryId, RepositoryStatus, Requester, RunStatus};
use kubestats::pipeline::{Ended, PipelineError};
use kubestats::store::query::{MetricsBetween, MetricsRecord};

use super::forge::{HOST, repository};
use super::world::{World, id_of, job, request};
use crate::support::process::eventually;
use crate::support::repos::{TempRepo, fixture};

async fn snapshots(world: &World, id: RepositoryId) -> Vec<MetricsRecord> {
    let question = MetricsBetween {
        repositories: vec![id.0],
        from_ms: 0,
        to_ms: MetricsBetween::LAST_MS,
        most: 100,
        bucket: None,
    };
    world.pipeline.reader.snapshot().await.unwrap().fetch(&question).await.unwrap().to_vec()
}

/// The clock's visit of all that are due.
fn clock() -> kubestats::model::Job {
    let requested_by = Requester::Clock("sync".to_owned());
    request(JobRequest { kind: JobKind::Sync, repository: None, arguments: Default::default(), requested_by })
}

/// A world that has discovered and scanned one repository of a forge.
async fn discovered() -> (World, TempRepo, RepositoryId) {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let id = id_of(&world.only().await);
    (world, cluster, id)
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
    let (old, new, nine) = (Some(before.resources), Some(after.resources), Some(9));
    assert_eq!(told, [(500, nine, new), (500, nine, old), (500, nine, old), (500, nine, old), (101, None, None)]);
    assert!(!snapshots[4].has_languages);
    assert_eq!(world.only().await.metrics(), Some(snapshots[0].to_model()));
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
    world.make_due().await;
    let unreachable = ForgeError::Unreachable { forge: HOST.to_owned(), reason: "no route".to_owned() };
    world.forge.fail(unreachable);
    world.run(&clock()).await.ended.unwrap_err();
    assert_eq!(world.forge.take_asked(), ["about 1"]);
    world.run(&clock()).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["about 1"], "five visits an hour; one that was not answered is none");
    world.make_due().await;
    world.run(&clock()).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), [] as [&str; 0]);
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
async fn what_gets_no_answer_is_told_of_and_asked_about_later_and_later() {
    let cluster = fixture("flux-cluster");
    let world = World::new().await;
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let id = id_of(&world.only().await);
    world.forge.state().silent.push("1".to_owned());
    let error = world.run(&job(JobKind::Sync, Some(id))).await.ended.unwrap_err();
    assert!(error.to_string().contains("it is silent"), "{error}");
    let mut waits = vec![wait(&world).await];
    for _ in 0..2 {
        world.make_due().await;
        let ran = world.run(&clock()).await;
        assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
        assert_eq!(ran.warnings, ["1 of 1 repositories were not told of; owner/cluster: it is silent"]);
        waits.push(wait(&world).await);
    }
    assert!(waits[0] >= 30 && waits[1] >= 60 && waits[2] >= 120, "{waits:?}");
    let after = world.only().await;
    assert_eq!((after.status(), after.sync_error.as_deref()), (RepositoryStatus::Active, Some("it is silent")));
    world.forge.state().silent.clear();
    world.sync(id).await;
    assert_eq!((world.only().await.last_sync().status, wait(&world).await > 1_000), (RunStatus::Succeeded, true));
}

/// Minutes from the last visit of the only repository to its next one.
async fn wait(world: &World) -> i64 {
    let record = world.only().await;
    (record.next_sync_at.unwrap() - record.last_sync_at.unwrap()) / 60_000
}

#[tokio::test(flavor = "multi_thread")]
async fn one_odd_repository_does_not_hold_up_the_others() {
    let world = World::new().await;
    let repositories = [fixture("move"), fixture("create-modify-delete"), fixture("flux-cluster")];
    for (id, known) in (1..).zip(&repositories[..2]) {
        world.forge.add(repository(id, &format!("r{id}"), &known.path()));
    }
    world.discover().await;
    // Added by its URL: its forge was not asked yet, and refuses.
    let odd = world.pipeline.add_repository(repositories[2].path().to_str().unwrap()).await.unwrap().id;
    world.execute("INSERT INTO repositories SELECT * REPLACE ('forge.test' AS forge, 'owner' AS owner, 'odd' AS name, updated_at + 1 AS updated_at) FROM repositories FINAL WHERE forge_id = ''").await;
    world.forge.state().forbidden.push("owner/odd".to_owned());
    for round in 1..3 {
        world.make_due().await;
        let ran = world.run(&clock()).await;
        assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
        assert!(ran.warnings.len() == 1 && ran.warnings[0].contains("not for you"), "{:?}", ran.warnings);
        let records = world.records().await;
        let failed: Vec<_> = records.iter().map(|record| (record.id == odd.0, record.failed_syncs)).collect();
        assert!(failed.iter().all(|(is_odd, failed)| *failed == if *is_odd { round } else { 0 }), "{failed:?}");
        assert!(records.iter().all(|record| record.next_sync_at.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_is_recorded_and_tried_later_and_later() {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    let objects = cluster.path().join(".git/objects");
    std::fs::rename(&objects, objects.with_file_name("hidden")).unwrap();
    std::fs::create_dir(&objects).unwrap();
    let mut waits = Vec::new();
    for _ in 0..3 {
        world.make_due().await;
        let ran = world.run(&clock()).await;
        assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
        let [fetch] = ran.requests.try_into().unwrap();
        let error = world.run(&request(fetch)).await.ended.unwrap_err();
        assert!(matches!(error, PipelineError::Git(_)), "git was asked: {error}");
        let sync = world.only().await.last_sync();
        assert!(sync.status == RunStatus::Failed && sync.error.is_some(), "{sync:?}");
        waits.push(wait(&world).await);
    }
    assert!(waits[0] >= 30 && waits[1] >= 60 && waits[2] >= 120, "{waits:?}");
    std::fs::remove_dir(&objects).unwrap();
    std::fs::rename(objects.with_file_name("hidden"), &objects).unwrap();
    world.sync(id_of(&world.only().await)).await;
    assert_eq!((world.only().await.last_sync().error, world.only().await.failed_syncs), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_and_not_scanned_is_scanned_after_the_next_visit() {
    use JobKind::{Scan, Sync};
    let (world, cluster, id) = discovered().await;
    let head = cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    world.forge.change(1, |known| known.metrics.pushed_at = Some(1_704_200_000));
    // The scan fails, or the process ends before it.
    assert_eq!(world.run(&job(Sync, Some(id))).await.requests.len(), 1);
    world.make_due().await;
    let ran = world.run(&clock()).await;
    assert_eq!(ran.requests.iter().map(|request| request.kind).collect::<Vec<_>>(), [Scan]);
    assert_eq!(world.sync(id).await, [Sync, Scan]);
    assert_eq!(world.only().await.head_commit, head);
    assert_eq!(world.sync(id).await, [Sync]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_default_branch_is_followed_without_a_push() {
    use JobKind::{Scan, Sync};
    let (world, cluster, id) = discovered().await;
    cluster.git(&["checkout", "--quiet", "-b", "next"]);
    let head = cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    world.forge.change(1, |known| known.profile.default_branch = "next".to_owned());
    assert_eq!(world.sync(id).await, [Sync, Scan]);
    assert_eq!(world.sync(id).await, [Sync]);
    let record = world.only().await;
    assert_eq!((record.head_commit, record.default_branch.as_str()), (head, "next"));
    assert_eq!(world.changes(id).await, ["branch: main -> next", "status: PENDING -> ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_asked_for_does_not_wait_for_the_budget() {
    use JobKind::{Scan, Sync};
    let (world, cluster, id) = discovered().await;
    let head = cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    let budget = || ForgeError::OutOfBudget { forge: HOST.to_owned(), resource: "core".to_owned(), until: 1 };
    world.forge.fail(budget());
    assert!(matches!(world.run(&job(Sync, Some(id))).await.ended, Ok(Ended::Parked { .. })));
    // As a webhook asks.
    let mut fetch = job(Sync, Some(id));
    fetch.arguments.fetch = true;
    world.forge.fail(budget());
    assert_eq!(world.run_all(fetch).await, [Sync, Scan]);
    assert_eq!(world.only().await.head_commit, head);
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_while_it_is_fetched_stays_blocked() {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    let id = world.pipeline.add_repository(cluster.path().to_str().unwrap()).await.unwrap().id;
    world.sync(id).await;
    let (path, away) = (cluster.path(), cluster.path().with_file_name("away"));
    std::fs::rename(&path, &away).unwrap();
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Gone);
    std::fs::rename(&away, &path).unwrap();
    cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");

    // Somebody else fetches into the mirror: this fetch waits, and what it has read of the repository gets old.
    let mirror = File::create(world.mirror(id).join("kubestats-lock")).unwrap();
    mirror.lock().unwrap();
    // Whoever takes the repository's lock writes its name into it.
    let lock = world.pipeline.mirrors.join(format!("{id}.lock"));
    std::fs::write(&lock, "").unwrap();
    let fetch = world.begin(&job(JobKind::Sync, Some(id)), Arc::default());
    eventually("the fetch has begun", || std::fs::read(&lock).unwrap().ends_with(b"\n"));
    world.pipeline.block_repository(id).await.unwrap();
    drop(mirror);
    fetch.await.unwrap().unwrap();
    let after = world.only().await;
    assert_eq!((after.status(), after.sync_error), (RepositoryStatus::Blocked, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_synced_and_scanned_with_few_questions() {
    let (world, cluster, id) = discovered().await;
    cluster.commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    world.forge.change(1, |known| known.metrics.pushed_at = Some(1_704_200_000));
    let before = world.pipeline.reader.asked();
    assert_eq!(world.sync(id).await, [JobKind::Sync, JobKind::Scan]);
    let asked = world.pipeline.reader.asked() - before;
    assert!(asked <= 23, "{asked} questions");
}
