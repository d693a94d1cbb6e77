//! The use cases that write: one scan of one repository, from its source to published rows.

mod lock;
mod progress;
mod scan;
mod storing;

pub use progress::{Progress, Silent};
pub use scan::{Pipeline, PipelineError, Summary};
