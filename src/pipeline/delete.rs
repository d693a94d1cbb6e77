//! Removes a repository with everything it had.

use super::work::{Ended, needed};
use super::{Pipeline, PipelineError};
use crate::model::Job;
use crate::store::query::AliasesOf;

impl Pipeline {
    /// Buries the aliases first: from then on no discovery brings the repository back. They go last, so that whoever repeats this after
    /// it was cut short knows what to bury.
    pub(super) async fn delete(&self, job: &Job) -> Result<Ended, PipelineError> {
        let id = needed(job)?;
        let aliases = self.reader.now(&AliasesOf { repository: id }).await?;
        self.writer.bury(&aliases, true).await?;
        let lock = self.lock(id)?;
        self.writer.delete_repository(id, job.id).await?;
        self.remove_mirror(id, true)?;
        lock.remove()?;
        // Readers that saw it half removed look again.
        self.writer.bury(&aliases, true).await?;
        self.writer.delete_aliases(id).await?;
        Ok(Ended::DONE)
    }
}
