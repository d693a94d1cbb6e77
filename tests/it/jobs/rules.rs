//! What must hold whatever else happens: a wish is not lost, nothing rises from the dead, nobody waits for ever.

use std::time::Duration;

use kubestats::jobs::{Clock, QueueOptions, ScheduleRule};
use kubestats::model::{Job, JobArguments, JobId, JobKind, JobRequest, JobState, RepositoryId, Requester};
use uuid::Uuid;

use super::processes::left;
use super::support::{Bench, MINUTE, Step, ask, by, clock, on_bench, person};

async fn repositories(bench: &Bench, count: usize) -> Vec<RepositoryId> {
    let mut repositories = Vec::new();
    for number in 0..count {
        repositories.push(bench.repository(&format!("https://forge.example/x/{number}")).await);
    }
    repositories
}

fn alone(bench: &Bench) -> QueueOptions {
    QueueOptions { parallel: 1, ..bench.options() }
}

#[test]
fn what_is_asked_for_while_it_runs_is_done_once_more() {
    on_bench("what_is_asked_for_while_it_runs", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Wait);
        let repository = bench.repository("https://forge.example/a/b").await;
        let id = ask(&queue, by(clock(), JobKind::Sync, Some(repository))).await;
        bench.script.have_begun(1).await;
        // A push comes while git is at work; whether git has seen it nobody can tell.
        for _ in 0..3 {
            let arguments = JobArguments { fetch: true, ..JobArguments::default() };
            let pushed = JobRequest { arguments, ..by(Requester::Webhook, JobKind::Sync, Some(repository)) };
            assert!(queue.enqueue(pushed).await.unwrap().joined);
        }
        bench.script.gate.add_permits(1);
        bench.script.have_begun(2).await;
        assert!(bench.script.begun()[1].arguments.fetch);
        // The clock asks again by itself.
        assert!(queue.enqueue(by(clock(), JobKind::Sync, Some(repository))).await.unwrap().joined);
        bench.script.gate.add_permits(1);
        let ended = queue.ended(id).await.unwrap();
        assert_eq!((ended.state, bench.script.begun().len()), (JobState::Succeeded, 2));
        let again = "once more: it was asked for again while it ran".to_owned();
        assert!(bench.log_texts(id).await.contains(&again));
    });
}

#[test]
fn a_process_that_ends_again_and_again_ends_the_job() {
    on_bench("a_process_that_ends_again", async |bench| {
        let dead = Some(Uuid::new_v4());
        let poison = Job { attempts: 3, ..left(JobKind::Aggregate, JobState::Running, dead) };
        let unwanted = Job { is_cancelled: true, ..left(JobKind::Retain, JobState::Running, dead) };
        bench.writer.save_jobs(&[&poison, &unwanted]).await.unwrap();
        let queue = bench.queue().await;
        let ended = queue.ended(poison.id).await.unwrap();
        assert_eq!((ended.state, ended.error.unwrap().code.as_str()), (JobState::Failed, "CRASHED"));
        assert_eq!(queue.ended(unwanted.id).await.unwrap().state, JobState::Cancelled);
        assert!(bench.script.begun().is_empty());
    });
}

#[test]
fn a_clock_that_was_set_back_undoes_no_state() {
    on_bench("a_clock_that_was_set_back", async |bench| {
        let job = left(JobKind::Aggregate, JobState::Running, Some(Uuid::new_v4()));
        bench.writer.save_job(&job).await.unwrap();
        // As if it had been stored by a clock that was an hour ahead.
        bench.execute("INSERT INTO jobs SELECT * REPLACE (version + 3600000000 AS version) FROM jobs").await;
        let queue = bench.queue().await;
        assert_eq!(queue.ended(job.id).await.unwrap().state, JobState::Succeeded);
        assert_eq!(bench.stored(job.id).await.state, JobState::Succeeded);
    });
}

#[test]
fn what_a_job_of_one_repository_asks_for_is_as_urgent() {
    on_bench("what_a_job_of_one_repository", async |bench| {
        let queue = bench.queue_with(alone(&bench)).await;
        let repositories = repositories(&bench, 4).await;
        let scan = |job: &Job| by(Requester::Job(job.id), JobKind::Scan, job.repository);
        bench.script.plan(move |job| match job.kind {
            JobKind::Sync if job.requested_by == person() => Step::FollowUp(vec![scan(job)]),
            JobKind::Aggregate => Step::Wait,
            _ => Step::Succeed,
        });
        ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        bench.script.have_begun(1).await;
        for id in &repositories[1..] {
            ask(&queue, by(Requester::Job(JobId::now()), JobKind::Sync, Some(*id))).await;
        }
        ask(&queue, by(person(), JobKind::Sync, Some(repositories[0]))).await;
        bench.script.gate.add_permits(1);
        queue.idle().await;
        let begun: Vec<_> = bench.script.begun().iter().skip(1).map(|job| (job.kind, job.repository)).collect();
        let wanted = [(JobKind::Sync, Some(repositories[0])), (JobKind::Scan, Some(repositories[0]))];
        assert_eq!(begun[..2], wanted, "{begun:?}");
    });
}

#[test]
fn the_clock_gets_its_turn_however_many_wait_more_urgently() {
    on_bench("the_clock_gets_its_turn", async |bench| {
        let queue = bench.queue_with(alone(&bench)).await;
        bench.script.plan(|_| Step::Wait);
        ask(&queue, by(person(), JobKind::Aggregate, None)).await;
        bench.script.have_begun(1).await;
        for id in repositories(&bench, 20).await {
            ask(&queue, by(person(), JobKind::Scan, Some(id))).await;
        }
        ask(&queue, by(clock(), JobKind::Retain, None)).await;
        bench.script.gate.add_permits(100);
        queue.idle().await;
        let at = bench.script.begun().iter().position(|job| job.kind == JobKind::Retain).unwrap();
        assert!((2..=9).contains(&at), "{at}: the urgent come first, but not all of them");
    });
}

#[test]
fn what_is_given_up_asks_for_nothing_more() {
    on_bench("what_is_given_up", async |bench| {
        let queue = bench.queue_with(alone(&bench)).await;
        let repositories = repositories(&bench, 30).await;
        let requests: Vec<JobRequest> =
            repositories.iter().map(|id| by(Requester::Job(JobId::now()), JobKind::Sync, Some(*id))).collect();
        bench.script.plan(move |job| match job.kind {
            JobKind::Discover => Step::FollowUp(requests.clone()),
            _ => Step::Wait,
        });
        ask(&queue, by(person(), JobKind::Discover, None)).await;
        bench.script.have_begun(2).await;
        queue.abandon().await.unwrap();
        queue.idle().await;
        assert_eq!(bench.script.begun().len(), 2, "nothing began after it");
        let states: Vec<JobState> = bench.all_stored().await.iter().skip(1).map(|job| job.state).collect();
        assert_eq!(states, [JobState::Cancelled; 30]);
    });
}

#[test]
fn what_was_missed_while_nobody_served_is_made_up_for_once() {
    on_bench("what_was_missed", async |bench| {
        let rules = || {
            let daily = Some("0 23 3 * * *".to_owned());
            vec![ScheduleRule { name: "retention", kind: JobKind::Retain, cron: daily }]
        };
        let queue = bench.queue().await;
        let clock = Clock::still(queue.clone(), rules()).await.unwrap();
        assert!(clock.tick(bench.now_ms()).await.is_empty(), "nothing was missed yet");
        drop(clock);
        bench.time.advance(3 * 24 * 60 * MINUTE);
        let later = Clock::still(queue.clone(), rules()).await.unwrap();
        assert_eq!(later.tick(bench.now_ms()).await.len(), 1);
        assert!(later.tick(bench.now_ms()).await.is_empty());
        let next = later.schedules()[0].next_run_at_ms.unwrap();
        assert!(next > bench.now_ms());
        queue.idle().await;
        assert_eq!(bench.all_stored().await.len(), 1);
    });
}

#[test]
fn a_removal_that_failed_half_way_can_be_repeated() {
    on_bench("a_removal_that_failed_half_way", async |bench| {
        let queue = bench.queue().await;
        let id = bench.repository("https://forge.example/a/b").await;
        bench.execute("ALTER TABLE repositories DELETE WHERE true SETTINGS mutations_sync = 2").await;
        let delete = ask(&queue, by(person(), JobKind::Delete, Some(id))).await;
        assert_eq!(queue.ended(delete).await.unwrap().state, JobState::Succeeded);
        assert!(queue.enqueue(by(person(), JobKind::Sync, Some(id))).await.is_err());
        bench.execute("ALTER TABLE repository_aliases DELETE WHERE true SETTINGS mutations_sync = 2").await;
        assert!(queue.enqueue(by(person(), JobKind::Delete, Some(id))).await.is_err(), "nothing of it is left");
    });
}

#[test]
fn blocking_ends_all_but_the_removal() {
    on_bench("blocking_ends_all_but", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Wait);
        let id = bench.repository("https://forge.example/a/b").await;
        let delete = ask(&queue, by(person(), JobKind::Delete, Some(id))).await;
        bench.script.have_begun(1).await;
        queue.cancel_repository(id).await.unwrap();
        bench.script.gate.add_permits(1);
        assert_eq!(queue.ended(delete).await.unwrap().state, JobState::Succeeded);
        let sync = ask(&queue, by(clock(), JobKind::Sync, Some(id))).await;
        bench.script.have_begun(2).await;
        queue.cancel_repository(id).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), queue.ended(sync)).await.unwrap();
        assert_eq!(ended.unwrap().state, JobState::Cancelled);
    });
}
