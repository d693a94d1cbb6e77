//! The Kubernetes resources declared in one file.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::yaml::{Node, Scalar, ScalarType, Unparsable, read};

/// What makes a resource the same one across commits, apart from path and ordinal.
/// Ordered by group, kind, namespace (none first) and name, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The part of `apiVersion` before its first `/`; empty for the core group.
    pub group: Arc<str>,
    pub kind: Arc<str>,
    /// `metadata.namespace`; None when missing, null, empty or no scalar.
    pub namespace: Option<Arc<str>>,
    /// `metadata.name` as its source text: 010 is `010`. Never empty.
    pub name: Arc<str>,
}

/// One resource of a file.
#[derive(Debug, Clone)]
pub struct Resource {
    pub identity: Identity,
    /// 0-based, among those of equal identity in the file, in file order.
    pub ordinal: u32,
    /// `group/version`, or `version` alone.
    pub api_version: Arc<str>,
    /// The whole object.
    pub data: Node,
    /// Bytes of memory that the object takes, estimated as if it shared nothing.
    pub bytes: u64,
}

/// Text of all resources of a file, aliases expanded. The node budget does not bound it: one long text may be referred to a
/// million times, and whatever is stored or compared has to be written out.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// The resources of a file, in file order. The items of lists (`kind: …List` with a sequence `items`) stand for the list; whatever is no
/// resource is left out.
///
/// # Errors
/// The file is unparsable as a whole; see [`read`].
pub fn resources(bytes: &[u8]) -> Result<Vec<Resource>, Unparsable> {
    resources_of(&read(bytes)?)
}

/// The same, of documents that were read already.
///
/// # Errors
/// When aliases stand for too much text.
pub fn resources_of(documents: &[Node]) -> Result<Vec<Resource>, Unparsable> {
    let mut found = Vec::new();
    for document in documents {
        take(document, &mut found);
    }
    let mut text = 0;
    for resource in &mut found {
        let size = resource.data.size();
        resource.bytes = size.memory();
        text += size.text;
    }
    if text > MAX_TEXT_BYTES {
        let message = "the file's aliases stand for more than 64 MiB of text".to_owned();
        return Err(Unparsable { line: 0, column: 0, message });
    }
    number(&mut found);
    Ok(found)
}

fn take(document: &Node, found: &mut Vec<Resource>) {
    let Some((api_version, kind)) =
        non_empty_string(document.get("apiVersion")).zip(non_empty_string(document.get("kind")))
    else {
        return;
    };
    if let Some(items) = document.get("items").and_then(Node::as_sequence).filter(|_| kind.ends_with("List")) {
        items.items().iter().for_each(|item| take(item, found));
        return;
    }
    let metadata = document.get("metadata");
    let Some(name) = scalar_text(metadata.and_then(|metadata| metadata.get("name"))) else {
        return;
    };
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let identity = Identity {
        group: Arc::from(group),
        kind,
        namespace: scalar_text(metadata.and_then(|metadata| metadata.get("namespace"))),
        name,
    };
    found.push(Resource { identity, ordinal: 0, api_version, data: document.clone(), bytes: 0 });
}

fn non_empty_string(node: Option<&Node>) -> Option<Arc<str>> {
    let scalar = node?.as_scalar()?;
    (*scalar.scalar_type() == ScalarType::Str && !scalar.text().is_empty()).then(|| scalar.shared_text())
}

/// The source text of a scalar that is neither null nor empty.
fn scalar_text(node: Option<&Node>) -> Option<Arc<str>> {
    let scalar = node?.as_scalar()?;
    (*scalar.scalar_type() != ScalarType::Null && !scalar.text().is_empty()).then(|| Scalar::shared_text(scalar))
}

fn number(found: &mut [Resource]) {
    let mut counts: HashMap<Identity, u32> = HashMap::new();
    if found.len() < 2 {
        return;
    }
    for resource in found {
        let count = counts.entry(resource.identity.clone()).or_default();
        resource.ordinal = *count;
        *count += 1;
    }
}

impl Identity {
    fn sort_key(&self) -> (&str, &str, &str, &str) {
        (&self.group, &self.kind, self.namespace.as_deref().unwrap_or(""), &self.name)
    }
}

impl Ord for Identity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(yaml: &str) -> Vec<String> {
        let found = resources(yaml.as_bytes()).unwrap();
        let show = |one: &Resource| {
            let Identity { group, kind, namespace, name } = &one.identity;
            format!("{group}|{kind}|{}|{name}#{}", namespace.as_deref().unwrap_or("-"), one.ordinal)
        };
        found.iter().map(show).collect()
    }

    #[test]
    fn a_resource_has_api_version_kind_and_name() {
        assert_eq!(
            identities("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: b}}"),
            ["apps|Deployment|b|a#0"]
        );
        assert_eq!(identities("{apiVersion: v1, kind: Pod, metadata: {name: a}}"), ["|Pod|-|a#0"]);
        for none in [
            "{apiVersion: '', kind: Pod, metadata: {name: a}}",
            "{apiVersion: 1, kind: Pod, metadata: {name: a}}",
            "{apiVersion: v1, kind: true, metadata: {name: a}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: }}",
            "{apiVersion: v1, kind: Pod, metadata: {name: ''}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: [a]}}",
            "{apiVersion: v1, kind: Pod, metadata: a}",
            "{kind: Pod, metadata: {name: a}}",
            "[{apiVersion: v1, kind: Pod, metadata: {name: a}}]",
            "text",
        ] {
            assert!(identities(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn names_are_source_text() {
        assert_eq!(
            identities("{apiVersion: v1, kind: Pod, metadata: {name: 010, namespace: true}}"),
            ["|Pod|true|010#0"]
        );
        assert_eq!(identities("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: ''}}"), ["|Pod|-|a#0"]);
        assert_eq!(identities("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: {}}}"), ["|Pod|-|a#0"]);
    }

    #[test]
    fn lists_stand_for_their_items() {
        let item = "{apiVersion: v1, kind: Pod, metadata: {name: a}}";
        let list = format!(
            "{{apiVersion: v1, kind: PodList, items: [{item}, {{metadata: {{name: b}}}}, {{apiVersion: v1, kind: List, items: [{item}]}}]}}"
        );
        assert_eq!(identities(&list), ["|Pod|-|a#0", "|Pod|-|a#1"]);
        assert_eq!(
            identities("{apiVersion: v1, kind: AllowList, metadata: {name: a}, items: {}}"),
            ["|AllowList|-|a#0"]
        );
        assert!(identities("{apiVersion: v1, kind: List, metadata: {name: a}, items: []}").is_empty());
    }

    #[test]
    fn ordinals_count_equal_identities_in_file_order() {
        let yaml = "{apiVersion: a/v1, kind: K, metadata: {name: a}}\n---\n{apiVersion: a/v2, kind: K, metadata: {name: a}}\n---\nnull\n---\n{apiVersion: b/v1, kind: K, metadata: {name: a}}";
        assert_eq!(identities(yaml), ["a|K|-|a#0", "a|K|-|a#1", "b|K|-|a#0"]);
        assert_eq!(&*resources(yaml.as_bytes()).unwrap()[1].api_version, "a/v2");
    }

    #[test]
    fn merged_keys_make_resources_too() {
        assert_eq!(identities("{<<: {apiVersion: v1, kind: Pod}, metadata: {name: a}}"), ["|Pod|-|a#0"]);
    }
}
