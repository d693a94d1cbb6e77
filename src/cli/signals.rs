//! Being asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// How a process ends that was interrupted, as shells tell it.
const INTERRUPTED: i32 = 130;

/// Ends on Ctrl-C or SIGTERM. Whoever asks a second time does not wait for what the first one ends.
pub async fn asked_to_end() {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        tracing::warn!("signals cannot be listened to; only SIGKILL ends this process");
        return std::future::pending().await;
    };
    let mut asked = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    asked().await;
    tokio::spawn(async move {
        asked().await;
        tracing::warn!("ended at once; what was going on is picked up by the next start");
        std::process::exit(INTERRUPTED);
    });
}
