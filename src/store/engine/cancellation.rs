//! A client that goes away takes its statement with it.

use super::host::Host;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task;

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Held by a request's answer: dropped before the statement has ended, it has the statement killed.
///
/// The library's own cancel waits for the chunk in work, which may be a whole aggregation; KILL QUERY does not.
pub(super) struct KillOnDrop {
    host: Arc<Host>,
    query_id: String,
    ended: Arc<AtomicBool>,
}

/// Held by the thread that runs the statement; its end says that the statement has ended.
pub(super) struct Running(Arc<AtomicBool>);

pub(super) fn kill_on_drop(host: &Arc<Host>, query_id: &str) -> (KillOnDrop, Running) {
    let ended = Arc::new(AtomicBool::new(false));
    let kill = KillOnDrop { host: Arc::clone(host), query_id: query_id.to_owned(), ended: Arc::clone(&ended) };
    (kill, Running(ended))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(kill_until_ended(Arc::clone(&self.host), self.query_id.clone(), Arc::clone(&self.ended)));
    }
}

// More than once: the statement may not have started yet. The first pause lets one that ends by itself do so.
async fn kill_until_ended(host: Arc<Host>, query_id: String, ended: Arc<AtomicBool>) {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        if ended.load(Ordering::Acquire) {
            return;
        }
        let (host, query_id) = (Arc::clone(&host), query_id.clone());
        // A failed attempt is repeated below like one that came too early.
        let _ = task::spawn_blocking(move || host.kill(&query_id)).await;
        pause = (pause * 4).min(LONGEST_PAUSE);
    }
}
