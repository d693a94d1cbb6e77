//! What the resolvers of one request see: one version of the data with the loaders over it, and beside it the present, for what belongs
//! to no version (jobs, schedules, runs of discovery).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use async_graphql::{Context, Error};

use super::batch::Spawner;
use super::error::from_store;
use super::loaders::Loaders;
use crate::store::query::Question;
use crate::store::{Reader, Snapshot};

/// The data of one request.
pub struct Sight {
    reader: Reader,
    spawner: Spawner,
    present: Present,
    view: RwLock<View>,
}

/// One version of the data.
#[derive(Clone)]
struct View {
    snapshot: Snapshot,
    loaders: Arc<Loaders>,
}

impl View {
    fn new(snapshot: Snapshot, present: &Present, spawner: &Spawner) -> Self {
        let loaders = Arc::new(Loaders::new(&snapshot, present, spawner));
        Self { snapshot, loaders }
    }
}

impl Sight {
    pub fn new(reader: &Reader, snapshot: Snapshot, spawner: Spawner) -> Self {
        let present = Present { reader: reader.clone(), was_asked: Arc::default() };
        let view = RwLock::new(View::new(snapshot, &present, &spawner));
        Self { reader: reader.clone(), spawner, present, view }
    }

    pub const fn present(&self) -> &Present {
        &self.present
    }

    fn view(&self) -> View {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on the request sees the newest version. A mutation calls it after it wrote, so that its payload shows what it did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew(&self) -> Result<(), Error> {
        let snapshot = self.reader.snapshot().await.map_err(from_store)?;
        let view = View::new(snapshot, &self.present, &self.spawner);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }
}

/// What is so now, whatever the version of the data. An answer that holds any of it must not be kept.
#[derive(Clone)]
pub struct Present {
    reader: Reader,
    was_asked: Arc<AtomicBool>,
}

impl Present {
    /// # Errors
    /// When the question cannot be answered.
    pub async fn fetch<Q: Question>(&self, question: &Q) -> Result<Vec<Q::Row>, Error> {
        self.note();
        self.reader.now(question).await.map_err(from_store)
    }

    /// The moment of asking, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.note();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }

    /// Notes that the answer holds something of the present.
    pub fn note(&self) {
        self.was_asked.store(true, Ordering::Relaxed);
    }

    pub fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }
}

/// The sight of the request. Answers hold it for as long as they need one version.
pub fn sight<'c>(context: &Context<'c>) -> Result<&'c Sight, Error> {
    Ok(context.data::<Arc<Sight>>()?.as_ref())
}

/// The version of the data that the request sees.
pub fn snapshot(context: &Context<'_>) -> Result<Snapshot, Error> {
    Ok(sight(context)?.view().snapshot)
}

/// The loaders over that version.
pub fn loaders(context: &Context<'_>) -> Result<Arc<Loaders>, Error> {
    Ok(sight(context)?.view().loaders)
}

/// What is so now.
pub fn present<'c>(context: &Context<'c>) -> Result<&'c Present, Error> {
    Ok(sight(context)?.present())
}
