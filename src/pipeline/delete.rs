//! Removes a repository with everything it had.

use super::work::{Ended, needed};
use super::{Pipeline, PipelineError};
use crate::model::{Job, JobId, RepositoryId};
use crate::store::query::AliasesOf;

impl Pipeline {
    pub(super) async fn delete(&self, job: &Job) -> Result<Ended, PipelineError> {
        self.remove(needed(job)?, job.id).await?;
        Ok(Ended::DONE)
    }

    /// Buries the aliases first: from then on no discovery brings the repository back. They go last, so that whoever repeats this after
    /// it was cut short knows what to bury; retention looks for what nobody repeated.
    pub(super) async fn remove(&self, id: RepositoryId, job: JobId) -> Result<(), PipelineError> {
        let aliases = self.reader.now(&AliasesOf { repository: id }).await?;
        self.writer.bury(&aliases, true).await?;
        let lock = self.lock(id)?;
        self.writer.delete_repository(id, &aliases, job).await?;
        self.remove_mirror(id, true).await?;
        lock.remove()?;
        // Readers that saw it half removed look again.
        self.writer.bury(&aliases, true).await?;
        Ok(self.writer.delete_aliases(id).await?)
    }
}
