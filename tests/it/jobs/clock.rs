//! Schedules: when they run, who stops them, and what a tick does.

use std::time::Duration;

use chrono::{DateTime, Timelike};
use kubestats::jobs::{Clock, JobsError, Queue, Schedule, ScheduleRule};
use kubestats::model::{JobKind, JobState, Requester};

use super::support::{SECOND, Step, on_bench};

const NEVER: &str = "0 0 0 1 1 *";
const EVERY_SECOND: &str = "* * * * * *";

async fn start(queue: &Queue, cron: Option<&str>) -> Clock {
    let rules = vec![
        ScheduleRule { name: "sync", kind: JobKind::Sync, cron: cron.map(str::to_owned) },
        ScheduleRule { name: "retention", kind: JobKind::Retain, cron: Some("0 23 3 * * *".to_owned()) },
    ];
    Clock::start(queue.clone(), rules).await.unwrap()
}

fn first(clock: &Clock) -> Schedule {
    clock.schedules().remove(0)
}

#[test]
fn schedules_tell_when_they_ran_and_will_run() {
    on_bench("schedules_tell_when_they_ran", async |bench| {
        let queue = bench.queue().await;
        let clock = start(&queue, Some(NEVER)).await;
        let schedules = clock.schedules();
        assert_eq!(schedules.iter().map(|schedule| schedule.name.as_str()).collect::<Vec<_>>(), ["sync", "retention"]);
        let next = DateTime::from_timestamp_millis(schedules[1].next_run_at_ms.unwrap()).unwrap();
        assert_eq!((next.hour(), next.minute(), next.second()), (3, 23, 0));
        let now = DateTime::from_timestamp_millis(bench.now_ms()).unwrap();
        assert!(next > now && next < now + chrono::Duration::days(1));
        assert_eq!((schedules[1].last_run_at_ms, schedules[1].last_job), (None, None));

        let enqueued = clock.run("sync").await.unwrap();
        assert_eq!((enqueued.job.kind, enqueued.job.repository), (JobKind::Sync, None));
        queue.ended(enqueued.job.id).await.unwrap();
        assert_eq!(first(&clock).last_job, Some(enqueued.job.id));
        // A later process knows of it.
        clock.stop().await;
        let later = start(&queue, None).await;
        let schedule = first(&later);
        assert_eq!(schedule.last_job, Some(enqueued.job.id));
        assert!(schedule.last_run_at_ms.is_some());
        assert_eq!((schedule.is_enabled, schedule.next_run_at_ms, schedule.cron.as_str()), (false, None, ""));
        for result in [later.run("nothing").await.err(), later.pause("nothing", true).await.err()] {
            assert!(matches!(result, Some(JobsError::UnknownSchedule(_))), "{result:?}");
        }
    });
}

#[test]
fn a_tick_asks_and_does_nothing_else() {
    on_bench("a_tick_asks", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Wait);
        let clock = start(&queue, Some(EVERY_SECOND)).await;
        bench.time.advance(SECOND);
        bench.script.have_begun(1).await;
        let began = first(&clock).last_run_at_ms;
        while first(&clock).last_run_at_ms <= began {
            bench.time.advance(SECOND);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The work goes on while the clock ticks, and what it asks for meanwhile is the same.
        let jobs = bench.all_stored().await;
        assert_eq!(jobs.len(), 1, "{jobs:#?}");
        assert_eq!((jobs[0].state, &jobs[0].requested_by), (JobState::Running, &Requester::Clock("sync".to_owned())));
        assert!(clock.last_beat_ms().unwrap() > 0);
        clock.stop().await;
        assert_eq!(clock.last_beat_ms(), None);
    });
}

#[test]
fn a_paused_schedule_stays_so_in_the_next_process() {
    on_bench("a_paused_schedule_stays_so", async |bench| {
        let queue = bench.queue().await;
        let clock = start(&queue, Some(NEVER)).await;
        let paused = clock.pause("sync", true).await.unwrap();
        assert_eq!((paused.is_enabled, paused.next_run_at_ms), (false, None));
        clock.stop().await;

        let next = start(&queue, Some(EVERY_SECOND)).await;
        assert!(!first(&next).is_enabled);
        let beat = next.last_beat_ms();
        while next.last_beat_ms() <= beat.map(|beat| beat + 2_000) {
            bench.time.advance(SECOND);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(bench.all_stored().await.is_empty(), "it ticks and asks for nothing");
        // Whoever wants it gets it nevertheless.
        next.run("sync").await.unwrap();
        let resumed = next.pause("sync", false).await.unwrap();
        assert!(resumed.is_enabled && resumed.next_run_at_ms.is_some());
        queue.idle().await;
        let begun = bench.script.begun().len();
        bench.time.advance(2 * SECOND);
        bench.script.have_begun(begun + 1).await;
        next.stop().await;
    });
}
