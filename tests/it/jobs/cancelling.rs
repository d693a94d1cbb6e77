//! Ending jobs before their end: how fast, what ends with them, and in which process.

use std::sync::Arc;
use std::time::Duration;

use kubestats::jobs::{JobsError, Queue, QueueOptions};
use kubestats::model::{Job, JobKind, JobRequest, JobState, RepositoryId, Requester};
use tokio::time::Instant;

use super::memory::{Memory, Passing};
use super::support::{Bench, Script, Step, ask, by, clock, on_bench, person};

/// What a job asks for: a sync of each repository.
fn syncs(job: &Job, repositories: &[RepositoryId]) -> Vec<JobRequest> {
    repositories.iter().map(|id| by(Requester::Job(job.id), JobKind::Sync, Some(*id))).collect()
}

async fn repositories(bench: &Bench) -> Vec<RepositoryId> {
    let mut repositories = Vec::new();
    for number in 0..10 {
        repositories.push(bench.repository(&format!("/srv/git/{number}")).await);
    }
    repositories
}

/// The states of all jobs but the first.
async fn other_states(bench: &Bench) -> Vec<JobState> {
    bench.all_stored().await.iter().skip(1).map(|job| job.state).collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_a_job_does_it_ends_within_a_second() {
    let run = tempfile::tempdir().unwrap();
    let (memory, script, time) =
        (Arc::new(Memory::default()), Arc::new(Script::default()), Arc::new(Passing(Instant::now())));
    let run_dir = run.path().to_owned();
    let options = QueueOptions {
        program: "a test".to_owned(),
        parallel: 2,
        attempts: 3,
        run_dir,
        is_shared: false,
        adopts: true,
    };
    let queue = Queue::start(options, memory, script.clone(), time).await.unwrap();
    let repositories: Vec<RepositoryId> =
        (0..500).map(|number| RepositoryId::from_alias(&format!("https://forge.example/x/{number}"))).collect();
    script.plan(move |job| match job.kind {
        JobKind::Discover => Step::FollowUpAndWait(syncs(job, &repositories)),
        _ => Step::Deaf,
    });
    for kind in [JobKind::Discover, JobKind::Aggregate] {
        let id = ask(&queue, by(person(), kind, None)).await;
        script.have_begun(if kind == JobKind::Discover { 2 } else { 3 }).await;
        let begun = Instant::now();
        assert_eq!(queue.cancel(id).await.unwrap().state, JobState::Cancelled);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[test]
fn what_it_asked_for_and_has_not_begun_ends_with_it() {
    on_bench("what_it_asked_for_and_has_not_begun", async |bench| {
        let queue = bench.queue().await;
        let repositories = repositories(&bench).await;
        let (mine, theirs) = (repositories[9], repositories.clone());
        bench.script.plan(move |job| match job.kind {
            JobKind::Discover => Step::FollowUpAndWait(syncs(job, &theirs)),
            _ => Step::Wait,
        });
        let discover = ask(&queue, by(person(), JobKind::Discover, None)).await;
        bench.script.have_begun(2).await;
        while bench.all_stored().await.len() < 11 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Somebody else wants one of them, too.
        assert!(queue.enqueue(by(person(), JobKind::Sync, Some(mine))).await.unwrap().joined);
        assert_eq!(queue.cancel(discover).await.unwrap().state, JobState::Cancelled);
        bench.script.gate.add_permits(100);
        queue.idle().await;
        let states = other_states(&bench).await;
        let count = |state| states.iter().filter(|this| **this == state).count();
        assert_eq!((count(JobState::Cancelled), count(JobState::Succeeded)), (8, 2), "{states:?}");
        let begun: Vec<_> = bench.script.begun().iter().map(|job| job.repository).collect();
        assert_eq!(begun, [None, Some(repositories[0]), Some(mine)]);
    });
}

#[test]
fn what_a_job_that_has_ended_asked_for_can_be_cancelled_with_it() {
    on_bench("what_a_job_that_has_ended_asked_for", async |bench| {
        let queue = bench.queue_with(QueueOptions { parallel: 1, ..bench.options() }).await;
        let repositories = repositories(&bench).await;
        bench.script.plan(move |job| match job.kind {
            JobKind::Sync if job.repository.is_none() => Step::FollowUp(syncs(job, &repositories)),
            _ => Step::Wait,
        });
        let all = ask(&queue, by(person(), JobKind::Sync, None)).await;
        bench.script.have_begun(2).await;
        assert_eq!(queue.cancel(all).await.unwrap().state, JobState::Succeeded);
        let states = other_states(&bench).await;
        assert_eq!((states[0], &states[1..]), (JobState::Running, &[JobState::Cancelled; 9][..]));
        assert!(matches!(queue.cancel(all).await, Err(JobsError::HasEnded(JobState::Succeeded))));
    });
}

#[test]
fn what_another_process_does_is_cancelled_there() {
    on_bench("what_another_process_does_is_cancelled", async |bench| {
        let server = bench.queue_with(QueueOptions { parallel: 1, ..bench.options() }).await;
        let command = bench.queue_with(QueueOptions { adopts: false, ..bench.options() }).await;
        let repositories = repositories(&bench).await;
        bench.script.plan(move |job| match job.kind {
            JobKind::Discover => Step::FollowUp(syncs(job, &repositories)),
            _ => Step::Wait,
        });
        let discover = ask(&server, by(clock(), JobKind::Discover, None)).await;
        bench.script.have_begun(2).await;
        let running = bench.script.begun()[1].id;
        assert_eq!(command.cancel(running).await.unwrap().state, JobState::Cancelled);
        bench.script.have_begun(3).await;
        assert_eq!(command.cancel(discover).await.unwrap().state, JobState::Succeeded);
        let states = other_states(&bench).await;
        assert_eq!(states.iter().filter(|state| **state == JobState::Cancelled).count(), 9, "{states:?}");
        bench.script.gate.add_permits(1);
        server.idle().await;
        assert_eq!(bench.script.begun().len(), 3);
    });
}
