//! How attempts end, and what follows.

use std::time::Duration;

use kubestats::jobs::{JobsError, MOST_LINES, backoff_ms};
use kubestats::model::{JobId, JobKind, JobState, LogLevel};

use super::support::{MINUTE, START, Step, ask, by, clock, on_bench, person};

#[test]
fn a_failure_that_may_pass_is_tried_again_later() {
    on_bench("a_failure_that_may_pass", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Fail { code: "GIT", is_transient: true });
        let id = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        let mut now = START;
        for attempt in 1..3 {
            let waiting = bench.waits_after(id, attempt).await;
            let rest = backoff_ms(id, attempt);
            assert_eq!(waiting.not_before_ms, Some(now + rest));
            assert_eq!(waiting.error.as_ref().unwrap().code, "GIT");
            bench.time.advance(rest - 1);
            assert_eq!(bench.script.begun().len(), attempt as usize, "not before its time");
            bench.time.advance(1);
            now += rest;
        }
        let failed = queue.ended(id).await.unwrap();
        assert_eq!((failed.state, failed.attempts), (JobState::Failed, 3));
        assert_eq!(bench.script.begun().len(), 3);
        let lines = bench.log(id).await;
        assert_eq!(lines.iter().filter(|line| line.text == "GIT: as scripted").count(), 3);
        assert!(lines.iter().zip(&lines[1..]).all(|(line, next)| line.number < next.number));
    });
}

#[test]
fn a_failure_that_stays_is_not_tried_again() {
    on_bench("a_failure_that_stays", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Fail { code: "BAD_QUERY", is_transient: false });
        let id = ask(&queue, by(clock(), JobKind::Discover, None)).await;
        let failed = queue.ended(id).await.unwrap();
        assert_eq!((failed.state, failed.attempts), (JobState::Failed, 1));
        assert_eq!(failed.error.unwrap().message, "as scripted");
    });
}

#[test]
fn a_person_does_not_wait_for_the_rest_after_a_failure() {
    on_bench("a_person_does_not_wait", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|job| match job.attempts {
            1 => Step::Fail { code: "GIT", is_transient: true },
            _ => Step::Succeed,
        });
        let id = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        bench.waits_after(id, 1).await;
        assert!(queue.enqueue(by(person(), JobKind::Aggregate, None)).await.unwrap().joined);
        let ended = queue.ended(id).await.unwrap();
        assert_eq!((ended.state, ended.attempts, ended.error), (JobState::Succeeded, 2, None));
    });
}

#[test]
fn a_parked_job_goes_on_in_its_time_and_holds_no_worker() {
    on_bench("a_parked_job_goes_on", async |bench| {
        let queue = bench.queue_with(kubestats::jobs::QueueOptions { parallel: 1, ..bench.options() }).await;
        let until_ms = START + 40 * MINUTE;
        let mut times = 0;
        bench.script.plan(move |job| match job.kind {
            JobKind::Discover if times < 5 => {
                times += 1;
                Step::Park { until_ms: until_ms + i64::from(times - 1) * MINUTE }
            }
            _ => Step::Succeed,
        });
        let id = ask(&queue, by(clock(), JobKind::Discover, None)).await;
        let parked = bench.becomes(id, JobState::Parked).await;
        assert_eq!((parked.not_before_ms, parked.attempts), (Some(until_ms), 0));
        assert_eq!(parked.progress.message, "no budget");
        // Others go on meanwhile, and a person cannot hurry a forge.
        let other = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        queue.ended(other).await.unwrap();
        assert!(queue.enqueue(by(person(), JobKind::Discover, None)).await.unwrap().joined);
        let begun = bench.script.begun().len();
        assert_eq!(begun, 2);
        bench.time.advance(40 * MINUTE);
        for _ in 0..5 {
            bench.time.advance(MINUTE);
        }
        let ended = queue.ended(id).await.unwrap();
        assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 1), "it waited oftener than it may fail");
    });
}

#[test]
fn a_job_that_waits_is_cancelled_at_once() {
    on_bench("a_job_that_waits_is_cancelled", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|job| match job.kind {
            JobKind::Discover => Step::Park { until_ms: START + MINUTE },
            _ => Step::Fail { code: "GIT", is_transient: true },
        });
        for kind in [JobKind::Discover, JobKind::Aggregate] {
            let id = ask(&queue, by(clock(), kind, None)).await;
            while bench.stored(id).await.not_before_ms.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let cancelled = queue.cancel(id).await.unwrap();
            assert_eq!(cancelled.state, JobState::Cancelled);
            assert_eq!(bench.stored(id).await, cancelled);
            let error = queue.cancel(id).await.unwrap_err();
            assert!(matches!(error, JobsError::HasEnded(JobState::Cancelled)), "{error}");
        }
        assert!(matches!(queue.cancel(JobId::now()).await, Err(JobsError::NotFound(_))));
        bench.time.advance(60 * MINUTE);
        queue.idle().await;
        assert_eq!(bench.script.begun().len(), 2);
    });
}

#[test]
fn a_job_that_runs_is_cancelled_whether_or_not_it_listens() {
    on_bench("a_job_that_runs_is_cancelled", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|job| if job.kind == JobKind::Discover { Step::Wait } else { Step::Deaf });
        for kind in [JobKind::Discover, JobKind::Aggregate] {
            let id = ask(&queue, by(clock(), kind, None)).await;
            bench.becomes(id, JobState::Running).await;
            assert_eq!(queue.cancel(id).await.unwrap().state, JobState::Cancelled);
        }
        assert_eq!(*bench.script.dropped.borrow(), 1, "the deaf one was dropped");
        assert!(queue.workers().iter().all(|worker| worker.job.is_none()));
    });
}

#[test]
fn a_panic_fails_the_job_and_no_worker() {
    on_bench("a_panic_fails_the_job", async |bench| {
        let queue = bench.queue_with(kubestats::jobs::QueueOptions { parallel: 1, ..bench.options() }).await;
        bench.script.plan(|job| if job.kind == JobKind::Aggregate { Step::Panic } else { Step::Succeed });
        let id = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        let failed = queue.ended(id).await.unwrap();
        assert_eq!((failed.state, failed.attempts), (JobState::Failed, 1));
        assert_eq!(failed.error.unwrap().code, "INTERNAL");
        let next = ask(&queue, by(clock(), JobKind::Retain, None)).await;
        assert_eq!(queue.ended(next).await.unwrap().state, JobState::Succeeded);
    });
}

#[test]
fn a_log_has_an_end_and_its_last_line_says_so() {
    on_bench("a_log_has_an_end", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Tell(u64::from(MOST_LINES) + 25));
        let id = ask(&queue, by(clock(), JobKind::Retain, None)).await;
        let ended = queue.ended(id).await.unwrap();
        assert_eq!(ended.progress.done, u64::from(MOST_LINES) + 25, "the last progress counts");
        assert_eq!(ended.progress.unit, "lines");
        let lines = bench.log(id).await;
        assert_eq!(lines.len(), MOST_LINES as usize + 1);
        assert_eq!((lines[0].text.as_str(), lines[0].number), ("line 1", 0));
        let last = lines.last().unwrap();
        assert_eq!((last.level, last.text.starts_with("25 more lines were left out")), (LogLevel::Warn, true));
    });
}
