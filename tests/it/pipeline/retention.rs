//! What has had its time goes, and nothing else.

use std::time::Duration;

use kubestats::model::{JobKind, JobState, RepositoryId};

use super::forge::repository;
use super::world::{World, id_of, job};
use crate::support::repos::fixture;

#[tokio::test(flavor = "multi_thread")]
async fn old_jobs_go() {
    let world = World::new().await;
    world.execute("ALTER TABLE jobs MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1").await;
    let now = chrono::Utc::now().timestamp_millis();
    let day = 86_400_000;
    for (days, state) in [(31, JobState::Succeeded), (29, JobState::Failed), (40, JobState::Queued)] {
        let mut old = job(JobKind::Sync, None);
        // Its states are rows that nothing has merged yet.
        for state in [JobState::Queued, JobState::Running, state].into_iter().take(if state.is_ended() { 3 } else { 1 })
        {
            old.state = state;
            old.ended_at_ms = state.is_ended().then_some(now - days * day);
            world.pipeline.writer.save_job(&old).await.unwrap();
        }
    }
    let rows = world.sql("SELECT toString(count()) FROM jobs").await;
    assert_eq!(rows, ["7"], "older states lie there");
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    let left = world.sql("SELECT toString(state) FROM jobs FINAL ORDER BY state").await;
    assert_eq!(left, ["QUEUED", "FAILED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_sees_go_unless_somebody_scans() {
    let mut world = World::new().await;
    world.pipeline.retention.strays = Duration::ZERO;
    let (cluster, other) = (fixture("flux-cluster"), fixture("create-modify-delete"));
    for (id, known) in [(1, &cluster), (2, &other)] {
        world.forge.add(repository(id, &format!("r{id}"), &known.path()));
    }
    world.discover().await;
    let busy = world.named("owner/r2").await.id;
    let before = world.sql("SELECT toString(count()) FROM resource_events").await;
    // What a scan of the next generation, one that went on, and one of a repository that was removed left.
    for change in ["generation + 1 AS generation", "sequence + 1000 AS sequence", "generateUUIDv4() AS repository_id"] {
        world
            .execute(&format!("INSERT INTO resource_events SELECT * REPLACE ({change}) FROM resource_events LIMIT 40"))
            .await;
        world.execute(&format!("INSERT INTO resources SELECT * REPLACE ({change}) FROM resources LIMIT 10")).await;
    }
    let visible = world.sql("SELECT toString(resources) FROM checkpoints ORDER BY repository_id").await;
    // A scan that ended a moment ago may still have readers of what was before.
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_ne!(world.sql("SELECT toString(count()) FROM resource_events").await, before);
    let long_ago = "INSERT INTO repositories SELECT * REPLACE (toDateTime64(1, 3) AS last_scan_at, updated_at + 1 AS updated_at) FROM repositories FINAL";
    world.execute(long_ago).await;
    let lock = std::fs::File::create(world.pipeline.mirrors.join(format!("{busy}.lock"))).unwrap();
    lock.try_lock().unwrap();
    let of_busy = format!("SELECT toString(count()) FROM resource_events WHERE repository_id = '{busy}'");
    let held = world.sql(&of_busy).await;
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_eq!(world.sql(&of_busy).await, held, "another scan may need them");
    drop(lock);
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_eq!(world.sql("SELECT toString(count()) FROM resource_events").await, before);
    assert_eq!(world.sql("SELECT toString(resources) FROM checkpoints ORDER BY repository_id").await, visible);
    assert_eq!(world.files().iter().filter(|name| name.ends_with(".lock")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_make_room_the_least_useful_first_and_come_back() {
    let mut world = World::new().await;
    let repositories: Vec<_> = (0..3).map(|_| fixture("flux-cluster")).collect();
    for (id, known) in (1..).zip(&repositories) {
        world.forge.add(repository(id, &format!("r{id}"), &known.path()));
    }
    world.discover().await;
    let ids = [1, 2, 3].map(|id| format!("owner/r{id}"));
    let mut known: Vec<RepositoryId> = Vec::new();
    for name in &ids {
        known.push(world.named(name).await.id);
    }
    // The first is blocked, the second has fewer stars than the third.
    world.pipeline.block_repository(known[0]).await.unwrap();
    world.forge.change(3, |known| known.metrics.stars = 900);
    world.sync(known[2]).await;
    world.run(&job(JobKind::Aggregate, None)).await.ended.unwrap();
    let present = |world: &World| known.iter().map(|id| world.mirror(*id).exists()).collect::<Vec<_>>();

    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_eq!(present(&world), [true; 3], "there is no limit");
    let size = bytes_in(&world.mirror(known[2]));
    world.pipeline.retention.mirrors_bytes = Some(size * 5 / 2);
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_eq!(present(&world), [false, true, true]);
    world.pipeline.retention.mirrors_bytes = Some(0);
    let lock = std::fs::File::create(world.pipeline.mirrors.join(format!("{}.lock", known[2]))).unwrap();
    lock.try_lock().unwrap();
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert_eq!(present(&world), [false, false, true], "one that is in use stays");
    drop(lock);

    // It does not come back for nothing.
    world.pipeline.retention.mirrors_bytes = None;
    assert_eq!(world.sync(known[1]).await, [JobKind::Sync]);
    assert_eq!(present(&world), [false, false, true]);
    repositories[1].commit_file("new.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: new}\n", "new");
    world.forge.change(2, |known| known.metrics.pushed_at = Some(1_704_200_000));
    assert_eq!(world.sync(known[1]).await, [JobKind::Sync, JobKind::Scan]);
    assert_eq!(present(&world), [false, true, true]);
    let added = world.sql("SELECT toString(count()) FROM resource_events WHERE name = 'new'").await;
    assert_eq!(added, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_removed_repositories_left_on_disk_goes() {
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let id = id_of(&world.only().await);
    let kept = world.files();
    let removed = RepositoryId::from_alias("removed");
    std::fs::create_dir_all(world.mirror(removed).join("objects")).unwrap();
    for name in [format!("{removed}.push"), format!("{removed}.lock"), "notes.txt".to_owned()] {
        std::fs::write(world.pipeline.mirrors.join(name), "").unwrap();
    }
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    let mut expected = kept;
    expected.push("notes.txt".to_owned());
    expected.sort();
    assert_eq!(world.files(), expected);
    assert!(world.mirror(id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_measures_its_own_mirror_alone() {
    let mut world = World::new().await;
    let repositories = [fixture("flux-cluster"), fixture("create-modify-delete")];
    for (id, known) in (1..).zip(&repositories) {
        world.forge.add(repository(id, &format!("r{id}"), &known.path()));
    }
    world.discover().await;
    let [first, second] = [world.named("owner/r1").await.id, world.named("owner/r2").await.id];
    let budget = 10 << 20;
    world.pipeline.retention.mirrors_bytes = Some(budget);
    world.run(&job(JobKind::Scan, Some(second))).await.ended.unwrap();
    let grow = |id| {
        let file = std::fs::File::create(world.mirror(id).join("objects/pack/large")).unwrap();
        file.set_len(budget + 1).unwrap();
    };
    // The less useful one.
    grow(second);
    world.run(&job(JobKind::Scan, Some(first))).await.ended.unwrap();
    assert!(world.mirror(second).exists(), "it was within the budget, and nobody has scanned it since");
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    assert!(!world.mirror(second).exists() && world.mirror(first).exists());
    grow(first);
    world.run(&job(JobKind::Scan, Some(first))).await.ended.unwrap();
    assert!(!world.mirror(first).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_snapshots_are_thinned_and_no_change_is_lost() {
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    let world = World::new().await;
    let cluster = fixture("flux-cluster");
    world.forge.add(repository(1, "cluster", &cluster.path()));
    world.discover().await;
    let now = chrono::Utc::now().timestamp_millis();
    let midnight = now - now % DAY;
    // Every six hours for 800 days; on one day there was a star more.
    let special = midnight - 600 * DAY;
    let time = format!("{} - toInt64(number) * {}", midnight - 3 * HOUR, 6 * HOUR);
    let stars = format!("if({time} BETWEEN {special} AND {}, 6, 5)", special + DAY);
    let snapshots = format!(
        "INSERT INTO repository_metrics \
         SELECT one.* REPLACE (fromUnixTimestamp64Milli({time}) AS recorded_at, {stars} AS stars) \
         FROM (SELECT * FROM repository_metrics LIMIT 1) AS one, numbers(3200) AS n"
    );
    world.execute(&snapshots).await;
    let times = async || -> Vec<i64> {
        let sql = "SELECT toString(toUnixTimestamp64Milli(recorded_at)) FROM repository_metrics ORDER BY recorded_at";
        world.sql(sql).await.iter().map(|time| time.parse().unwrap()).collect()
    };
    let before = times().await;
    assert_eq!(before.len(), 3_201);
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    let after = times().await;
    let of = |times: &[i64], days: std::ops::Range<i64>| -> Vec<i64> {
        let range = midnight - days.end * DAY..midnight - days.start * DAY;
        times.iter().copied().filter(|time| range.contains(time)).collect()
    };
    assert_eq!(after.last(), before.last());
    assert_eq!(of(&after, 0..30), of(&before, 0..30));
    let lasts: Vec<i64> = of(&before, 31..365).into_iter().filter(|time| (time + 3 * HOUR) % DAY == 0).collect();
    assert_eq!(of(&after, 31..365), lasts, "the last of each day");
    // 1970-01-05 was a Monday.
    let is_sunday = |time: &i64| (time - 4 * DAY) / DAY % 7 == 6;
    let of_changes = [special + 21 * HOUR, special + DAY + 21 * HOUR];
    for days in [372..599, 599..601, 601..799] {
        let kept = of(&after, days.clone());
        let is_kept = |time: &i64| of_changes.contains(time) || (is_sunday(time) && (time + 3 * HOUR) % DAY == 0);
        let expected: Vec<i64> = of(&before, days.clone()).into_iter().filter(is_kept).collect();
        assert_eq!(kept, expected, "{days:?} days ago");
    }
    world.run(&job(JobKind::Retain, None)).await.ended.unwrap();
    let mutations = "SELECT toString(count()) FROM system.mutations WHERE database = currentDatabase() AND command LIKE '%toMonday%'";
    assert_eq!((times().await, world.sql(mutations).await), (after, vec!["1".to_owned()]), "it is done");
}

fn bytes_in(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { bytes_in(&path) } else { path.metadata().unwrap().len() }).sum()
}
