//! The version of a source: of several fields that could give one, the first that is set counts.

use super::fields::text;
use crate::manifest::yaml::Node;
use crate::model::{Facts, VersionClass};

/// A field, and the class of what it says.
pub type VersionField = (&'static str, fn(&str) -> VersionClass);

/// Reads the version of a source from the first of the fields. Without any, the source follows what is newest; a patch that has not even the
/// source's URL says nothing.
pub fn read_version(spec: &Node, fields: &[VersionField], facts: &mut Facts) {
    let declared =
        fields.iter().find_map(|(path, class_of)| text(spec, path).map(|version| (class_of(&version), version)));
    match declared {
        Some((class, version)) => (facts.version_class, facts.version) = (Some(class), Some(version)),
        None => facts.version_class = facts.url.is_some().then_some(VersionClass::Latest),
    }
}
