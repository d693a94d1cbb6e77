//! What is the same job, and which comes first.

use kubestats::jobs::JobsError;
use kubestats::model::{JobArguments, JobId, JobKind, JobRequest, JobState, RepositoryId, Requester};

use super::support::{Step, ask, assert_unknown_repository, by, clock, on_bench, person};

#[test]
fn every_state_is_stored_and_told() {
    on_bench("every_state_is_stored_and_told", async |bench| {
        let queue = bench.queue().await;
        let mut updates = queue.updates();
        bench.script.plan(|_| Step::Wait);
        let repository = bench.repository("https://forge.example/a/b").await;
        let id = ask(&queue, by(person(), JobKind::Sync, Some(repository))).await;
        bench.becomes(id, JobState::Running).await;
        bench.script.gate.add_permits(1);
        let ended = queue.ended(id).await.unwrap();
        assert_eq!((ended.state, ended.attempts, ended.repository), (JobState::Succeeded, 1, Some(repository)));
        assert_eq!(bench.stored(id).await, ended);
        let mut told = Vec::new();
        while let Ok(job) = updates.try_recv() {
            told.push(job.state);
        }
        assert_eq!(told, [JobState::Queued, JobState::Running, JobState::Succeeded]);
        queue.idle().await;
        assert_eq!(queue.workers().iter().map(|worker| worker.number).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn the_same_is_done_once() {
    on_bench("the_same_is_done_once", async |bench| {
        let queue = bench.queue().await;
        bench.script.plan(|_| Step::Wait);
        let (one, other) =
            (bench.repository("https://forge.example/a/b").await, bench.repository("https://forge.example/a/c").await);
        let first = ask(&queue, by(clock(), JobKind::Sync, Some(one))).await;
        bench.script.have_begun(1).await;
        let again = queue.enqueue(by(person(), JobKind::Sync, Some(one))).await.unwrap();
        assert!(again.joined && again.job.id == first);
        assert_eq!(again.job.requested_by, person(), "the more urgent counts");
        // Another kind, another repository, and all of them are other jobs.
        ask(&queue, by(clock(), JobKind::Scan, Some(one))).await;
        ask(&queue, by(clock(), JobKind::Sync, Some(other))).await;
        ask(&queue, by(clock(), JobKind::Sync, None)).await;
        let search = |query: &str| JobRequest {
            arguments: JobArguments { queries: vec![query.to_owned()], ..JobArguments::default() },
            ..by(clock(), JobKind::Discover, None)
        };
        let searched = ask(&queue, search("topic:a")).await;
        ask(&queue, search("topic:b")).await;
        assert_eq!(queue.enqueue(search("topic:a")).await.unwrap().job.id, searched);
        bench.script.gate.add_permits(100);
        queue.idle().await;
        assert_eq!(bench.all_stored().await.len(), 6);
        assert!(bench.log_texts(first).await.contains(&"asked for again by api".to_owned()));
        // What has ended is not joined.
        ask(&queue, by(clock(), JobKind::Sync, Some(one))).await;
        assert_unknown_repository(
            queue.enqueue(by(person(), JobKind::Sync, Some(RepositoryId::from_alias("?")))).await,
        );
    });
}

#[test]
fn a_person_comes_before_the_clock() {
    on_bench("a_person_comes_before_the_clock", async |bench| {
        let queue = bench.queue_with(kubestats::jobs::QueueOptions { parallel: 1, ..bench.options() }).await;
        bench.script.plan(|_| Step::Wait);
        let mut repositories = Vec::new();
        for name in ["a", "b", "c", "d", "e", "f"] {
            repositories.push(bench.repository(&format!("https://forge.example/x/{name}")).await);
        }
        ask(&queue, by(person(), JobKind::Aggregate, None)).await;
        bench.script.have_begun(1).await;
        let waiting = [
            clock(),
            Requester::Clock("other".to_owned()),
            Requester::Job(JobId::now()),
            Requester::Webhook,
            person(),
            clock(),
        ];
        for (requester, repository) in waiting.into_iter().zip(&repositories) {
            ask(&queue, by(requester, JobKind::Sync, Some(*repository))).await;
        }
        // Somebody cannot wait for the last one.
        queue.enqueue(by(person(), JobKind::Sync, Some(repositories[5]))).await.unwrap();
        bench.script.gate.add_permits(100);
        queue.idle().await;
        let begun: Vec<_> = bench.script.begun().iter().skip(1).map(|job| job.repository.unwrap()).collect();
        let expected: Vec<_> = [4, 5, 3, 2, 0, 1].map(|index| repositories[index]).to_vec();
        assert_eq!(begun, expected);
    });
}

#[test]
fn one_job_of_a_repository_and_four_of_a_forge_run_at_the_same_time() {
    on_bench("one_job_of_a_repository_and_four_of_a_forge", async |bench| {
        let queue = bench.queue_with(kubestats::jobs::QueueOptions { parallel: 16, ..bench.options() }).await;
        bench.script.plan(|_| Step::Wait);
        for number in 0..6 {
            let repository = bench.repository(&format!("https://forge.example/x/{number}")).await;
            ask(&queue, by(clock(), JobKind::Sync, Some(repository))).await;
            ask(&queue, by(clock(), JobKind::Scan, Some(repository))).await;
        }
        let elsewhere = bench.repository("https://other.example/x/y").await;
        ask(&queue, by(clock(), JobKind::Sync, Some(elsewhere))).await;
        for number in 0..6 {
            let local = bench.repository(&format!("/srv/git/{number}")).await;
            ask(&queue, by(clock(), JobKind::Sync, Some(local))).await;
        }
        // Four of the one forge, one of the other, and all of this machine; a scan reads what is here, whoever fetches.
        bench.script.have_begun(13).await;
        let begun = bench.script.begun();
        let repositories: std::collections::BTreeSet<_> = begun.iter().map(|job| job.repository).collect();
        assert_eq!((begun.len(), repositories.len()), (13, 13), "{begun:#?}");
        assert_eq!(queue.workers().iter().filter(|worker| worker.job.is_some()).count(), 13);
        bench.script.gate.add_permits(100);
        queue.idle().await;
        assert_eq!(bench.script.begun().len(), 19);
    });
}

#[test]
fn deleting_a_repository_ends_what_else_was_to_be_done_with_it() {
    on_bench("deleting_a_repository_ends_what_else", async |bench| {
        let queue = bench.queue().await;
        let repository = bench.repository("https://forge.example/a/b").await;
        bench.script.plan(|job| if job.kind == JobKind::Delete { Step::Succeed } else { Step::Wait });
        let sync = ask(&queue, by(clock(), JobKind::Sync, Some(repository))).await;
        bench.script.have_begun(1).await;
        let scan = ask(&queue, by(clock(), JobKind::Scan, Some(repository))).await;
        let delete = ask(&queue, by(person(), JobKind::Delete, Some(repository))).await;
        assert_eq!(queue.ended(delete).await.unwrap().state, JobState::Succeeded);
        assert_eq!(bench.stored(sync).await.state, JobState::Cancelled);
        assert_eq!(bench.stored(scan).await.state, JobState::Cancelled);
        let kinds: Vec<_> = bench.script.begun().iter().map(|job| job.kind).collect();
        assert_eq!(kinds, [JobKind::Sync, JobKind::Delete]);
    });
}

#[test]
fn what_is_being_cancelled_is_not_joined() {
    on_bench("what_is_being_cancelled", async |bench| {
        let queue = bench.queue().await;
        let dropped = bench.script.dropped.subscribe();
        bench.script.plan(move |job| match job.requested_by {
            Requester::Clock(_) => Step::Deaf,
            // They do not run side by side.
            _ if *dropped.borrow() == 1 => Step::Succeed,
            _ => Step::Fail { code: "TOO_EARLY", is_transient: false },
        });
        let first = ask(&queue, by(clock(), JobKind::Aggregate, None)).await;
        bench.script.have_begun(1).await;
        let cancelling = {
            let queue = queue.clone();
            tokio::spawn(async move { queue.cancel(first).await })
        };
        while !queue.job(first).await.unwrap().is_cancelled {
            tokio::task::yield_now().await;
        }
        let second = ask(&queue, by(person(), JobKind::Aggregate, None)).await;
        assert_eq!(queue.ended(second).await.unwrap().state, JobState::Succeeded);
        assert_eq!(cancelling.await.unwrap().unwrap().state, JobState::Cancelled);
        let stored: Vec<_> = bench.all_stored().await.iter().map(|job| job.id).collect();
        assert_eq!(stored, [first, second], "the oldest first");
    });
}

#[test]
fn what_a_job_asks_for_is_stored_before_it_ends() {
    on_bench("what_a_job_asks_for_is_stored", async |bench| {
        let queue = bench.queue().await;
        let mut requests = Vec::new();
        for number in 0..20 {
            let repository = bench.repository(&format!("https://forge.example/x/{number}")).await;
            requests.push(by(Requester::Job(JobId::now()), JobKind::Sync, Some(repository)));
        }
        requests.push(by(clock(), JobKind::Sync, Some(RepositoryId::from_alias("nowhere"))));
        bench.script.plan(move |job| match job.kind {
            JobKind::Discover => Step::FollowUp(requests.clone()),
            _ => Step::Succeed,
        });
        let id = ask(&queue, by(person(), JobKind::Discover, None)).await;
        queue.ended(id).await.unwrap();
        assert_eq!(bench.all_stored().await.len(), 21, "the one of no repository is left out");
        queue.idle().await;
        assert!(bench.all_stored().await.iter().all(|job| job.state == JobState::Succeeded));
    });
}

#[test]
fn what_has_ended_can_be_asked_for_again() {
    on_bench("what_has_ended_can_be_asked_for_again", async |bench| {
        let queue = bench.queue().await;
        let arguments = JobArguments { all: true, ..JobArguments::default() };
        let first = ask(&queue, JobRequest { arguments, ..by(clock(), JobKind::Sync, None) }).await;
        let ended = queue.ended(first).await.unwrap();
        bench.script.plan(|_| Step::Wait);
        let again = queue.retry(first, person()).await.unwrap();
        assert!(!again.joined && again.job.id != first && again.job.arguments == ended.arguments);
        let error = queue.retry(again.job.id, person()).await.unwrap_err();
        assert!(matches!(error, JobsError::NotEnded(_)), "{error}");
        let error = queue.retry(JobId::now(), person()).await.unwrap_err();
        assert!(matches!(error, JobsError::NotFound(_)), "{error}");
    });
}
