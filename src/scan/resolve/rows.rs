//! Rows of resolution: what is new at a commit.

use std::sync::Arc;

use super::Work;
use crate::model::{
    Chart, ChartVersionChange, Edge, EdgeChange, FileChange, ResolutionChange, ResourceId, Step, VersionChange,
};

/// Rows of resolution, in walk order.
#[derive(Debug, Default)]
pub struct Resolved {
    pub files: Vec<FileChange>,
    pub resolutions: Vec<ResolutionChange>,
    pub edges: Vec<EdgeChange>,
    pub version_changes: Vec<ChartVersionChange>,
}

impl Resolved {
    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        self.files.len() + self.resolutions.len() + self.edges.len() + self.version_changes.len()
    }
}

/// Where rows of one commit go.
pub(super) struct Row<'a> {
    pub sequence: u64,
    pub step: &'a Arc<Step>,
    pub rows: &'a mut Resolved,
}

impl Row<'_> {
    pub fn end(&mut self, id: ResourceId, work: &Work) {
        let Some(slot) = work.gone.get(&id) else { return };
        self.edges(id, &slot.edges, &[]);
        self.rows.resolutions.push(ResolutionChange {
            sequence: self.sequence,
            step: self.step.clone(),
            resource: id,
            resolution: None,
        });
    }

    pub fn edges(&mut self, resource: ResourceId, before: &[Edge], after: &[Edge]) {
        let mut push = |edge: &Edge, begins| {
            self.rows.edges.push(EdgeChange {
                sequence: self.sequence,
                step: self.step.clone(),
                resource,
                edge: edge.clone(),
                begins,
            });
        };
        before.iter().filter(|edge| after.binary_search(edge).is_err()).for_each(|edge| push(edge, false));
        after.iter().filter(|edge| before.binary_search(edge).is_err()).for_each(|edge| push(edge, true));
    }

    /// A release whose source was not known before has not gone from one chart to another.
    pub fn version(&mut self, resource: ResourceId, before: &Chart, after: &Chart, cause: Option<ResourceId>) {
        let is_other_place =
            before.identity != after.identity && !before.identity.is_empty() && !after.identity.is_empty();
        if before.version == after.version && !is_other_place {
            return;
        }
        let text = |chart: &Chart| chart.version.clone().unwrap_or_default();
        let VersionChange { step: version_step, part: version_part } =
            VersionChange::between(&text(before), &text(after));
        self.rows.version_changes.push(ChartVersionChange {
            sequence: self.sequence,
            step: self.step.clone(),
            resource,
            before: before.clone(),
            after: after.clone(),
            version_step,
            version_part,
            cause,
        });
    }
}
