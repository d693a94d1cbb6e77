//! A scheduler that ticks, and a watchdog that notices when it does not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// What is called at every beat. It must not wait.
pub type OnBeat = Arc<dyn Fn() + Send + Sync>;

/// A beat comes every second; without one for this time, the scheduler is made anew.
const PATIENCE: Duration = Duration::from_secs(30);

/// Beats every second until it is dropped. What runs when is for who listens.
///
/// The beat is a cron job in UTC: repeated jobs of the scheduler can stop for ever, and time zones are off by an hour when clocks change.
pub struct Ticker {
    scheduler: Arc<Mutex<Option<JobScheduler>>>,
    beat_ms: Arc<AtomicI64>,
    watchdog: JoinHandle<()>,
}

impl Ticker {
    /// # Errors
    /// When the scheduler does not start.
    pub async fn start(on_beat: OnBeat) -> Result<Self, JobSchedulerError> {
        Self::with_patience(on_beat, PATIENCE).await
    }

    async fn with_patience(on_beat: OnBeat, patience: Duration) -> Result<Self, JobSchedulerError> {
        let beat_ms = Arc::new(AtomicI64::new(Utc::now().timestamp_millis()));
        let first = scheduler(&on_beat, &beat_ms).await?;
        let current = Arc::new(Mutex::new(Some(first)));
        let (kept, beat) = (current.clone(), beat_ms.clone());
        let watchdog = tokio::spawn(async move {
            let mut seen = beat.load(Ordering::Relaxed);
            loop {
                // A machine that slept, or whose clock was set, gets this time to beat again.
                tokio::time::sleep(patience).await;
                let now = beat.load(Ordering::Relaxed);
                if std::mem::replace(&mut seen, now) != now {
                    continue;
                }
                tracing::error!("the scheduler of jobs stopped ticking; it is started anew");
                end(&kept).await;
                match scheduler(&on_beat, &beat).await {
                    Ok(next) => *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(next),
                    Err(error) => tracing::error!(%error, "the scheduler of jobs does not start"),
                }
            }
        });
        Ok(Self { scheduler: current, beat_ms, watchdog })
    }

    /// When it last showed that it ticks, in milliseconds since 1970.
    pub fn last_beat_ms(&self) -> i64 {
        self.beat_ms.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub async fn stop(&self) {
        self.watchdog.abort();
        end(&self.scheduler).await;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.watchdog.abort();
        let scheduler = self.scheduler.clone();
        // Without a runtime nothing ticks.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { end(&scheduler).await });
        }
    }
}

async fn end(scheduler: &Mutex<Option<JobScheduler>>) {
    let ended = scheduler.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut ended) = ended
        && let Err(error) = ended.shutdown().await
    {
        tracing::debug!(%error, "a scheduler does not end");
    }
}

async fn scheduler(on_beat: &OnBeat, beat_ms: &Arc<AtomicI64>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let (on_beat, beat) = (on_beat.clone(), beat_ms.clone());
    let job = Job::new("* * * * * *", move |_, _| {
        beat.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
        on_beat();
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_scheduler_that_stopped_ticking_is_started_anew() {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counted = ticks.clone();
        let on_beat: OnBeat = Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let ticker = Ticker::with_patience(on_beat, Duration::from_secs(3)).await.unwrap();
        let more = async |ticks: &AtomicUsize| {
            let before = ticks.load(Ordering::Relaxed);
            for _ in 0..300 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if ticks.load(Ordering::Relaxed) > before + 1 {
                    return true;
                }
            }
            false
        };
        assert!(more(&ticks).await);
        end(&ticker.scheduler).await;
        assert!(more(&ticks).await, "it ticks again");
        assert!(ticker.last_beat_ms() > 0);
        ticker.stop().await;
    }
}
