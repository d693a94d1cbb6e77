//! Jobs of processes that ended, of those that live, and of this one when it ends.

use std::fs::File;
use std::time::Duration;

use kubestats::jobs::{JobsError, QueueOptions};
use kubestats::model::{Job, JobArguments, JobId, JobKind, JobProgress, JobState, Requester};
use uuid::Uuid;

use super::support::{Bench, MINUTE, START, Step, ask, by, clock, on_bench, person};

/// A job as another process left it.
pub fn left(kind: JobKind, state: JobState, worker: Option<Uuid>) -> Job {
    Job {
        id: JobId::now(),
        kind,
        repository: None,
        arguments: JobArguments::default(),
        requested_by: clock(),
        priority: 3,
        state,
        attempts: u32::from(state == JobState::Running),
        progress: JobProgress::default(),
        error: None,
        created_at_ms: START,
        started_at_ms: None,
        ended_at_ms: None,
        not_before_ms: None,
        run: None,
        worker,
        is_cancelled: false,
    }
}

/// A process that lives for as long as its lock is held.
fn living(bench: &Bench) -> (Uuid, File) {
    let process = Uuid::new_v4();
    let lock = File::create(bench.run.path().join(format!("worker-{process}.lock"))).unwrap();
    lock.lock().unwrap();
    (process, lock)
}

async fn save(bench: &Bench, jobs: &[&Job]) {
    bench.writer.save_jobs(jobs).await.unwrap();
}

#[test]
fn what_a_dead_process_was_doing_is_picked_up() {
    on_bench("what_a_dead_process_was_doing", async |bench| {
        let dead = Some(Uuid::new_v4());
        let running = left(JobKind::Aggregate, JobState::Running, dead);
        let often = Job { attempts: 2, ..left(JobKind::Retain, JobState::Running, dead) };
        let queued = left(JobKind::Sync, JobState::Queued, None);
        let parked = Job { not_before_ms: Some(START + MINUTE), ..left(JobKind::Discover, JobState::Parked, dead) };
        let ended = left(JobKind::Sync, JobState::Failed, dead);
        let scanned =
            Job { requested_by: Requester::Person("cli".to_owned()), ..left(JobKind::Scan, JobState::Running, dead) };
        save(&bench, &[&running, &often, &queued, &parked, &ended, &scanned]).await;
        let queue = bench.queue().await;
        assert_eq!(queue.ended(running.id).await.unwrap().attempts, 2);
        assert_eq!(bench.log_texts(running.id).await, ["picked up again after the process that ran it ended"]);
        queue.ended(queued.id).await.unwrap();
        // A scan of the command line ends with its command, and nothing else of another process is touched.
        assert_eq!(bench.stored(scanned.id).await.state, JobState::Cancelled);
        assert_eq!(bench.stored(ended.id).await.state, JobState::Failed);
        // What ended its process twice rests a little, and a parked one waits for its time.
        assert_eq!(bench.stored(often.id).await.state, JobState::Queued);
        assert_eq!(bench.stored(parked.id).await.state, JobState::Parked);
        bench.time.advance(60 * MINUTE);
        assert_eq!(queue.ended(often.id).await.unwrap().state, JobState::Succeeded);
        assert_eq!(queue.ended(parked.id).await.unwrap().state, JobState::Succeeded);
    });
}

#[test]
fn what_a_living_process_does_is_left_alone_and_joined() {
    on_bench("what_a_living_process_does", async |bench| {
        let (process, lock) = living(&bench);
        let job = left(JobKind::Aggregate, JobState::Running, Some(process));
        let waiting = left(JobKind::Retain, JobState::Queued, Some(process));
        save(&bench, &[&job, &waiting]).await;
        let queue = bench.queue().await;
        let joined = queue.enqueue(by(person(), JobKind::Aggregate, None)).await.unwrap();
        assert!(joined.joined && joined.job.id == job.id);
        assert_eq!(bench.all_stored().await, [job.clone(), waiting.clone()]);
        // Whoever waits for a job of a process that dies gets it done here.
        drop(lock);
        let ended = queue.ended(job.id).await.unwrap();
        assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 2));
        assert_eq!(queue.enqueue(by(person(), JobKind::Retain, None)).await.unwrap().job.id, waiting.id);
        queue.ended(waiting.id).await.unwrap();
    });
}

#[test]
fn two_processes_that_ask_for_the_same_at_once_get_one_job() {
    on_bench("two_processes_that_ask_for_the_same", async |bench| {
        bench.script.plan(|_| Step::Wait);
        let (one, other) = (bench.queue().await, bench.queue().await);
        for number in 0..20 {
            let repository = bench.repository(&format!("https://forge.example/x/{number}")).await;
            let request = || by(person(), JobKind::Scan, Some(repository));
            let (first, second) = tokio::join!(one.enqueue(request()), other.enqueue(request()));
            let (first, second) = (first.unwrap(), second.unwrap());
            assert_eq!(first.job.id, second.job.id);
            assert!(first.joined != second.joined, "one of them asked first");
        }
        assert_eq!(bench.all_stored().await.len(), 20);
    });
}

#[test]
fn processes_on_other_machines_are_seen_to_live() {
    on_bench("processes_on_other_machines", async |bench| {
        let (far, vanished) = (Uuid::new_v4(), Uuid::new_v4());
        let running = left(JobKind::Aggregate, JobState::Running, Some(far));
        let queued = left(JobKind::Retain, JobState::Queued, Some(far));
        let nobodys = left(JobKind::Sync, JobState::Queued, None);
        let lost = left(JobKind::Discover, JobState::Running, Some(vanished));
        save(&bench, &[&running, &queued, &nobodys, &lost]).await;
        bench.writer.note_alive(far).await.unwrap();
        // It was alive, long ago.
        bench.execute(&format!("INSERT INTO processes VALUES ('{vanished}', now64(3) - toIntervalMinute(5))")).await;
        let queue = bench.queue_with(QueueOptions { is_shared: true, ..bench.options() }).await;
        queue.ended(nobodys.id).await.unwrap();
        assert_eq!(queue.ended(lost.id).await.unwrap().state, JobState::Succeeded);
        queue.idle().await;
        assert_eq!((bench.stored(running.id).await, bench.stored(queued.id).await), (running, queued));
        let alive =
            bench.rows("SELECT toString(id) FROM processes FINAL WHERE seen_at > now64(3) - toIntervalMinute(1)").await;
        assert_eq!(alive.len(), 2, "the far one and this one: {alive:?}");
    });
}

#[test]
fn a_command_takes_over_what_it_is_asked_for_alone() {
    on_bench("a_command_takes_over", async |bench| {
        let dead = Some(Uuid::new_v4());
        let (wanted, other) =
            (left(JobKind::Sync, JobState::Running, dead), left(JobKind::Retain, JobState::Running, dead));
        save(&bench, &[&wanted, &other]).await;
        let queue = bench.queue_with(QueueOptions { adopts: false, ..bench.options() }).await;
        let enqueued = queue.enqueue(by(person(), JobKind::Sync, None)).await.unwrap();
        assert!(enqueued.joined && enqueued.job.id == wanted.id);
        queue.ended(wanted.id).await.unwrap();
        queue.idle().await;
        assert_eq!(bench.stored(other.id).await, other);
    });
}

#[test]
fn what_does_not_end_in_time_is_left_to_the_next_process() {
    on_bench("what_does_not_end_in_time", async |bench| {
        let queue = bench.queue_with(QueueOptions { parallel: 2, ..bench.options() }).await;
        bench.script.plan(|job| if job.kind == JobKind::Aggregate { Step::Deaf } else { Step::Wait });
        let deaf = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        let running = ask(&queue, by(clock(), JobKind::Discover, None)).await;
        let waiting = ask(&queue, by(clock(), JobKind::Retain, None)).await;
        bench.script.have_begun(2).await;
        queue.shut_down(Duration::ZERO).await;
        for id in [deaf, running, waiting] {
            let job = bench.stored(id).await;
            assert_eq!((job.state, job.attempts, job.worker), (JobState::Queued, 0, None), "{job:?}");
        }
        assert!(matches!(queue.enqueue(by(person(), JobKind::Sync, None)).await, Err(JobsError::ShuttingDown)));
        assert_eq!(std::fs::read_dir(bench.run.path()).unwrap().filter(is_worker).count(), 0);
        bench.script.plan(|_| Step::Succeed);
        let next = bench.queue().await;
        for id in [deaf, running, waiting] {
            assert_eq!(next.ended(id).await.unwrap().state, JobState::Succeeded);
        }
    });
}

fn is_worker(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with("worker-")
}

#[test]
fn what_ends_in_time_ends_well_and_what_it_asks_for_is_kept() {
    on_bench("what_ends_in_time", async |bench| {
        let queue = bench.queue().await;
        let mut times = 0;
        let wanted = by(Requester::Job(JobId::now()), JobKind::Retain, None);
        bench.script.plan(move |_| {
            times += 1;
            if times == 1 { Step::Wait } else { Step::FollowUp(vec![wanted.clone()]) }
        });
        let first = ask(&queue, by(clock(), JobKind::Sync, None)).await;
        let second = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        bench.script.have_begun(2).await;
        queue.ended(second).await.unwrap();
        let ending = {
            let queue = queue.clone();
            tokio::spawn(async move { queue.shut_down(Duration::from_secs(60)).await })
        };
        bench.script.gate.add_permits(100);
        ending.await.unwrap();
        assert_eq!(bench.stored(first).await.state, JobState::Succeeded);
        let jobs = bench.all_stored().await;
        let follow_up = jobs.iter().find(|job| job.kind == JobKind::Retain).expect("it is not lost");
        assert!(matches!(follow_up.state, JobState::Succeeded | JobState::Queued), "{follow_up:?}");
    });
}

#[test]
fn without_a_database_there_is_no_job_and_nobody_waits_for_it() {
    on_bench("without_a_database", async |bench| {
        let broken = Bench { writer: bench.broken_writer(), ..bench };
        let queue = broken.queue().await;
        let error = queue.enqueue(by(person(), JobKind::Sync, None)).await.unwrap_err();
        assert!(matches!(error, JobsError::Store(_)), "{error}");
        queue.idle().await;
        assert!(broken.script.begun().is_empty());
        queue.shut_down(Duration::ZERO).await;
    });
}
