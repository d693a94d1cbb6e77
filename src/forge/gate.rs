//! The one gate before a forge: what it still answers, as its last answers told, and how many requests are under way.
//!
//! Nothing waits here for a budget: a request that would be refused is not sent, and the error says until when. Forges tell their limits
//! by headers of their own; each reads them into [`Told`] and [`Refusal`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::ForgeError;
use crate::model::RateLimit;

/// The time in seconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The name under which what is no budget of one resource is told: a forge's guard against bursts.
const SECONDARY: &str = "secondary";
/// Requests under way at once.
const AT_ONCE: usize = 4;
/// Requests of a minute. GitHub's guard against bursts allows 900 points, and a reading request is one point.
const A_MINUTE: u64 = 900;
const MINUTE: i64 = 60;
/// The first wait after a refusal without an explanation, and the longest one.
const SHORTEST_WAIT: i64 = 60;
const LONGEST_BACKOFF: i64 = 3600;
/// No wait is longer, whatever a forge says: a wrong header must not stop the discovery for ever.
const LONGEST_WAIT: i64 = 86_400;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}

pub(super) struct Gate {
    forge: String,
    clock: Clock,
    room: Semaphore,
    state: Mutex<State>,
}

/// What an answer says of the budget it was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub resource: &'static str,
    pub limit: u64,
    pub remaining: u64,
    /// Seconds since 1970.
    pub resets_at: i64,
}

/// Why a request was refused for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The budget of its resource is used up.
    UsedUp,
    /// The forge names the seconds to wait.
    Wait(i64),
    /// It names no time.
    Unexplained,
}

#[derive(Default)]
struct State {
    budgets: BTreeMap<&'static str, Budget>,
    blocked_until: i64,
    /// Refusals without an explanation, one after the other.
    strikes: u32,
    minute_began: i64,
    sent_in_minute: u64,
}

#[derive(Default)]
struct Budget {
    told: Option<Told>,
    under_way: u64,
}

/// The permission to send one request. When it is dropped without an answer, the request counts as answered: the forge may have
/// counted it.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    resource: &'static str,
    is_answered: bool,
    _room: SemaphorePermit<'a>,
}

impl Gate {
    pub fn new(forge: &str, clock: Clock) -> Self {
        Self { forge: forge.to_owned(), clock, room: Semaphore::new(AT_ONCE), state: Mutex::default() }
    }

    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Lets a request through, after those that are under way if they are many.
    ///
    /// # Errors
    /// [`ForgeError::OutOfBudget`] when the forge would refuse it.
    pub async fn enter(&self, resource: &'static str) -> Result<Pass<'_>, ForgeError> {
        let room = self.room.acquire().await.expect("it is never closed");
        let now = self.now();
        let mut state = self.state();
        if let Err((resource, until)) = state.admit(resource, now) {
            return Err(self.out_of_budget(resource, until));
        }
        Ok(Pass { gate: self, resource, is_answered: false, _room: room })
    }

    /// Notes that a request was refused; answers the error that says so.
    pub fn refused(&self, resource: &'static str, refusal: Refusal) -> ForgeError {
        let now = self.now();
        let mut state = self.state();
        let budget = state.budgets.get_mut(resource);
        let told = budget.and_then(|budget| budget.told.as_mut());
        let (resource, until) = match (refusal, told) {
            // A forge whose clock is behind ours names a time that is over.
            (Refusal::UsedUp, Some(told)) if told.resets_at > now => {
                // Whatever it said beside.
                told.remaining = 0;
                (resource, told.resets_at)
            }
            (Refusal::Wait(seconds), _) => (SECONDARY, now + seconds.clamp(1, LONGEST_WAIT)),
            (Refusal::UsedUp | Refusal::Unexplained, _) => {
                let wait = SHORTEST_WAIT << state.strikes.min(6);
                state.strikes += 1;
                (SECONDARY, now + wait.min(LONGEST_BACKOFF))
            }
        };
        if resource == SECONDARY {
            state.blocked_until = state.blocked_until.max(until);
        }
        self.out_of_budget(resource, until)
    }

    /// What is left of each budget that was told.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        let now = self.now();
        let state = self.state();
        let limit = |resource: &str, limit, remaining, resets_at| RateLimit {
            forge: self.forge.clone(),
            resource: resource.to_owned(),
            limit,
            remaining,
            resets_at,
        };
        let told = state.budgets.values().filter_map(|budget| budget.told);
        let mut limits: Vec<RateLimit> = told
            .map(|told| {
                let remaining = if now < told.resets_at { told.remaining } else { told.limit };
                limit(told.resource, told.limit, remaining, told.resets_at)
            })
            .collect();
        limits.push(match (now < state.blocked_until, now < state.minute_began + MINUTE) {
            (true, _) => limit(SECONDARY, A_MINUTE, 0, state.blocked_until),
            (false, true) => {
                limit(SECONDARY, A_MINUTE, A_MINUTE.saturating_sub(state.sent_in_minute), state.minute_began + MINUTE)
            }
            (false, false) => limit(SECONDARY, A_MINUTE, A_MINUTE, now),
        });
        limits
    }

    fn out_of_budget(&self, resource: &str, until: i64) -> ForgeError {
        ForgeError::OutOfBudget { forge: self.forge.clone(), resource: resource.to_owned(), until }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a request; or says which budget has nothing left, and until when.
    fn admit(&mut self, resource: &'static str, now: i64) -> Result<(), (&'static str, i64)> {
        if now < self.blocked_until {
            return Err((SECONDARY, self.blocked_until));
        }
        if !(self.minute_began..self.minute_began + MINUTE).contains(&now) {
            self.minute_began = now;
            self.sent_in_minute = 0;
        }
        if self.sent_in_minute >= A_MINUTE {
            return Err((SECONDARY, self.minute_began + MINUTE));
        }
        let budget = self.budgets.entry(resource).or_default();
        if let Some(told) = budget.told
            && now < told.resets_at
            && told.remaining <= budget.under_way
        {
            return Err((resource, told.resets_at));
        }
        budget.under_way += 1;
        self.sent_in_minute += 1;
        Ok(())
    }

    /// Notes what an answer told. Answers overtake each other: within one window the smallest number is the newest.
    fn note(&mut self, told: Told, now: i64) {
        let told = Told { resets_at: told.resets_at.min(now.saturating_add(LONGEST_WAIT)), ..told };
        let budget = self.budgets.entry(told.resource).or_default();
        budget.told = Some(match budget.told {
            Some(before) if before.resets_at == told.resets_at => {
                Told { remaining: told.remaining.min(before.remaining), ..told }
            }
            Some(before) if before.resets_at > told.resets_at && before.resets_at > now => before,
            _ => told,
        });
    }
}

impl Pass<'_> {
    /// An answer came.
    pub fn answered(mut self, told: Option<Told>) {
        self.is_answered = true;
        if let Some(told) = told {
            let now = self.gate.now();
            self.gate.state().note(told, now);
        }
    }

    /// The answer was no refusal: the next one without an explanation is the first one again.
    pub fn welcomed(self, told: Option<Told>) {
        self.gate.state().strikes = 0;
        self.answered(told);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        let budget = state.budgets.entry(self.resource).or_default();
        budget.under_way = budget.under_way.saturating_sub(1);
        if let (false, Some(told)) = (self.is_answered, &mut budget.told) {
            told.remaining = told.remaining.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
