//! Schedules: cron texts that ask for jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use croner::parser::{CronParser, Seconds};
use tokio::sync::mpsc;

use super::queue::{Enqueued, JobsError, Queue};
use super::ticker::Ticker;
use crate::model::{JobArguments, JobId, JobKind, JobRequest, Requester, ScheduleState};
use crate::store::query::Schedules;
use crate::store::{Reader, Writer};

/// Ticks that may wait for the database. What comes later is dropped: the same is asked for by the next tick.
const WAITING_TICKS: usize = 64;

/// A schedule as the configuration has it.
#[derive(Clone, Debug)]
pub struct ScheduleRule {
    pub name: &'static str,
    pub kind: JobKind,
    /// Cron text with seconds, UTC; `None`: never by the clock.
    pub cron: Option<String>,
}

/// A schedule as it is now.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    pub kind: JobKind,
    /// Cron text with seconds, UTC.
    pub cron: String,
    /// Whether it runs: it has a cron text, and nobody paused it.
    pub is_enabled: bool,
    /// Milliseconds since 1970; so below.
    pub next_run_at_ms: Option<i64>,
    pub last_run_at_ms: Option<i64>,
    pub last_job: Option<JobId>,
}

/// Runs the schedules. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Queue,
    writer: Writer,
    rules: Vec<ScheduleRule>,
    states: Mutex<BTreeMap<&'static str, ScheduleState>>,
    /// States are stored one after the other.
    saving: tokio::sync::Mutex<()>,
    ticker: Mutex<Option<Ticker>>,
}

impl Clock {
    /// Starts the schedules. Whether one is paused, and when it last ran, is remembered from earlier processes.
    ///
    /// # Errors
    /// When ClickHouse fails, or a cron text is none.
    pub async fn start(
        queue: Queue,
        reader: &Reader,
        writer: Writer,
        rules: Vec<ScheduleRule>,
    ) -> Result<Self, JobsError> {
        let stored = reader.now(&Schedules).await?;
        let mut stored: BTreeMap<String, ScheduleState> =
            stored.iter().map(|row| row.to_model()).map(|state| (state.name.clone(), state)).collect();
        let state = |rule: &ScheduleRule| {
            let new =
                || ScheduleState { name: rule.name.to_owned(), is_paused: false, last_run_at_ms: None, last_job: None };
            (rule.name, stored.remove(rule.name).unwrap_or_else(new))
        };
        let states = Mutex::new(rules.iter().map(state).collect());
        let crons = rules.iter().filter_map(|rule| Some((rule.name.to_owned(), rule.cron.clone()?))).collect();
        let inner =
            Inner { queue, writer, rules, states, saving: tokio::sync::Mutex::default(), ticker: Mutex::default() };
        let clock = Self { inner: Arc::new(inner) };
        let (sender, receiver) = mpsc::channel::<String>(WAITING_TICKS);
        // A tick of the scheduler waits for nothing, and does nothing itself.
        let ticker = Ticker::start(
            crons,
            Arc::new(move |name| {
                if sender.try_send(name.to_owned()).is_err() {
                    tracing::warn!(schedule = name, "a tick is dropped: earlier ones still wait");
                }
            }),
        );
        let ticker = ticker.await.map_err(|error| JobsError::Clock(error.to_string()))?;
        *clock.inner.ticker.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticker);
        tokio::spawn(take_ticks(Arc::downgrade(&clock.inner), receiver));
        Ok(clock)
    }

    /// All schedules, in the order of the configuration.
    ///
    /// # Errors
    /// None today; reading them may come to need the database.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, JobsError> {
        Ok(self.inner.rules.iter().filter_map(|rule| self.inner.schedule(rule)).collect())
    }

    /// Asks for a schedule's job now, also while it is paused.
    ///
    /// # Errors
    /// When there is no such schedule, or as [`Queue::enqueue`].
    pub async fn run(&self, name: &str) -> Result<Enqueued, JobsError> {
        self.inner.ask(name, Requester::Person("api".to_owned())).await
    }

    /// Pauses a schedule, or lets it run again; later processes know of it.
    ///
    /// # Errors
    /// When there is no such schedule, or ClickHouse fails.
    pub async fn pause(&self, name: &str, is_paused: bool) -> Result<Schedule, JobsError> {
        let rule = self.inner.rule(name)?;
        self.inner.change(rule, |state| state.is_paused = is_paused).await?;
        self.inner.schedule(rule).ok_or_else(|| JobsError::UnknownSchedule(name.to_owned()))
    }

    /// When the clock last showed that it ticks, in milliseconds since 1970; it does so every second.
    pub fn last_beat_ms(&self) -> Option<i64> {
        self.inner.ticker.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Ticker::last_beat_ms)
    }

    /// Asks for nothing any more.
    pub async fn stop(&self) {
        let ticker = self.inner.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticker) = ticker {
            ticker.stop().await;
        }
    }
}

impl Inner {
    fn rule(&self, name: &str) -> Result<&ScheduleRule, JobsError> {
        let rule = self.rules.iter().find(|rule| rule.name == name);
        rule.ok_or_else(|| JobsError::UnknownSchedule(name.to_owned()))
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<&'static str, ScheduleState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn schedule(&self, rule: &ScheduleRule) -> Option<Schedule> {
        let state = self.states().get(rule.name)?.clone();
        let is_enabled = rule.cron.is_some() && !state.is_paused;
        Some(Schedule {
            name: state.name,
            kind: rule.kind,
            cron: rule.cron.clone().unwrap_or_default(),
            is_enabled,
            next_run_at_ms: rule.cron.as_deref().filter(|_| is_enabled).and_then(|cron| next_run_ms(cron, now_ms())),
            last_run_at_ms: state.last_run_at_ms,
            last_job: state.last_job,
        })
    }

    async fn ask(&self, name: &str, requested_by: Requester) -> Result<Enqueued, JobsError> {
        let rule = self.rule(name)?;
        let arguments = JobArguments::default();
        let request = JobRequest { kind: rule.kind, repository: None, arguments, requested_by };
        let enqueued = self.queue.enqueue(request).await?;
        let (job, now) = (enqueued.job.id, now_ms());
        let ran = |state: &mut ScheduleState| (state.last_run_at_ms, state.last_job) = (Some(now), Some(job));
        self.change(rule, ran).await?;
        Ok(enqueued)
    }

    async fn change(&self, rule: &ScheduleRule, change: impl FnOnce(&mut ScheduleState)) -> Result<(), JobsError> {
        let _saving = self.saving.lock().await;
        let Some(mut state) = self.states().get(rule.name).cloned() else { return Ok(()) };
        change(&mut state);
        self.writer.save_schedule(&state).await?;
        self.states().insert(rule.name, state);
        Ok(())
    }
}

/// Asks for the jobs of ticks, for as long as there is a clock.
async fn take_ticks(clock: std::sync::Weak<Inner>, mut ticks: mpsc::Receiver<String>) {
    while let Some(name) = ticks.recv().await {
        let Some(clock) = clock.upgrade() else { return };
        if clock.states().get(name.as_str()).is_none_or(|state| state.is_paused) {
            continue;
        }
        match clock.ask(&name, Requester::Clock(name.clone())).await {
            Ok(_) | Err(JobsError::ShuttingDown) => {}
            Err(error) => tracing::warn!(schedule = name, %error, "the clock asked in vain"),
        }
    }
}

fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// When a cron text runs next after a time, both in milliseconds since 1970. It is read as the scheduler reads it.
fn next_run_ms(cron: &str, after_ms: i64) -> Option<i64> {
    let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
    // Runs lie at whole seconds; a fraction would be carried on into the next one.
    let after = chrono::DateTime::from_timestamp(after_ms.div_euclid(1_000), 0)?;
    let next = parser.parse(cron).ok()?.find_next_occurrence(&after, false).ok()?;
    Some(next.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::next_run_ms;

    #[test]
    fn a_cron_text_tells_its_next_run() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let check = |cron: &str, after: &str, expected: &str| {
            assert_eq!(next_run_ms(cron, at(after)), Some(at(expected)), "{cron} after {after}");
        };
        check("0 17 */6 * * *", "2026-03-29T00:16:59Z", "2026-03-29T00:17:00Z");
        check("0 17 */6 * * *", "2026-03-29T00:17:00Z", "2026-03-29T06:17:00Z");
        // In the night in which clocks change somewhere.
        check("0 23 3 * * *", "2026-03-29T02:00:00Z", "2026-03-29T03:23:00Z");
        check("30 * * * * *", "2026-12-31T23:59:30.500Z", "2027-01-01T00:00:30Z");
        assert_eq!(next_run_ms("not at all", 0), None);
    }
}
