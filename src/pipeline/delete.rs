//! Removes a repository with everything it had.

use super::work::{Ended, needed};
use super::{Pipeline, PipelineError};
use crate::model::Job;
use crate::store::query::AliasesOf;

impl Pipeline {
    /// Buries the aliases first: from then on no discovery brings the repository back, however often this is cut short and repeated.
    pub(super) async fn delete(&self, job: &Job) -> Result<Ended, PipelineError> {
        let id = needed(job)?;
        let mut aliases = self.reader.now(&AliasesOf { repository: id }).await?;
        if aliases.is_empty() {
            // Repeated after they were removed. Something has to be buried, since that tells readers that something changed.
            aliases.push(id.to_string());
        }
        self.writer.bury(&aliases, true).await?;
        let lock = self.lock(id)?;
        self.writer.delete_repository(id, job.id).await?;
        self.remove_mirror(id, true)?;
        lock.remove()?;
        self.writer.bury(&aliases, true).await?;
        Ok(Ended::DONE)
    }
}
