//! What kind of difference a MODIFIED event made.

use super::changes::Changes;
use crate::model::{ChangeClass, Facts};

/// The class of a change; the first that applies in the order of [`ChangeClass`].
///
/// Facts decide wherever they tell: changes are capped, facts are not. A move alone, and one that says no more, is `Other`.
pub fn change_class(before: &Facts, after: &Facts, changes: &Changes) -> ChangeClass {
    let (was_suspended, is_suspended) = (before.suspend == Some(true), after.suspend == Some(true));
    if is_version(before, after) {
        ChangeClass::Version
    } else if before.images != after.images {
        ChangeClass::Image
    } else if is_source(before, after) {
        ChangeClass::Source
    } else if !was_suspended && is_suspended {
        ChangeClass::Suspend
    } else if was_suspended && !is_suspended {
        ChangeClass::Resume
    } else if is_values(before, after, changes) {
        ChangeClass::Values
    } else if is_metadata(changes) {
        ChangeClass::Metadata
    } else {
        ChangeClass::Other
    }
}

/// Another version is declared. One that is gone because it is now a source's affair (a `chartRef` in place of a chart) is a change of the
/// source.
fn is_version(before: &Facts, after: &Facts) -> bool {
    let both = before.version.is_some() && after.version.is_some();
    before.version != after.version && (both || !is_source(before, after))
}

fn is_source(before: &Facts, after: &Facts) -> bool {
    let is_other = |place: fn(&Facts) -> &Option<String>| place(before) != place(after);
    is_other(|facts| &facts.chart_name)
        || is_other(|facts| &facts.url)
        || is_other(|facts| &facts.source_type)
        || is_other(|facts| &facts.path)
        || differ(before, after, is_source_field)
}

/// Fields that say where something comes from.
fn is_source_field(field: &str) -> bool {
    let last = field.rsplit('.').next().unwrap_or(field);
    matches!(last, "sourceRef" | "chartRef" | "imageRepositoryRef" | "gitRepositoryRef" | "sources[]")
}

fn is_values(before: &Facts, after: &Facts, changes: &Changes) -> bool {
    differ(before, after, |field| field.starts_with("spec.valuesFrom"))
        || changes.list.iter().any(|change| is_values_pointer(&change.pointer))
}

fn is_values_pointer(pointer: &str) -> bool {
    let fields = ["/spec/values", "/spec/valuesFrom", "/spec/chart/spec/valuesFile", "/spec/chart/spec/valuesFiles"];
    let is_in = |field| pointer.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // Argo CD: /spec/source/helm/valuesObject, /spec/sources/0/helm/values; deeper in an ApplicationSet.
    fields.into_iter().any(is_in) || (pointer.starts_with("/spec/") && pointer.contains("/helm/value"))
}

/// Nothing but metadata changed, apart from the file's path.
fn is_metadata(changes: &Changes) -> bool {
    let is_metadata = |pointer: &str| pointer == "/metadata" || pointer.starts_with("/metadata/");
    let pointers = changes.list.iter().map(|change| change.pointer.as_str());
    let mut pointers = pointers.filter(|pointer| *pointer != "/path").peekable();
    changes.omitted == 0 && pointers.peek().is_some() && pointers.all(is_metadata)
}

/// Whether the references of some fields are others.
fn differ(before: &Facts, after: &Facts, is_meant: fn(&str) -> bool) -> bool {
    let before = before.references.iter().filter(|reference| is_meant(&reference.field));
    let after = after.references.iter().filter(|reference| is_meant(&reference.field));
    !before.eq(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::kinds::facts;
    use crate::manifest::resources::resources;
    use crate::model::Change;
    use crate::scan::changes::changes;
    use ChangeClass::{Image, Metadata, Other, Resume, Source, Suspend, Values, Version};

    /// The class of a change between two resources of one kind.
    #[track_caller]
    fn check(api_version: &str, kind: &str, before: &str, after: &str, class: ChangeClass) {
        let resource = |rest: &str| {
            let yaml = format!("apiVersion: {api_version}\nkind: {kind}\n{rest}");
            resources(yaml.as_bytes()).unwrap().remove(0)
        };
        let (one, two) = (resource(before), resource(after));
        let changes = changes(&one.data, &two.data);
        assert_eq!(change_class(&facts(&one), &facts(&two), &changes), class, "{before} -> {after}");
    }

    fn release(before: &str, after: &str, class: ChangeClass) {
        let [before, after] = [before, after].map(|spec| format!("metadata: {{name: a}}\nspec: {spec}"));
        check("helm.toolkit.fluxcd.io/v2", "HelmRelease", &before, &after, class);
    }

    #[test]
    fn each_class_is_told() {
        let chart = |rest: &str| format!("{{chart: {{spec: {{chart: a, {rest}}}}}}}");
        release(&chart("version: 1"), &chart("version: 2"), Version);
        release(&chart("version: 1"), &chart("sourceRef: {kind: HelmRepository, name: b}"), Source);
        release(&chart("version: 1"), &chart(""), Version);
        release("{values: {image: {repository: a, tag: 1}}}", "{values: {image: {repository: a, tag: 2}}}", Image);
        release(&chart("version: 1"), "{chartRef: {kind: OCIRepository, name: a}}", Source);
        release("{chartRef: {kind: HelmChart, name: a}}", "{chartRef: {kind: HelmChart, name: b}}", Source);
        release("{suspend: false}", "{suspend: true}", Suspend);
        release("{}", "{suspend: true}", Suspend);
        release("{suspend: true}", "{}", Resume);
        release("{}", "{suspend: false}", Other);
        release("{values: {a: 1}}", "{values: {a: 2}}", Values);
        release("{values: {a: 1}}", "{}", Values);
        release("{}", "{valuesFrom: [{kind: Secret, name: a}]}", Values);
        release("{valuesFrom: [{name: a, valuesKey: b}]}", "{valuesFrom: [{name: a, valuesKey: c}]}", Values);
        release("{interval: 1h}", "{interval: 2h}", Other);
        release("{dependsOn: [{name: a}]}", "{dependsOn: [{name: b}]}", Other);
    }

    #[test]
    fn the_first_class_that_applies_is_taken() {
        release("{suspend: true, values: {a: 1}}", "{suspend: false, values: {a: 2}}", Resume);
        release(
            "{chart: {spec: {chart: a, version: 1}}, values: {image: a/b:1}}",
            "{chart: {spec: {chart: b, version: 2}}, values: {image: a/b:2}}",
            Version,
        );
        release("{chart: {spec: {chart: a}}, suspend: true}", "{chart: {spec: {chart: b}}}", Source);
    }

    #[test]
    fn other_kinds_have_classes_too() {
        let pod = |image: &str| format!("metadata: {{name: a}}\nspec: {{containers: [{{image: {image}}}]}}");
        check("v1", "Pod", &pod("'a:1'"), &pod("'a:2'"), Image);
        let source = |rest: &str| format!("metadata: {{name: a}}\nspec: {{{rest}}}");
        let (kind, api) = ("OCIRepository", "source.toolkit.fluxcd.io/v1");
        check(api, kind, &source("url: a, ref: {tag: 1}"), &source("url: a, ref: {tag: 2}"), Version);
        check(api, kind, &source("url: a"), &source("url: b"), Source);
        let (kind, api) = ("Application", "argoproj.io/v1alpha1");
        let helm = |helm: &str| source(&format!("source: {{chart: a, helm: {{{helm}}}}}"));
        check(api, kind, &helm("values: 'a: 1'"), &helm("values: 'a: 2'"), Values);
        check(api, kind, &helm("valuesObject: {a: 1}"), &helm("valuesObject: {a: 2}"), Values);
        check(api, kind, &helm("parameters: [1]"), &helm("parameters: [2]"), Other);
    }

    #[test]
    fn metadata_is_told_from_the_rest() {
        let service = |labels: &str, spec: &str| format!("metadata: {{name: a, labels: {labels}}}\nspec: {spec}");
        check("v1", "Service", &service("{a: b}", "1"), &service("{a: c}", "1"), Metadata);
        check("v1", "Service", &service("{a: b}", "1"), &service("{a: c}", "2"), Other);
        let none = Facts::default();
        let class = |pointers: &[&str], omitted| {
            let change = |pointer: &&str| Change { pointer: (*pointer).to_owned(), before: None, after: None };
            change_class(&none, &none, &Changes { list: pointers.iter().map(change).collect(), omitted })
        };
        assert_eq!(class(&["/path"], 0), Other);
        assert_eq!(class(&["/path", "/metadata/labels/a"], 0), Metadata);
        assert_eq!(class(&["/metadata/labels/a"], 1), Other);
        assert_eq!(class(&["/metadataX"], 0), Other);
        assert_eq!(class(&["/apiVersion"], 0), Other);
    }
}
