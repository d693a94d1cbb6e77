//! What discovery takes, what it leaves, and how often it asks.

use std::path::Path;

use kubestats::forge::ForgeError;
use kubestats::model::{JobKind, RepositoryStatus};
use kubestats::pipeline::Ended;
use kubestats::store::query::{DiscoveryStatRecord, DiscoveryStats, RepositoryRecord};

use super::forge::{HOST, repository};
use super::world::{World, id_of, job};
use crate::support::repos::{fixture, run_git};

async fn stats(world: &World) -> Vec<DiscoveryStatRecord> {
    world.pipeline.reader.snapshot().await.unwrap().fetch(&DiscoveryStats).await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_fetched_scanned_and_counted() {
    let world = World::new().await;
    let (cluster, plain) = (fixture("flux-cluster"), fixture("create-modify-delete"));
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.forge.add(repository(2, "plain", &plain.path()));
    for (id, name) in [(3, "fork"), (4, "archived"), (5, "private"), (6, "large")] {
        let path = cluster.beside(name);
        std::fs::create_dir_all(&path).unwrap();
        run_git(&path, &["init", "--quiet"]);
        world.forge.add(repository(id, name, &path));
    }
    world.forge.change(3, |known| known.profile.is_fork = true);
    world.forge.change(4, |known| known.profile.is_archived = true);
    world.forge.change(5, |known| known.is_private = true);
    world.forge.change(6, |known| known.metrics.size_kb = 1_001);

    let kinds = world.discover().await;
    use JobKind::{Discover, Scan, Sync};
    assert_eq!(kinds, [Discover, Sync, Sync, Scan, Scan]);
    assert_eq!(world.forge.take_asked(), ["search topic:flux"], "the forge has just told of them");

    let cluster = world.named("owner/cluster").await;
    assert_eq!(cluster.status, RepositoryStatus::Active);
    assert_eq!(cluster.discovery_tags, ["topic:flux"]);
    assert_eq!(cluster.forge_id.unwrap().alias(), "forge.test#1");
    assert_eq!(cluster.profile.description.unwrap(), "about cluster");
    let part = |name: &str| cluster.quality.parts.iter().find(|part| part.name == name).unwrap().clone();
    assert_eq!(part("stars").explanation, "101 stars");
    assert!(part("content").explanation.ends_with(" of Flux") && part("content").points >= 10, "{:?}", part("content"));
    assert_eq!(world.changes(cluster.id).await, ["status: PENDING -> ACTIVE"]);
    // What the search did not tell is asked for soon.
    let metrics = cluster.metrics.unwrap();
    assert_eq!((metrics.stars, metrics.watchers, metrics.resource_count, metrics.languages), (101, None, None, None));
    assert_eq!(cluster.next_sync_at_ms, None);
    assert_eq!(world.named("owner/large").await.status, RepositoryStatus::PendingApproval);
    assert_eq!(world.records().await.len(), 3);

    let stats = stats(&world).await;
    let stats = &stats[0];
    assert_eq!((stats.found, stats.new, stats.known, stats.taken, stats.accepted), (6, 3, 6, 3, 1));
    let mut rejected = stats.rejected.clone();
    rejected.sort();
    assert_eq!(rejected, [("archived".to_owned(), 1), ("fork".to_owned(), 1), ("private".to_owned(), 1)]);

    // The same again changes nothing.
    let before = format!("{:?}", world.records().await);
    assert_eq!(world.search().await, [Discover]);
    assert_eq!(format!("{:?}", world.records().await), before);
    assert_eq!(world.sql("SELECT toString(count()) FROM discoveries FINAL").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_names_is_taken_whatever_it_is() {
    let mut world = World::new().await;
    world.pipeline.discovery.queries.clear();
    world.pipeline.discovery.repositories = vec!["owner/secret".to_owned(), "owner/nowhere".to_owned()];
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "secret", &cluster.path()));
    world.forge.change(1, |known| (known.is_private, known.profile.is_fork) = (true, true));
    let ran = world.run(&job(JobKind::Discover, None)).await;
    assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
    assert_eq!(ran.warnings, ["owner/nowhere: forge.test does not know it, or shows it to others only"]);
    let found = world.only().await;
    assert_eq!(found.discovery_tags, ["list"]);
    // It is not asked for again, what was not found is; neither case nor a name that it had makes a difference.
    world.pipeline.discovery.repositories[0] = "Owner/Secret".to_owned();
    world.forge.take_asked();
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["named owner/nowhere"]);
    // A visit does not take it for gone, either.
    world.sync(id_of(&found)).await;
    assert_eq!(world.only().await.status(), RepositoryStatus::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_nowhere_does_not_hold_up_the_others() {
    let mut world = World::new().await;
    world.pipeline.discovery.queries.clear();
    world.pipeline.discovery.repositories = ["owner/odd", "owner/cluster"].map(str::to_owned).to_vec();
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.forge.state().forbidden.push("owner/odd".to_owned());
    let ran = world.run(&job(JobKind::Discover, None)).await;
    assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
    assert_eq!(ran.warnings, ["owner/odd: forge.test does not show it: not for you"]);
    assert_eq!(world.only().await.full_name, "owner/cluster");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_in_several_attempts_counts_all_it_found() {
    let world = World::new().await;
    let repositories: Vec<_> = (0..5).map(|_| fixture("move")).collect();
    for (index, known) in repositories.iter().enumerate() {
        world.forge.add(repository(index as u64, &format!("r{index}"), &known.path()));
    }
    let discover = job(JobKind::Discover, None);
    let cut = || ForgeError::OutOfBudget { forge: HOST.to_owned(), resource: "search".to_owned(), until: 1 };
    world.forge.state().cut = Some((1, cut));
    assert!(matches!(world.run(&discover).await.ended, Ok(Ended::Parked { .. })));
    assert_eq!(stats(&world).await.len(), 0, "it has not ended");
    // The network fails, and comes back.
    let cut = || ForgeError::Unreachable { forge: HOST.to_owned(), reason: "no route".to_owned() };
    world.forge.state().cut = Some((2, cut));
    world.run(&discover).await.ended.unwrap_err();
    let failed = &stats(&world).await[0];
    assert_eq!((failed.found, failed.new, failed.requests), (4, 4, 1));
    assert!(failed.error.as_ref().unwrap().contains("no route"));
    world.run(&discover).await.ended.unwrap();
    let whole = &stats(&world).await[0];
    assert_eq!((whole.found, whole.new, &whole.error), (5, 5, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_takes_the_most_starred_and_the_next_one_all() {
    let mut world = World::new().await;
    world.pipeline.discovery.first_run_limit = Some(2);
    let repositories: Vec<_> = (0..4).map(|_| fixture("move")).collect();
    for (index, known) in repositories.iter().enumerate() {
        world.forge.add(repository(index as u64, &format!("r{index}"), &known.path()));
    }
    let names = |records: Vec<RepositoryRecord>| records.into_iter().map(|record| record.name).collect::<Vec<_>>();
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    assert_eq!(names(world.records().await), ["r2", "r3"]);
    world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    assert_eq!(names(world.records().await), ["r0", "r1", "r2", "r3"]);
    // Both runs found something: it is asked again, and then rests.
    world.forge.take_asked();
    for _ in 0..3 {
        world.run(&job(JobKind::Discover, None)).await.ended.unwrap();
    }
    assert_eq!(world.forge.take_asked(), ["search topic:flux"]);
    // Who asks by name has an answer at once.
    let mut by_name = job(JobKind::Discover, None);
    by_name.arguments.queries = vec!["topic:flux".to_owned()];
    world.run(&by_name).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["search topic:flux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_forge_refuses_ends_in_words() {
    let mut world = World::new().await;
    world.pipeline.discovery.queries = ["topic:flux", "((", "topic:other"].map(str::to_owned).to_vec();
    let until = 4_000_000_000;
    let forge = || HOST.to_owned();
    let discover = job(JobKind::Discover, None);

    world.forge.fail(ForgeError::OutOfBudget { forge: forge(), resource: "search".to_owned(), until });
    let ended = world.run(&discover).await.ended.unwrap();
    let Ended::Parked { until_ms, .. } = ended else { panic!("{ended:?}") };
    assert_eq!(until_ms, until * 1_000);

    world.forge.take_asked();
    world.forge.fail(ForgeError::Unreachable { forge: forge(), reason: "no route".to_owned() });
    let error = world.run(&discover).await.ended.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("FORGE_UNREACHABLE", true));
    let text = error.to_string();
    assert!(text.lines().count() == 1 && text.contains("discovery.enabled = false"), "{text}");
    assert_eq!(world.forge.take_asked().len(), 1, "the others are not even tried");

    let bad = ForgeError::BadQuery { forge: forge(), expression: "((".to_owned(), reason: "no".to_owned() };
    world.forge.fail(bad);
    let ran = world.run(&discover).await;
    assert_eq!(ran.ended.unwrap(), Ended::Succeeded { run: None });
    assert_eq!(ran.warnings.len(), 1, "{:?}", ran.warnings);
    // The job that goes on leaves out what it has done.
    world.forge.take_asked();
    world.run(&discover).await.ended.unwrap();
    assert_eq!(world.forge.take_asked(), ["search topic:flux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_scanned_by_its_path_before_is_the_same() {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    let added = world.pipeline.add_repository(cluster.path().to_str().unwrap()).await.unwrap();
    world.sync(added.id).await;
    let scanned = world.only().await;
    assert_eq!((scanned.status(), scanned.forge.as_str()), (RepositoryStatus::Active, "local"));
    world.forge.add(repository(7, "cluster", &cluster.path()));
    world.discover().await;
    let found = world.only().await;
    assert_eq!(found.id, scanned.id);
    assert_eq!((found.full_name.as_str(), found.forge_id.as_str(), found.forge.as_str()), ("owner/cluster", "7", HOST));
    assert_eq!(found.discovery_tags, ["added by hand", "topic:flux"]);
    let renamed = world.changes(added.id).await.into_iter().find(|change| change.starts_with("name"));
    assert_eq!(renamed, None, "a path is no name");
    assert_eq!((found.created, &found.head_commit), (scanned.created, &scanned.head_commit));
    assert!(Path::new(&found.url).exists());
}
