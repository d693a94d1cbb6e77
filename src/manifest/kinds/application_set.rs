//! ApplicationSet of Argo CD: a template of Applications. What generators fill in stays as it is written.

use super::fields::at;
use super::references::{Shape, directory, local};
use super::{Kind, application};

pub static KIND: Kind = Kind {
    name: "ApplicationSet",
    groups: &["argoproj.io"],
    references: &[
        local("spec.template.spec.project", &["AppProject"]).with(Shape::Name),
        directory("spec.template.spec.sources[].path"),
        directory("spec.template.spec.source.path").unless(&["spec.template.spec.sources"]),
        directory("spec.template.spec.sourceHydrator.drySource.path")
            .unless(&["spec.template.spec.sources", "spec.template.spec.source"]),
    ],
    read: |set, facts| application::read(at(set, "spec.template.spec"), facts),
};
