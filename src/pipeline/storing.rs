//! The rows of a walk on their way to the database: inserts of some thousand, while the walk goes on.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use super::PipelineError;
use crate::model::{Resource, ResourceEvent, ScanFailure};
use crate::scan::{Batch, Budget, Reservation, Resolved};
use crate::store::{Run, StoreError, Writer};

/// Rows that one insert carries at least: fewer leave ClickHouse with many small parts, which it merges while the scan still runs.
const INSERT_EVENTS: usize = 16_000;
/// An insert goes out earlier when its contents are this large, in bytes.
const INSERT_BYTES: usize = 32 << 20;
/// When the walk has ended, events are divided for as many cores as there are; not into less than this.
const LEAST_EVENTS: usize = 2_000;

/// Rows that wait for their insert.
pub(super) struct Storing {
    writer: Writer,
    /// Counts what is sent.
    run: Arc<Run>,
    events: Vec<ResourceEvent>,
    /// Of the events' contents.
    bytes: usize,
    /// Held until the events are stored.
    memory: Vec<Reservation>,
    failures: Vec<ScanFailure>,
    resolved: Resolved,
    /// Blocks of what was resolved that were begun.
    blocks: u64,
    /// Inserts that run; they end with this value.
    running: JoinSet<Result<(), StoreError>>,
}

impl Storing {
    pub fn new(writer: Writer, run: Arc<Run>) -> Self {
        Self {
            writer,
            run,
            events: Vec::new(),
            bytes: 0,
            memory: Vec::new(),
            failures: Vec::new(),
            resolved: Resolved::default(),
            blocks: 0,
            running: JoinSet::new(),
        }
    }

    /// Takes batches until there are no more; stores those of their rows that fill an insert.
    ///
    /// # Errors
    /// When an insert failed.
    pub async fn take_all(&mut self, mut batches: Receiver<Batch>, budget: &Budget) -> Result<(), PipelineError> {
        while let Some(batch) = batches.recv().await {
            self.take(batch);
            let is_short = budget.is_short();
            // The few rows of resolution that wait on count for nothing.
            let resolved = self.resolved.rows() >= INSERT_EVENTS || is_short;
            let events = self.events.len() >= INSERT_EVENTS || self.bytes >= INSERT_BYTES || is_short;
            if resolved || events {
                // One at a time: what waits and what is being inserted stay within twice an insert's rows.
                self.wait().await?;
            }
            if resolved {
                self.store_resolved();
            }
            if events {
                self.store_events();
            }
            if is_short {
                self.wait().await?;
            }
        }
        Ok(())
    }

    /// Stores what is left, and the resources that the scan touched.
    ///
    /// # Errors
    /// When an insert failed.
    pub async fn finish(mut self, touched: &[Resource]) -> Result<(), PipelineError> {
        let half = self.events.len() / 2;
        if half >= LEAST_EVENTS {
            let second = self.events.split_off(half);
            self.store_events();
            self.events = second;
        }
        self.store_events();
        self.store_resolved();
        let failures = std::mem::take(&mut self.failures);
        self.start(move |writer, run| async move { writer.failures(&run, &failures).await });
        let (writer, run) = (self.writer.clone(), self.run.clone());
        tokio::try_join!(self.wait(), async { Ok(writer.resources(&run, touched).await?) })?;
        Ok(())
    }

    fn take(&mut self, batch: Batch) {
        let Batch { commits: _, events, failures, resolved, memory } = batch;
        self.memory.extend(memory.map(Reservation::into_rows));
        self.bytes += events.iter().map(|event| event.content.len()).sum::<usize>();
        self.events.extend(events);
        self.failures.extend(failures);
        self.resolved.resolutions.extend(resolved.resolutions);
        self.resolved.edges.extend(resolved.edges);
        self.resolved.version_changes.extend(resolved.version_changes);
        self.resolved.files.extend(resolved.files);
    }

    fn store_events(&mut self) {
        let (events, memory) = (std::mem::take(&mut self.events), std::mem::take(&mut self.memory));
        self.bytes = 0;
        self.start(move |writer, run| async move {
            let stored = writer.events(&run, &events).await;
            drop(memory);
            stored
        });
    }

    fn store_resolved(&mut self) {
        let Resolved { files, resolutions, edges, version_changes } = std::mem::take(&mut self.resolved);
        self.blocks += 1;
        let block = self.blocks;
        self.start(move |writer, run| async move {
            tokio::try_join!(
                writer.files(&run, block, &files),
                writer.resolutions(&run, block, &resolutions),
                writer.references(&run, block, &edges),
                writer.version_changes(&run, block, &version_changes),
            )?;
            Ok(())
        });
    }

    fn start<F>(&mut self, insert: impl FnOnce(Writer, Arc<Run>) -> F)
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        self.running.spawn(insert(self.writer.clone(), self.run.clone()));
    }

    /// Waits for the inserts that run.
    async fn wait(&mut self) -> Result<(), PipelineError> {
        while let Some(ended) = self.running.join_next().await {
            ended.map_err(|_| PipelineError::Aborted)??;
        }
        Ok(())
    }
}
