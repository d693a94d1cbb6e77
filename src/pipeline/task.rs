//! What a use case that runs as a job knows of it: how to tell of progress, and whether it is to end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::model::{JobId, JobProgress, JobRequest, LogLevel};

/// Listens to a use case. Calls come from several threads, and none of them waits.
pub trait Listener: Send + Sync {
    /// How far it is. Comes as often as something moves; who listens thins it out.
    fn progress(&self, progress: JobProgress);
    /// A line worth keeping, without secrets.
    fn log(&self, level: LogLevel, text: String);
    /// What is to be done next, on its own.
    fn follow_up(&self, request: JobRequest);
}

/// One run of a use case.
#[derive(Clone)]
pub struct Task {
    pub job: JobId,
    listener: Arc<dyn Listener>,
    stop: Arc<StopSignal>,
}

/// Asks a run to end.
#[derive(Default)]
pub struct StopSignal {
    is_set: AtomicBool,
    set: Notify,
}

impl StopSignal {
    /// Asks the run to end as soon as it can.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.set.notify_waiters();
    }

    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Waits until the run is asked to end.
    pub async fn wait(&self) {
        let notified = self.set.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if !self.is_set() {
            notified.await;
        }
    }
}

impl Task {
    pub fn new(job: JobId, listener: Arc<dyn Listener>, stop: Arc<StopSignal>) -> Self {
        Self { job, listener, stop }
    }

    pub fn progress(&self, done: u64, total: u64, unit: &str, message: &str) {
        self.listener.progress(JobProgress { done, total, unit: unit.to_owned(), message: message.to_owned() });
    }

    pub fn log(&self, level: LogLevel, text: impl Into<String>) {
        self.listener.log(level, text.into());
    }

    pub fn follow_up(&self, request: JobRequest) {
        self.listener.follow_up(request);
    }

    /// Whether the run was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Runs `work` until it is done or the run is asked to end; `None` for the latter.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.stop.wait() => None,
        }
    }
}
