//! What an older version of the program stored.

use super::forge::repository;
use super::world::World;
use crate::support::repos::fixture;

#[tokio::test(flavor = "multi_thread")]
async fn newest_snapshots_and_what_was_added_by_hand_are_taken_over() {
    let world = World::new().await;
    let (cluster, moved) = (fixture("flux-cluster"), fixture("move"));
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    world.pipeline.add_repository(moved.path().to_str().unwrap()).await.unwrap();
    let expected = world.records().await;
    let before = "INSERT INTO repositories SELECT * REPLACE ([] AS metrics, \
        if(forge_id = '', [], discovery_tags) AS discovery_tags, updated_at + 1 AS updated_at) FROM repositories FINAL";
    world.execute(before).await;
    assert!(world.records().await.iter().all(|record| record.metrics().is_none()));
    world.execute("ALTER TABLE schema_migrations DELETE WHERE number = 11 SETTINGS mutations_sync = 2").await;
    assert_eq!(world.migrate().await, ["0011_newest_metrics"]);
    let after = world.records().await;
    assert_eq!(format!("{after:?}"), format!("{expected:?}"));
    let stars: Vec<u64> = after.iter().map(|record| record.stars).collect();
    assert!(stars.contains(&101) && stars.contains(&0), "{stars:?}");
}
