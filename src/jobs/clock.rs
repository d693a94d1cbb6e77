//! Schedules: cron texts that ask for jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use croner::parser::{CronParser, Seconds};
use tokio::sync::mpsc;

use super::books::Books;
use super::queue::{Enqueued, JobsError, Queue};
use super::ticker::Ticker;
use super::time::Time;
use crate::model::{JobArguments, JobId, JobKind, JobRequest, Requester, ScheduleState};

/// What could not be asked for is asked for again after this time.
const RETRY_MS: i64 = 10_000;

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
    books: Arc<dyn Books>,
    time: Arc<dyn Time>,
    rules: Vec<ScheduleRule>,
    states: Mutex<BTreeMap<&'static str, ScheduleState>>,
    runs: Mutex<Runs>,
    /// States are stored one after the other.
    saving: tokio::sync::Mutex<()>,
    ticker: Mutex<Option<Ticker>>,
}

/// When schedules run next, in milliseconds since 1970.
#[derive(Default)]
struct Runs {
    next: BTreeMap<&'static str, i64>,
    last_tick_ms: i64,
}

impl Clock {
    /// Starts the schedules. Whether one is paused, and when it last ran, is remembered from earlier processes.
    ///
    /// # Errors
    /// When ClickHouse fails, or a cron text is none.
    pub async fn start(queue: Queue, rules: Vec<ScheduleRule>) -> Result<Self, JobsError> {
        let clock = Self::still(queue, rules).await?;
        // One beat may wait while what the last one asked for is stored.
        let (sender, receiver) = mpsc::channel(1);
        let ticker = Ticker::start(Arc::new(move || {
            // A tick that waits already says the same.
            let _ = sender.try_send(());
        }))
        .await;
        let ticker = ticker.map_err(|error| JobsError::Clock(error.to_string()))?;
        *clock.inner.ticker.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticker);
        tokio::spawn(take_beats(Arc::downgrade(&clock.inner), receiver));
        Ok(clock)
    }

    /// The same, but somebody else calls [`Clock::tick`].
    ///
    /// # Errors
    /// As [`Clock::start`].
    pub async fn still(queue: Queue, rules: Vec<ScheduleRule>) -> Result<Self, JobsError> {
        let (books, time) = (queue.inner.books.clone(), queue.inner.time.clone());
        let now_ms = time.now_ms();
        let stored = books.schedules().await?;
        let mut stored: BTreeMap<String, ScheduleState> =
            stored.into_iter().map(|state| (state.name.clone(), state)).collect();
        let mut states = BTreeMap::new();
        for rule in &rules {
            let state = match stored.remove(rule.name) {
                Some(state) => state,
                None => {
                    let new = ScheduleState {
                        name: rule.name.to_owned(),
                        known_at_ms: now_ms,
                        is_paused: false,
                        last_run_at_ms: None,
                        last_job: None,
                    };
                    books.save_schedule(&new).await?;
                    new
                }
            };
            states.insert(rule.name, state);
        }
        let mut runs = Runs { next: BTreeMap::new(), last_tick_ms: now_ms };
        for (rule, cron) in rules.iter().filter_map(|rule| Some((rule, rule.cron.as_deref()?))) {
            let state = &states[rule.name];
            // What was missed while nobody served is made up for, once.
            let since_ms = if state.is_paused { now_ms } else { state.last_run_at_ms.unwrap_or(state.known_at_ms) };
            let next_ms = next_run_ms(cron, since_ms.min(now_ms));
            let next_ms = next_ms.ok_or_else(|| JobsError::Clock(format!("{cron:?} is no cron text")))?;
            runs.next.insert(rule.name, next_ms);
        }
        let (states, runs) = (Mutex::new(states), Mutex::new(runs));
        let saving = tokio::sync::Mutex::default();
        let inner = Inner { queue, books, time, rules, states, runs, saving, ticker: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Asks for the jobs of all schedules whose time has come, and answers with them. Whoever ticks late misses nothing: times that passed
    /// since the last tick count once, and what cannot be asked for now is asked for by a later tick.
    pub async fn tick(&self, now_ms: i64) -> Vec<Enqueued> {
        let mut asked = Vec::new();
        for rule in self.inner.due(now_ms) {
            match self.inner.ask(rule, Requester::Clock(rule.name.to_owned())).await {
                Ok(enqueued) => asked.push(enqueued),
                Err(JobsError::ShuttingDown) => {}
                Err(error) => {
                    tracing::warn!(schedule = rule.name, %error, "the clock asked in vain");
                    self.inner.runs().next.insert(rule.name, now_ms + RETRY_MS);
                }
            }
        }
        asked
    }

    /// All schedules, in the order of the configuration.
    pub fn schedules(&self) -> Vec<Schedule> {
        self.inner.rules.iter().filter_map(|rule| self.inner.schedule(rule)).collect()
    }

    /// Asks for a schedule's job now, also while it is paused.
    ///
    /// # Errors
    /// When there is no such schedule, or as [`Queue::enqueue`].
    pub async fn run(&self, name: &str) -> Result<Enqueued, JobsError> {
        self.inner.ask(self.inner.rule(name)?, Requester::Person("api".to_owned())).await
    }

    /// Pauses a schedule, or lets it run again; later processes know of it.
    ///
    /// # Errors
    /// When there is no such schedule, or ClickHouse fails.
    pub async fn pause(&self, name: &str, is_paused: bool) -> Result<Schedule, JobsError> {
        let rule = self.inner.rule(name)?;
        self.inner.change(rule, |state| state.is_paused = is_paused).await?;
        // What was to run while it was paused is not made up for.
        self.inner.set_next(rule, self.inner.time.now_ms());
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
            next_run_at_ms: self.runs().next.get(rule.name).copied().filter(|_| is_enabled),
            last_run_at_ms: state.last_run_at_ms,
            last_job: state.last_job,
        })
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_next(&self, rule: &ScheduleRule, after_ms: i64) {
        if let Some(next_ms) = rule.cron.as_deref().and_then(|cron| next_run_ms(cron, after_ms)) {
            self.runs().next.insert(rule.name, next_ms);
        }
    }

    /// Whose time has come; from now on their next one counts.
    fn due(&self, now_ms: i64) -> Vec<&ScheduleRule> {
        let was_set_back = std::mem::replace(&mut self.runs().last_tick_ms, now_ms) > now_ms;
        let is_due = |rule: &&ScheduleRule| self.runs().next.get(rule.name).is_some_and(|next_ms| *next_ms <= now_ms);
        let due: Vec<&ScheduleRule> = self.rules.iter().filter(is_due).collect();
        for rule in self.rules.iter().filter(|rule| was_set_back || is_due(rule)) {
            self.set_next(rule, now_ms);
        }
        due.into_iter().filter(|rule| self.states().get(rule.name).is_some_and(|state| !state.is_paused)).collect()
    }

    async fn ask(&self, rule: &ScheduleRule, requested_by: Requester) -> Result<Enqueued, JobsError> {
        let arguments = JobArguments::default();
        let request = JobRequest { kind: rule.kind, repository: None, arguments, requested_by };
        let enqueued = self.queue.enqueue(request).await?;
        let (job, now) = (enqueued.job.id, self.time.now_ms());
        let ran = |state: &mut ScheduleState| (state.last_run_at_ms, state.last_job) = (Some(now), Some(job));
        // The job is there, whether or not this is.
        if let Err(error) = self.change(rule, ran).await {
            tracing::warn!(schedule = rule.name, %error, "when a schedule ran is not stored");
        }
        Ok(enqueued)
    }

    async fn change(&self, rule: &ScheduleRule, change: impl FnOnce(&mut ScheduleState)) -> Result<(), JobsError> {
        let _saving = self.saving.lock().await;
        let Some(mut state) = self.states().get(rule.name).cloned() else { return Ok(()) };
        change(&mut state);
        self.books.save_schedule(&state).await?;
        self.states().insert(rule.name, state);
        Ok(())
    }
}

/// Ticks at every beat, for as long as there is a clock.
async fn take_beats(clock: Weak<Inner>, mut beats: mpsc::Receiver<()>) {
    while beats.recv().await.is_some() {
        let Some(inner) = clock.upgrade() else { return };
        let now_ms = inner.time.now_ms();
        Clock { inner }.tick(now_ms).await;
    }
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
