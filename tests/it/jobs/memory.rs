//! A queue in memory, by the time of a paused runtime, which passes when everybody waits.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kubestats::jobs::{Books, Time, Written};
use kubestats::model::{Job, JobId, JobLogLine, JobRequest, RepositoryId, ScheduleState};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::support::START;

/// The time of a paused runtime.
pub struct Passing(pub Instant);

impl Time for Passing {
    fn now_ms(&self) -> i64 {
        START + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn until(&self, time_ms: i64) -> BoxFuture<'static, ()> {
        let left = u64::try_from(time_ms - self.now_ms()).unwrap_or_default();
        sleep(Duration::from_millis(left)).boxed()
    }
}

/// What is written down.
#[derive(Default)]
pub struct Memory {
    pub jobs: Mutex<BTreeMap<JobId, Job>>,
    schedules: Mutex<BTreeMap<String, ScheduleState>>,
}

fn written<'a, T: Send + 'a>(value: T) -> Written<'a, T> {
    std::future::ready(Ok(value)).boxed()
}

impl Books for Memory {
    fn save_jobs<'a>(&'a self, jobs: &'a [&'a Job]) -> Written<'a, ()> {
        let mut known = self.jobs.lock().unwrap();
        for job in jobs {
            if let Some(before) = known.insert(job.id, Job::clone(job)) {
                assert!(!before.state.is_ended(), "{before:?} had ended and became {job:?}");
            }
        }
        written(())
    }

    fn add_lines<'a>(&'a self, _: &'a [JobLogLine]) -> Written<'a, ()> {
        written(())
    }

    fn save_schedule<'a>(&'a self, schedule: &'a ScheduleState) -> Written<'a, ()> {
        self.schedules.lock().unwrap().insert(schedule.name.clone(), schedule.clone());
        written(())
    }

    fn schedules(&self) -> Written<'_, Vec<ScheduleState>> {
        written(self.schedules.lock().unwrap().values().cloned().collect())
    }

    fn job(&self, id: JobId) -> Written<'_, Option<Job>> {
        written(self.jobs.lock().unwrap().get(&id).cloned())
    }

    fn open_jobs(&self) -> Written<'_, Vec<Job>> {
        written(self.jobs.lock().unwrap().values().filter(|job| !job.state.is_ended()).cloned().collect())
    }

    fn open_jobs_like<'a>(&'a self, _: &'a [JobRequest]) -> Written<'a, Vec<Job>> {
        self.open_jobs()
    }

    fn last_line(&self, _: JobId) -> Written<'_, Option<u32>> {
        written(None)
    }

    fn forges(&self, ids: BTreeSet<RepositoryId>) -> Written<'_, HashMap<RepositoryId, Option<String>>> {
        written(ids.into_iter().map(|id| (id, Some("forge.example".to_owned()))).collect())
    }

    fn is_left(&self, _: RepositoryId) -> Written<'_, bool> {
        written(false)
    }

    fn note_alive(&self, _: Uuid) -> Written<'_, ()> {
        written(())
    }

    fn alive(&self, _: Duration) -> Written<'_, HashSet<Uuid>> {
        written(HashSet::new())
    }

    fn ask_to_cancel(&self, _: JobId) -> Written<'_, ()> {
        written(())
    }

    fn cancellations(&self, _: Duration) -> Written<'_, Vec<JobId>> {
        written(Vec::new())
    }
}
