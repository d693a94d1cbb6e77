//! How processes on several machines that share a database see that the others live.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::books::Books;
use crate::store::StoreError;

/// Time between two beats.
const BEAT: Duration = Duration::from_secs(15);
/// Who did not show itself for so long is dead.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Shows that a process lives, until it is dropped.
pub(super) struct Pulse(JoinHandle<()>);

impl Pulse {
    /// Shows it once before anybody can ask.
    ///
    /// # Errors
    /// When ClickHouse fails.
    pub async fn start(books: Arc<dyn Books>, process: Uuid) -> Result<Self, StoreError> {
        books.note_alive(process).await?;
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                if let Err(error) = books.note_alive(process).await {
                    tracing::warn!(%error, "other machines do not learn that this process lives");
                }
            }
        })))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}
