//! The time by which jobs wait, so that tests need not.

use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A machine's clock may be set, and a machine may sleep: whoever waits looks again after this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A clock that can be waited for.
pub trait Time: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Waits until a time in milliseconds since 1970, or for a while: it may end too early, never too late.
    fn until(&self, time_ms: i64) -> BoxFuture<'static, ()>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    fn now_ms(&self) -> i64 {
        Utc::now().timestamp_millis()
    }

    fn until(&self, time_ms: i64) -> BoxFuture<'static, ()> {
        let left = u64::try_from(time_ms.saturating_sub(self.now_ms())).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).boxed()
    }
}
