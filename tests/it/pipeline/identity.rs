//! One repository is one row, whatever becomes of its name.

use kubestats::model::{JobKind, RepositoryStatus};

use super::forge::{Script, repository};
use super::world::{World, id_of, job};
use crate::support::repos::{TempRepo, fixture, run_git};

/// A world in which the cluster with the id 1 was discovered and scanned.
async fn discovered(repository_of: &TempRepo) -> World {
    let world = World::new().await;
    world.forge.add(repository(1, "cluster", &repository_of.path()));
    world.discover().await;
    world
}

/// Another place with the same history.
fn copy(repository: &TempRepo, name: &str) -> std::path::PathBuf {
    let path = repository.beside(name);
    run_git(&repository.path(), &["clone", "--quiet", ".", path.to_str().unwrap()]);
    run_git(&path, &["remote", "remove", "origin"]);
    path
}

fn rename(forge: &Script, owner: &str, name: &str, path: &std::path::Path) {
    forge.change(1, |known| {
        known.owner = owner.to_owned();
        known.name = name.to_owned();
        known.clone_url = path.to_str().unwrap().to_owned();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_and_a_transfer_keep_the_history() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let before = world.only().await;
    let events = world.sql("SELECT toString(count()) FROM resource_events").await;
    let (renamed, given) = (copy(&cluster, "renamed"), copy(&cluster, "given"));

    rename(&world.forge, "owner", "renamed", &renamed);
    world.sync(id_of(&before)).await;
    // The transfer is noticed by discovery.
    rename(&world.forge, "somebody", "given", &given);
    world.discover().await;

    let after = world.only().await;
    assert_eq!((after.id, after.full_name.as_str()), (before.id, "somebody/given"));
    let expected =
        ["name: owner/renamed -> somebody/given", "name: owner/cluster -> owner/renamed", "status: PENDING -> ACTIVE"];
    assert_eq!(world.changes(id_of(&before)).await, expected);
    for path in [cluster.path(), renamed, given] {
        let meant = world.pipeline.add_repository(path.to_str().unwrap()).await.unwrap();
        assert_eq!(meant.id, id_of(&before), "{}", path.display());
    }
    world.sync(id_of(&before)).await;
    assert_eq!(world.sql("SELECT toString(count()) FROM resource_events").await, events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_recorded_twice_is_told_once() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let id = id_of(&world.only().await);
    for is_archived in [true, false, true] {
        world.forge.change(1, |known| known.profile.is_archived = is_archived);
        world.sync(id).await;
    }
    let changes = world.changes(id).await;
    assert_eq!(changes[..3], ["archived: false -> true", "archived: true -> false", "archived: false -> true"]);
    // The insert whose answer was lost, and the job that was repeated since the repository's own row was not stored.
    for again in ["version", "version + 1 AS version, recorded_at + toIntervalMillisecond(1) AS recorded_at"] {
        let again = format!("INSERT INTO repository_changes SELECT * REPLACE ({again}) FROM repository_changes");
        world.execute(&again.replace(" REPLACE (version)", "")).await;
    }
    world.pipeline.block_repository(id).await.unwrap();
    assert_eq!(world.changes(id).await[1..], changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_given_to_another_repository_means_that_one() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let first = id_of(&world.only().await);
    rename(&world.forge, "owner", "renamed", &copy(&cluster, "renamed"));
    world.forge.add(repository(2, "cluster", &cluster.path()));
    world.discover().await;
    let second = world.named("owner/cluster").await;
    assert_ne!(second.id, first);
    assert_eq!(second.forge_id.unwrap().id, "2");
    assert_eq!(world.named("owner/renamed").await.id, first);
    let meant = world.pipeline.add_repository(cluster.path().to_str().unwrap()).await.unwrap();
    assert_eq!(meant.id, second.id);
    // It stays that way.
    world.sync(first).await;
    world.sync(second.id).await;
    world.discover().await;
    assert_eq!(world.records().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_turn_out_to_be_one_are_told_of() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let other = copy(&cluster, "other");
    let second = world.pipeline.add_repository(other.to_str().unwrap()).await.unwrap();
    // As one whose URL on the forge was an old name.
    world.execute("INSERT INTO repositories SELECT * REPLACE ('forge.test' AS forge, 'owner' AS owner, 'cluster' AS name, updated_at + 1 AS updated_at) FROM repositories FINAL WHERE forge_id = ''").await;
    let ended = world.run(&job(JobKind::Sync, Some(second.id))).await.ended;
    let error = ended.unwrap_err();
    assert!(error.to_string().contains("is owner/cluster on its forge"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanishes_is_gone_and_keeps_its_history() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let id = id_of(&world.only().await);
    let known = world.forge.state().repositories[0].clone();

    world.forge.remove(1);
    assert_eq!(world.sync(id).await, [JobKind::Sync]);
    let gone = world.only().await;
    assert_eq!(gone.status(), RepositoryStatus::Gone);
    assert!(gone.resources > 0 && gone.next_sync_at.unwrap() - gone.last_sync_at.unwrap() > 10 * 86_400_000);
    world.forge.add(known);
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);

    // Private again: for us it is gone, even when a token still sees it.
    let private = |known: &mut kubestats::model::ForgeRepository| {
        known.is_private = true;
        known.profile.description = Some("for me alone".to_owned());
    };
    world.forge.change(1, private);
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Gone);
    // A search with such a token does not bring it back, nor what it says now.
    assert_eq!(world.search().await, [JobKind::Discover]);
    let hidden = world.only().await;
    assert_eq!((hidden.status(), hidden.description.as_deref()), (RepositoryStatus::Gone, Some("about cluster")));
    world.forge.change(1, |known| known.is_private = false);
    world.search().await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);
    // It notices it, too.
    world.forge.change(1, private);
    world.search().await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Gone);
    // Somebody who adds it wants it all the same.
    world.pipeline.add_repository(cluster.path().to_str().unwrap()).await.unwrap();
    world.sync(id).await;

    world.forge.change(1, |known| known.profile.is_archived = true);
    world.sync(id).await;
    let changes = world.changes(id).await;
    let expected = [
        "archived: false -> true",
        "status: GONE -> ACTIVE",
        "status: ACTIVE -> GONE",
        "status: GONE -> ACTIVE",
        "status: ACTIVE -> GONE",
        "status: GONE -> ACTIVE",
        "status: ACTIVE -> GONE",
        "status: PENDING -> ACTIVE",
    ];
    assert_eq!(changes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_forge_is_no_repository() {
    let mut world = World::new().await;
    let github = kubestats::forge::GitHubOptions::new("https://api.github.com".parse().unwrap(), None, "tests");
    world.pipeline.forges = [kubestats::forge::AnyForge::github(github).unwrap()].into();
    for url in ["https://github.com/onedr0p/home-ops/tree/main", "https://github.com/onedr0p"] {
        let error = world.pipeline.add_repository(url).await.unwrap_err();
        assert!(error.code() == "BAD_SOURCE" && error.to_string().contains("OWNER/NAME"), "{error}");
    }
    let added = world.pipeline.add_repository("https://github.com/Onedr0p/home-ops.git").await.unwrap();
    assert_eq!(added.full_name(), "Onedr0p/home-ops");
    // Groups of other hosts may have groups in them.
    world.pipeline.add_repository("https://gitlab.com/group/sub/name").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_sticks() {
    let cluster = fixture("flux-cluster");
    let world = World::new().await;
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.forge.change(1, |known| known.metrics.size_kb = 5_000);
    world.discover().await;
    let id = id_of(&world.only().await);
    assert_eq!(world.only().await.status(), RepositoryStatus::PendingApproval);
    assert_eq!(world.sync(id).await, [JobKind::Sync], "it is not fetched");
    let refused = world.run(&job(JobKind::Scan, Some(id))).await.ended.unwrap_err();
    assert_eq!(refused.code(), "PENDING_APPROVAL");

    let approved = world.pipeline.approve_repository(id).await.unwrap().unwrap();
    assert_eq!(approved.status, RepositoryStatus::Pending);
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);
    world.forge.change(1, |known| known.metrics.size_kb = 50_000);
    world.sync(id).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_one_is_left_alone_until_it_is_approved() {
    let cluster = fixture("flux-cluster");
    let world = discovered(&cluster).await;
    let id = id_of(&world.only().await);
    let blocked = world.pipeline.block_repository(id).await.unwrap().unwrap();
    assert_eq!(blocked.status, RepositoryStatus::Blocked);
    for kind in [JobKind::Sync, JobKind::Scan] {
        let error = world.run(&job(kind, Some(id))).await.ended.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), ("BLOCKED", false));
    }
    world.forge.take_asked();
    let mut all = job(JobKind::Sync, None);
    all.arguments.all = true;
    world.run_all(all).await;
    world.discover().await;
    assert_eq!(world.forge.take_asked(), ["search topic:flux"]);
    assert_eq!(world.only().await.status(), RepositoryStatus::Blocked);
    let approved = world.pipeline.approve_repository(id).await.unwrap().unwrap();
    assert_eq!(approved.status, RepositoryStatus::Active);
    let nobody = kubestats::model::RepositoryId::from_alias("nobody");
    assert_eq!(world.pipeline.block_repository(nobody).await.unwrap(), None);
    assert_eq!(world.pipeline.approve_repository(nobody).await.unwrap(), None);
}
