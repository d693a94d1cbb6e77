//! Tells of scans as they become visible, whichever process they ran in.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval};

use super::query::{PublicationRecord, Publications as Question};
use super::{Reader, StoreError};

/// How often the database is asked while somebody listens.
const LOOK: Duration = Duration::from_millis(500);
/// Publications that wait for somebody slow.
const WAITING: usize = 1_024;
/// Versions of different processes may become visible in another order than theirs, by less than this, in microseconds.
const DISORDER: u64 = 10_000_000;

/// Whoever listens, and the task that asks for all of them. Nobody is asked for when nobody listens.
#[derive(Clone, Default)]
pub(super) struct Publications(Arc<Mutex<Option<Sender<PublicationRecord>>>>);

impl Publications {
    /// Every scan that is published from now on.
    ///
    /// # Errors
    /// When ClickHouse fails: what is published already is not known.
    pub async fn listen(&self, reader: &Reader) -> Result<Receiver<PublicationRecord>, StoreError> {
        if let Some(receiver) = self.join() {
            return Ok(receiver);
        }
        let watch = Watch::begin(reader.clone()).await?;
        let (sender, receiver) = broadcast::channel(WAITING);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        tokio::spawn(watch.tell(sender));
        Ok(receiver)
    }

    /// A place among those who listen already.
    fn join(&self) -> Option<Receiver<PublicationRecord>> {
        let telling = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The task ends when it finds nobody: who came since has to be seen by it, or begins a new one.
        telling.as_ref().filter(|sender| sender.receiver_count() > 0).map(Sender::subscribe)
    }
}

/// What was seen of the publications.
struct Watch {
    reader: Reader,
    newest: u64,
    /// Versions that were told, as far back as they may become visible late.
    told: HashSet<u64>,
}

impl Watch {
    async fn begin(reader: Reader) -> Result<Self, StoreError> {
        let newest = reader.snapshot().await?.version();
        let mut watch = Self { reader, newest, told: HashSet::new() };
        watch.look().await?;
        Ok(watch)
    }

    /// Tells what is published, until nobody listens.
    async fn tell(mut self, sender: Sender<PublicationRecord>) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while sender.receiver_count() > 0 {
            ticks.tick().await;
            match self.look().await {
                // Nobody may listen any more.
                Ok(published) => published.into_iter().for_each(|publication| drop(sender.send(publication))),
                Err(error) => tracing::warn!(%error, "publications are looked for again"),
            }
        }
    }

    /// What became visible since the last look.
    async fn look(&mut self) -> Result<Vec<PublicationRecord>, StoreError> {
        let from = self.newest.saturating_sub(DISORDER);
        let mut published = self.reader.now(&Question { after: from }).await?;
        let told = std::mem::take(&mut self.told);
        self.told = published.iter().map(|publication| publication.version).collect();
        published.retain(|publication| !told.contains(&publication.version));
        self.newest = published.iter().map(|publication| publication.version).fold(self.newest, u64::max);
        Ok(published)
    }
}
