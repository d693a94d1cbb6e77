//! Changes of jobs, for those who may be slower than the jobs.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::model::{Job, JobId};

/// What waits for somebody slow: the newest state of each job, in the order of these states.
#[derive(Debug, Default)]
pub struct Backlog {
    jobs: BTreeMap<u64, Job>,
    places: HashMap<JobId, u64>,
    next: u64,
}

impl Backlog {
    pub fn put(&mut self, job: Job) {
        if let Some(older) = self.places.insert(job.id, self.next) {
            self.jobs.remove(&older);
        }
        self.jobs.insert(self.next, job);
        self.next += 1;
    }

    pub fn pop(&mut self) -> Option<Job> {
        let (_, job) = self.jobs.pop_first()?;
        self.places.remove(&job.id);
        Some(job)
    }

    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Takes all that waits in a channel.
    pub fn take_in(&mut self, updates: &mut broadcast::Receiver<Job>) {
        loop {
            match updates.try_recv() {
                Ok(job) => self.put(job),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

/// The newest states of all jobs of a process, for whoever must not miss an end.
pub struct Newest {
    jobs: mpsc::Receiver<Job>,
    /// Until it is dropped, more may come.
    more: Option<oneshot::Sender<()>>,
}

impl Newest {
    /// A task of its own takes what comes, however slow the reader is.
    pub(super) fn of(updates: broadcast::Receiver<Job>) -> Self {
        let (sender, jobs) = mpsc::channel(1);
        let (more, enough) = oneshot::channel();
        tokio::spawn(pass_on(updates, sender, enough));
        Self { jobs, more: Some(more) }
    }

    /// The next change; `None` after the last one.
    pub async fn next(&mut self) -> Option<Job> {
        self.jobs.recv().await
    }

    /// Takes nothing more than what has come until now.
    pub fn end(&mut self) {
        self.more = None;
    }
}

async fn pass_on(mut updates: broadcast::Receiver<Job>, reader: mpsc::Sender<Job>, mut enough: oneshot::Receiver<()>) {
    let (mut backlog, mut is_over) = (Backlog::default(), false);
    while !is_over || !backlog.is_empty() {
        tokio::select! {
            update = updates.recv(), if !is_over => match update {
                Ok(job) => backlog.put(job),
                Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "changes of jobs are not shown"),
                Err(RecvError::Closed) => is_over = true,
            },
            _ = &mut enough, if !is_over => {
                is_over = true;
                backlog.take_in(&mut updates);
            }
            place = reader.reserve(), if !backlog.is_empty() => match (place, backlog.pop()) {
                (Ok(place), Some(job)) => place.send(job),
                _ => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobArguments, JobKind, JobProgress, JobState, Requester};

    fn job(id: JobId, done: u64, state: JobState) -> Job {
        Job {
            id,
            kind: JobKind::Scan,
            repository: None,
            arguments: JobArguments::default(),
            requested_by: Requester::Webhook,
            priority: 3,
            state,
            attempts: 1,
            progress: JobProgress { done, ..JobProgress::default() },
            error: None,
            created_at_ms: 0,
            started_at_ms: None,
            ended_at_ms: None,
            not_before_ms: None,
            run: None,
            worker: None,
            is_cancelled: false,
        }
    }

    #[test]
    fn of_each_job_the_newest_state_waits() {
        let (mut sender, mut receiver) = broadcast::channel(8);
        let (first, second) = (JobId::now(), JobId::now());
        for done in 0..100 {
            sender.send(job(first, done, JobState::Running)).unwrap();
        }
        sender.send(job(second, 1, JobState::Running)).unwrap();
        sender.send(job(first, 100, JobState::Succeeded)).unwrap();
        let mut backlog = Backlog::default();
        backlog.take_in(&mut receiver);
        let seen = [backlog.pop().unwrap(), backlog.pop().unwrap()];
        assert_eq!(seen.map(|job| (job.id, job.progress.done)), [(second, 1), (first, 100)]);
        assert!(backlog.pop().is_none() && backlog.is_empty());
        drop(std::mem::replace(&mut sender, broadcast::channel(1).0));
    }

    #[tokio::test]
    async fn no_end_is_missed_by_those_who_read_nothing_meanwhile() {
        let (sender, receiver) = broadcast::channel(8);
        let mut newest = Newest::of(receiver);
        let ids: Vec<JobId> = (0..1_000).map(|_| JobId::now()).collect();
        for id in &ids {
            for done in 0..3 {
                sender.send(job(*id, done, JobState::Running)).unwrap();
            }
            sender.send(job(*id, 3, JobState::Failed)).unwrap();
            // The channel is small; whoever waits in it is taken out by a task of its own.
            tokio::task::yield_now().await;
        }
        newest.end();
        let mut ended = Vec::new();
        while let Some(job) = newest.next().await {
            ended.extend((job.state == JobState::Failed).then_some(job.id));
        }
        assert_eq!(ended, ids);
    }
}
