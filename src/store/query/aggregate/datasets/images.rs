//! Container images.

use super::{EVENT_REPOSITORY, KIND, NoNumber, OF_A_RESOURCE, columns, fields};
use crate::store::query::aggregate::{Dataset, Succession};
use crate::store::query::images::REGISTRY;

/// Container images, each as a resource declared it from one event on until the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Images;

impl Dataset for Images {
    type Field = ImageField;
    type Dimension = ImageColumn;
    type Number = NoNumber;
    type Distinct = ImageDistinct;

    const NAME: &'static str = "image_trend";
    const RANGE_NAME: &'static str = "image_range";
    const ROWS: &'static str = include_str!("../../../../../clickhouse/queries/aggregate_images.sql");
    const TIME: &'static str = "state_time";
    const REPOSITORY: ImageColumn = ImageColumn::Repository;
    const SUCCESSION: Option<Succession> = Some(OF_A_RESOURCE);

    fn is_constant(field: ImageField) -> bool {
        use ImageField::{Group, Kind, Namespace, Repository};
        matches!(field, Repository | Group | Kind | Namespace)
    }
}

fields! {
    /// What images are filtered by.
    ImageField {
        Repository => "resource_events.repository_id";
        Group => "group",
        Kind => "kind",
        Namespace => "namespace",
        Image => "image_repository",
        Tag => "image_tag",
        IsPatch => "is_patch",
        IsVendored => "is_vendored",
    }
}

columns! {
    /// What images are grouped by.
    ImageColumn {
        /// Registry and name as they stand.
        Image => "image_repository",
        Registry => REGISTRY,
        Tag => "image_tag",
        /// What holds it to one content: `TAG_AND_DIGEST`, `DIGEST`, `TAG` or `NOTHING`.
        Pin => "multiIf(image_digest != '', if(image_tag = '', 'DIGEST', 'TAG_AND_DIGEST'), image_tag IN ('', 'latest'), 'NOTHING', 'TAG')",
        Kind => KIND,
        Namespace => "toString(namespace)",
        Repository => EVENT_REPOSITORY,
    }
}

columns! {
    /// What images are counted by.
    ImageDistinct {
        Repositories => "resource_events.repository_id",
        Resources => "resource_id",
        Images => "image_repository",
        Tags => "(image_repository, image_tag, image_digest)",
    }
}
