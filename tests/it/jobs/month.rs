//! A month of the schedules in seconds: the real clock and queue, with the time of the runtime, which passes when everybody waits. What
//! they write down is kept in memory, and the work takes as long as real work would, uses up a forge's budget, fails now and then, and
//! asks for more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kubestats::jobs::{Clock, Queue, QueueOptions, ScheduleRule, Time, Work, WorkError};
use kubestats::model::{Job, JobArguments, JobId, JobKind, JobRequest, JobState, RepositoryId, Requester};
use kubestats::pipeline::{Ended, Task};
use tokio::time::{Instant, sleep};

use super::memory::{Memory, Passing};
use super::support::{MINUTE, SECOND, START, by, person};

const HOUR: i64 = 60 * MINUTE;
const DAYS: i64 = 30;
/// Repositories that the first discovery finds.
const REPOSITORIES: u64 = 300;
/// Requests that the forge answers in an hour: it was given no token.
const BUDGET: u32 = 60;
/// Repositories that it tells of in one answer: to visit all of them takes more than an hour's budget.
const VISITS: usize = 3;
const ATTEMPTS: u32 = 3;
const WORKERS: usize = 4;

/// The world outside, and what was seen of the jobs.
struct World {
    time: Arc<Passing>,
    forge: Mutex<Forge>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Forge {
    /// The hour that `used` counts, from START.
    hour: i64,
    used: u32,
    /// Repositories with the time of their next visit.
    known: BTreeMap<RepositoryId, i64>,
    /// How far the search of a job has come.
    searched: HashMap<JobId, u32>,
}

#[derive(Default)]
struct Seen {
    /// What each parked job waits for.
    parked: HashMap<JobId, i64>,
    /// Requests past the budget, by the hour.
    refused: HashMap<i64, u32>,
    /// The longest time from the wish to the first attempt, by who asked.
    waited: BTreeMap<&'static str, i64>,
    running: BTreeMap<JobId, Option<RepositoryId>>,
}

fn repository(number: u64) -> RepositoryId {
    RepositoryId::from_alias(&format!("https://forge.example/x/{number}"))
}

/// The same for the same job and attempt: one in so many.
fn once_in(many: u128, job: &Job) -> bool {
    (job.id.0.as_u128() >> 8).wrapping_add(u128::from(job.attempts)).is_multiple_of(many)
}

impl World {
    /// Asks the forge once.
    ///
    /// # Errors
    /// When its budget is used up: the time at which there is a new one.
    fn request(&self) -> Result<(), i64> {
        let now = self.time.now_ms();
        let hour = (now - START) / HOUR;
        let mut forge = self.forge.lock().unwrap();
        if forge.hour != hour {
            (forge.hour, forge.used) = (hour, 0);
        }
        if forge.used == BUDGET {
            *self.seen.lock().unwrap().refused.entry(hour).or_default() += 1;
            return Err(START + (hour + 1) * HOUR);
        }
        forge.used += 1;
        Ok(())
    }

    fn park(&self, job: &Job, until_ms: i64) -> Ended {
        self.seen.lock().unwrap().parked.insert(job.id, until_ms);
        Ended::Parked { until_ms, reason: "no budget".to_owned() }
    }

    fn begins(&self, job: &Job) {
        let now = self.time.now_ms();
        let mut seen = self.seen.lock().unwrap();
        let reset = seen.parked.remove(&job.id);
        assert!(reset.is_none_or(|reset| now >= reset), "{job:?} goes on before there is a new budget");
        if job.attempts == 1 && reset.is_none() {
            let who = match &job.requested_by {
                Requester::Clock(_) => "clock",
                Requester::Job(_) => "job",
                _ => "person",
            };
            let longest = seen.waited.entry(who).or_default();
            *longest = (*longest).max(now - job.created_at_ms);
        }
        let same = seen.running.values().filter(|other| job.repository.is_some() && **other == job.repository);
        assert_eq!(same.count(), 0, "two jobs of a repository run at once: {job:?}");
        seen.running.insert(job.id, job.repository);
    }

    async fn search(&self, job: &Job, task: &Task) -> Ended {
        let first = self.forge.lock().unwrap().known.is_empty();
        // More than an hour's budget at first.
        let pages = if first { BUDGET + 40 } else { 8 };
        loop {
            let done = *self.forge.lock().unwrap().searched.entry(job.id).or_default();
            if done == pages {
                break;
            }
            if let Err(reset) = self.request() {
                return self.park(job, reset);
            }
            sleep(Duration::from_secs(2)).await;
            self.forge.lock().unwrap().searched.insert(job.id, done + 1);
        }
        let mut forge = self.forge.lock().unwrap();
        let found = if first { REPOSITORIES } else { 1 };
        for number in
            (0..).map(repository).filter(|id| !forge.known.contains_key(id)).take(found as usize).collect::<Vec<_>>()
        {
            forge.known.insert(number, self.time.now_ms());
            task.follow_up(follow_up(job, JobKind::Sync, number));
        }
        Ended::Succeeded { run: None }
    }

    /// Visits what is due, a few with each request.
    async fn visit(&self, job: &Job, task: &Task) -> Ended {
        let now = self.time.now_ms();
        let is_due = |(id, at): (&RepositoryId, &i64)| (*at <= now).then_some(*id);
        let due: Vec<RepositoryId> = self.forge.lock().unwrap().known.iter().filter_map(is_due).take(VISITS).collect();
        if due.is_empty() {
            return Ended::Succeeded { run: None };
        }
        if let Err(reset) = self.request() {
            return self.park(job, reset);
        }
        sleep(Duration::from_secs(5)).await;
        for id in due {
            self.forge.lock().unwrap().known.insert(id, now + 6 * HOUR);
            if id.0.as_u128().wrapping_add(now.unsigned_abs().into()).is_multiple_of(3) {
                task.follow_up(follow_up(job, JobKind::Sync, id));
            }
        }
        Ended::Succeeded { run: None }
    }
}

fn follow_up(job: &Job, kind: JobKind, id: RepositoryId) -> JobRequest {
    let arguments = JobArguments { fetch: kind == JobKind::Sync, ..JobArguments::default() };
    JobRequest { arguments, ..by(Requester::Job(job.id), kind, Some(id)) }
}

impl Work for World {
    fn run<'a>(&'a self, job: &'a Job, task: &'a Task) -> BoxFuture<'a, Result<Ended, WorkError>> {
        async move {
            self.begins(job);
            let work = async {
                match (job.kind, job.repository) {
                    (JobKind::Discover, _) => self.search(job, task).await,
                    (JobKind::Sync, None) => self.visit(job, task).await,
                    (JobKind::Sync, Some(id)) => {
                        sleep(Duration::from_secs(20)).await;
                        if !once_in(50, job) {
                            task.follow_up(follow_up(job, JobKind::Scan, id));
                        }
                        Ended::Succeeded { run: None }
                    }
                    (kind, _) => {
                        let seconds = if kind == JobKind::Retain { 120 } else { 40 };
                        sleep(Duration::from_secs(seconds)).await;
                        Ended::Succeeded { run: None }
                    }
                }
            };
            let ended = task.unless_stopped(work).await;
            self.seen.lock().unwrap().running.remove(&job.id);
            let is_one = job.repository.is_some();
            match ended {
                None => Ok(Ended::Stopped),
                Some(Ended::Succeeded { .. }) if is_one && once_in(50, job) => {
                    Err(WorkError { code: "GIT".to_owned(), message: "as it goes".to_owned(), is_transient: true })
                }
                Some(ended) => Ok(ended),
            }
        }
        .boxed()
    }
}

/// The schedules that the program has by default.
fn rules() -> Vec<ScheduleRule> {
    let (_, section) = include_str!("../../../src/config.default.toml").split_once("\n[schedules]\n").unwrap();
    let cron = |name: &str| {
        let line = section.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
        Some(line.trim_matches('"').to_owned())
    };
    [
        ("discovery", JobKind::Discover),
        ("sync", JobKind::Sync),
        ("aggregation", JobKind::Aggregate),
        ("retention", JobKind::Retain),
    ]
    .map(|(name, kind)| ScheduleRule { name, kind, cron: cron(name) })
    .into()
}

async fn start(memory: &Arc<Memory>, world: &Arc<World>, run: &tempfile::TempDir) -> (Queue, Clock) {
    let options = QueueOptions {
        program: "a test".to_owned(),
        parallel: WORKERS,
        attempts: ATTEMPTS,
        run_dir: run.path().to_owned(),
        is_shared: false,
        adopts: true,
    };
    let queue = Queue::start(options, memory.clone(), world.clone(), world.time.clone()).await.unwrap();
    let clock = Clock::still(queue.clone(), rules()).await.unwrap();
    (queue, clock)
}

#[tokio::test(start_paused = true)]
async fn in_a_month_no_job_is_lost_doubled_or_starved() {
    let run = tempfile::tempdir().unwrap();
    let (memory, time) = (Arc::new(Memory::default()), Arc::new(Passing(Instant::now())));
    let world = Arc::new(World { time: time.clone(), forge: Mutex::default(), seen: Mutex::default() });
    let (mut queue, mut clock) = start(&memory, &world, &run).await;
    let mut ticks: BTreeMap<JobKind, i64> = BTreeMap::new();
    let end = START + DAYS * 24 * HOUR;
    let (mut asked_on, mut is_second_half) = (0, false);
    while time.now_ms() < end {
        // All schedules lie at multiples of it.
        sleep(Duration::from_secs(10)).await;
        let now = time.now_ms();
        for asked in clock.tick(now).await {
            *ticks.entry(asked.job.kind).or_default() += 1;
        }
        let day = (now - START) / (24 * HOUR);
        if day > asked_on {
            asked_on = day;
            queue.enqueue(by(person(), JobKind::Sync, Some(repository(7)))).await.unwrap();
        }
        if !is_second_half && now > START + 15 * 24 * HOUR + 3 * MINUTE {
            is_second_half = true;
            // Another process goes on with whatever this one was doing.
            queue.shut_down(Duration::from_secs(5)).await;
            (queue, clock) = start(&memory, &world, &run).await;
        }
    }
    queue.idle().await;

    let days = |a_day: i64| DAYS * a_day;
    let expected = [
        (JobKind::Discover, days(4)),
        (JobKind::Sync, days(24 * 60)),
        (JobKind::Aggregate, days(24)),
        (JobKind::Retain, days(1)),
    ];
    for (kind, count) in expected {
        assert_eq!(ticks[&kind], count, "ticks of {kind:?}");
    }
    let jobs: Vec<Job> = memory.jobs.lock().unwrap().values().cloned().collect();
    assert!(jobs.len() > 40_000, "{}", jobs.len());
    for job in &jobs {
        match job.state {
            JobState::Succeeded => {}
            // What fails for a reason that may pass is tried as often as it may be, and not more often.
            JobState::Failed => assert_eq!(job.attempts, ATTEMPTS, "{job:?}"),
            _ => panic!("{job:?}"),
        }
    }
    let seen = world.seen.lock().unwrap();
    assert!(seen.parked.is_empty() && seen.running.is_empty(), "{:?}", seen.parked);
    // A job asks once past the budget, and waits then: the search, and the visits.
    assert!(seen.refused.values().all(|refused| *refused <= 2), "{:?}", seen.refused);
    assert!(
        seen.refused.contains_key(&0) || seen.refused.len() > 1,
        "the budget was never used up: {:?}",
        seen.refused
    );
    // Every worker is free again after two minutes at the latest, and a person is next; the clock comes after at most so many others as
    // wait more urgently, whatever discovery brought.
    let bound = |who: &str| seen.waited[who];
    assert!(bound("person") <= 2 * MINUTE + 10 * SECOND, "{:?}", seen.waited);
    assert!(bound("clock") <= 10 * MINUTE, "{:?}", seen.waited);
    assert!(bound("job") <= 4 * HOUR, "{:?}", seen.waited);
}
