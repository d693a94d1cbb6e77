//! Reference fields: each kind has a table of them, and one reader reads them all.

use super::fields::{MAX_TEXT_BYTES, at, items, plain_text, text_of};
use crate::manifest::yaml::{Node, ScalarType};
use crate::model::{MAX_REFERENCES, Reference};

/// What the kind of a reference to a path is called.
pub const DIRECTORY: &str = "directory";

/// The kinds that an Alert or a Receiver may name.
pub const FLUX_KINDS: &[&str] = &[
    "Bucket",
    "GitRepository",
    "Kustomization",
    "HelmRelease",
    "HelmChart",
    "HelmRepository",
    "ImageRepository",
    "ImagePolicy",
    "ImageUpdateAutomation",
    "OCIRepository",
    "ArtifactGenerator",
    "ExternalArtifact",
    "FluxInstance",
    "ResourceSet",
    "ResourceSetInputProvider",
];

/// Any kind; the field has to say which.
pub const ANY_KIND: &[&str] = &["*"];

/// A field of a kind that names other resources.
#[derive(Debug)]
pub struct ReferenceField {
    /// From the resource's root, lists as `[]`: `spec.dependsOn[]`.
    pub path: &'static str,
    /// The kinds it may name. If it is one, the field need not say so.
    pub kinds: &'static [&'static str],
    pub namespace: Namespace,
    pub shape: Shape,
    /// The resource makes what it names.
    pub produces: bool,
    /// Fields that make this one count for nothing when they are set.
    pub unless: &'static [&'static str],
}

/// Where the named resource is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// In the namespace that the field declares, else in the referrer's.
    Own,
    /// In the referrer's, whatever the field says.
    Local,
}

/// How a field says what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{kind, name, namespace}`, or labels (`matchLabels`, `selector`) instead of the name.
    Object,
    /// The same, or in old versions the name alone.
    ObjectOrName,
    /// The name, or a path.
    Name,
    /// A label selector. Without one, everything is selected.
    Selector,
    /// An object whose `name` is, by default, the one of the referrer's namespace.
    Sync,
}

/// A reference that may lead to another namespace.
pub const fn own(path: &'static str, kinds: &'static [&'static str]) -> ReferenceField {
    ReferenceField { path, kinds, namespace: Namespace::Own, shape: Shape::Object, produces: false, unless: &[] }
}

/// A reference within the namespace.
pub const fn local(path: &'static str, kinds: &'static [&'static str]) -> ReferenceField {
    ReferenceField { namespace: Namespace::Local, ..own(path, kinds) }
}

pub const fn secret(path: &'static str) -> ReferenceField {
    local(path, &["Secret"])
}

pub const fn service_account(path: &'static str) -> ReferenceField {
    local(path, &["ServiceAccount"]).with(Shape::Name)
}

pub const fn directory(path: &'static str) -> ReferenceField {
    local(path, &[DIRECTORY]).with(Shape::Name)
}

impl ReferenceField {
    pub const fn with(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    pub const fn produced(self) -> Self {
        Self { produces: true, ..self }
    }

    pub const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    /// Adds what the field of `object` names, up to [`MAX_REFERENCES`].
    pub(super) fn read(&self, object: &Node, found: &mut Vec<Reference>) {
        if !self.unless.iter().any(|path| at(object, path).is_some_and(is_set)) {
            self.walk(object, self.path, found);
        }
    }

    fn walk(&self, node: &Node, path: &str, found: &mut Vec<Reference>) {
        let (token, rest) = path.split_once('.').map_or((path, None), |(token, rest)| (token, Some(rest)));
        let (key, is_list) = token.strip_suffix("[]").map_or((token, false), |key| (key, true));
        let Some(child) = node.get(key) else {
            if self.shape == Shape::Selector && rest.is_none() && node.as_mapping().is_some() {
                found.push(self.reference("", None, "*", String::new()));
            }
            return;
        };
        let items = match child {
            Node::Sequence(sequence) if is_list => sequence.items(),
            other if !is_list => std::slice::from_ref(other),
            _ => &[],
        };
        for item in items {
            if found.len() >= MAX_REFERENCES {
                return;
            }
            match rest {
                Some(rest) => self.walk(item, rest, found),
                None => found.extend(self.named_by(item)),
            }
        }
    }

    fn named_by(&self, node: &Node) -> Option<Reference> {
        if let Some(name) = text_of(node).filter(|_| matches!(self.shape, Shape::Name | Shape::ObjectOrName)) {
            return Some(self.reference("", None, name, String::new()));
        }
        let text = |key| node.get(key).and_then(text_of);
        node.as_mapping()?;
        let (name, selector) = match self.shape {
            Shape::Name => return None,
            Shape::Selector => ("*", selector(node)?),
            // Only the cluster knows the namespace's name if the manifest does not.
            Shape::Sync => (text("name").unwrap_or_default(), String::new()),
            Shape::Object | Shape::ObjectOrName => {
                match node.get("selector").or_else(|| node.get("matchLabels").and(Some(node))) {
                    Some(labels @ Node::Mapping(_)) => (text("name").unwrap_or("*"), selector(labels)?),
                    _ => (text("name")?, String::new()),
                }
            }
        };
        Some(self.reference(text("kind").unwrap_or_default(), text("namespace"), name, selector))
    }

    fn reference(&self, kind: &str, namespace: Option<&str>, name: &str, selector: String) -> Reference {
        let kind = match self.kinds {
            // What is made is of that kind, whatever else the field says.
            [only] if *only != "*" && (kind.is_empty() || self.produces) => only,
            _ => kind,
        };
        Reference {
            field: self.path.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|_| self.namespace == Namespace::Own).map(str::to_owned),
            name: name.to_owned(),
            selector,
            produces: self.produces,
        }
    }
}

/// A label selector (`matchLabels`, `matchExpressions`) as `kubectl --selector` writes it, sorted. None if it is none, or longer than a text
/// may be.
fn selector(node: &Node) -> Option<String> {
    let labels = node.get("matchLabels").and_then(Node::as_mapping).map_or(&[][..], |labels| labels.entries());
    let labels = labels.iter().filter_map(|(key, value)| Some(format!("{}={}", text_of(key)?, plain_text(value)?)));
    let expressions = items(node, "matchExpressions").iter().filter_map(|expression| {
        let key = text_of(expression.get("key")?)?;
        let mut values: Vec<&str> = items(expression, "values").iter().filter_map(text_of).collect();
        values.sort_unstable();
        let values = values.join(",");
        match text_of(expression.get("operator")?)? {
            "In" => Some(format!("{key} in ({values})")),
            "NotIn" => Some(format!("{key} notin ({values})")),
            "Exists" => Some(key.to_owned()),
            "DoesNotExist" => Some(format!("!{key}")),
            _ => None,
        }
    });
    node.as_mapping()?;
    let mut requirements: Vec<String> = labels.chain(expressions).collect();
    requirements.sort_unstable();
    Some(requirements.join(",")).filter(|text| text.len() <= MAX_TEXT_BYTES)
}

/// Whether a field holds anything.
fn is_set(node: &Node) -> bool {
    match node {
        Node::Scalar(scalar) => *scalar.scalar_type() != ScalarType::Null,
        Node::Sequence(sequence) => !sequence.items().is_empty(),
        Node::Mapping(mapping) => !mapping.entries().is_empty(),
    }
}
