//! Helm values: which keys are set, and which images they name.

use super::fields::{MAX_TEXT_BYTES, text_of};
use super::images;
use super::smallest::Smallest;
use crate::manifest::yaml::{Mapping, Node, read};
use crate::model::{Facts, Image, MAX_IMAGES, MAX_VALUES_KEYS};

/// Adds images of Helm values to the facts.
pub fn read_values(values: &Node, facts: &mut Facts) {
    facts.images = Walk::over(values, None).images.into_sorted();
}

/// Keys of Helm values that hold a scalar or an empty collection, joined by dots, list items as `[]`:
/// `controllers.main.containers.main.image.tag`, `ingress.hosts[].host`. Sorted, distinct, at most [`MAX_VALUES_KEYS`].
pub fn keys(values: &Node) -> Vec<String> {
    let walk = Walk::over(values, Some(Smallest::new(MAX_VALUES_KEYS)));
    walk.keys.map(Smallest::into_sorted).unwrap_or_default()
}

/// Values that are written as a text; one that is no YAML has none. Neither has one whose aliases stand for more than it could hold itself: a
/// file has room for thousands of such texts, and each would cost as much as a whole file may.
pub fn values_of_text(text: &str) -> Option<Node> {
    let documents = read(text.as_bytes()).unwrap_or_default();
    documents.into_iter().next().filter(|values| nodes_left(values, text.len()).is_some())
}

/// What is left of a number of nodes; None if there are more.
fn nodes_left(node: &Node, nodes: usize) -> Option<usize> {
    let nodes = nodes.checked_sub(1)?;
    match node {
        Node::Scalar(_) => Some(nodes),
        Node::Sequence(sequence) => sequence.items().iter().try_fold(nodes, |nodes, item| nodes_left(item, nodes)),
        Node::Mapping(mapping) => {
            let mut parts = mapping.entries().iter().flat_map(|(key, value)| [key, value]);
            parts.try_fold(nodes, |nodes, part| nodes_left(part, nodes))
        }
    }
}

struct Walk {
    /// None when they are not wanted.
    keys: Option<Smallest<String>>,
    images: Smallest<Image>,
    /// Keys from the root to here, joined by dots.
    path: String,
}

impl Walk {
    fn over(values: &Node, keys: Option<Smallest<String>>) -> Self {
        let mut walk = Self { keys, images: Smallest::new(MAX_IMAGES), path: String::new() };
        if let Node::Mapping(mapping) = values {
            walk.mapping(mapping, false);
        }
        walk
    }

    fn key(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.push(self.path.clone());
        }
    }

    fn mapping(&mut self, mapping: &Mapping, is_named_image: bool) {
        if let Some(image) = image_of(mapping, is_named_image) {
            self.images.push(image);
        }
        for (key, value) in mapping.entries() {
            let Some(name) = text_of(key) else { continue };
            let end = self.path.len();
            if end > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            self.value(name, value);
            self.path.truncate(end);
        }
    }

    /// What stands under `key`, directly or as an item of a list.
    fn value(&mut self, key: &str, value: &Node) {
        // Past this, no key below can be kept; without it, keys that aliases repeat would make paths of any length.
        if self.path.len() > MAX_TEXT_BYTES {
            return;
        }
        match value {
            Node::Mapping(mapping) if !mapping.entries().is_empty() => self.mapping(mapping, is_image_key(key)),
            Node::Sequence(sequence) if !sequence.items().is_empty() => {
                let end = self.path.len();
                self.path.push_str("[]");
                sequence.items().iter().for_each(|item| self.value(key, item));
                self.path.truncate(end);
            }
            Node::Mapping(_) | Node::Sequence(_) => self.key(),
            Node::Scalar(_) => {
                self.key();
                if is_image_key(key) {
                    self.image_text(value);
                }
            }
        }
    }

    /// A text under a key for images. It is one only if it looks like one: `image: true`, `image: nginx` may mean anything.
    fn image_text(&mut self, value: &Node) {
        let Some(text) = value.as_str().filter(|text| text.contains(['/', ':', '@', '$', '{', '<'])) else { return };
        if let Some(image) = images::parse(text).filter(|image| !is_picture(image)) {
            self.images.push(image);
        }
    }
}

/// `image`, `sidecarImage`, and the lists of them.
fn is_image_key(key: &str) -> bool {
    let key = key.strip_suffix('s').unwrap_or(key);
    let start = key.len().saturating_sub("image".len());
    key.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("image"))
}

/// `backgroundImage: themes/dark.png`.
fn is_picture(image: &Image) -> bool {
    let extension = image.repository.rsplit_once('.').map_or("", |(_, extension)| extension);
    image.tag.is_empty() && matches!(extension, "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "ico")
}

/// `{registry, repository, tag, digest}`: the repository is needed, and either a tag or digest, or that the key says it is an image.
fn image_of(mapping: &Mapping, is_named_image: bool) -> Option<Image> {
    let field = |key| mapping.get(key).and_then(Node::as_scalar);
    let is_versioned = ["tag", "digest"].into_iter().any(|key| field(key).is_some());
    if !(is_versioned || is_named_image) {
        return None;
    }
    let text = |key| mapping.get(key).and_then(text_of);
    let repository = text("repository")?;
    let registry = text("registry").map(|registry| registry.trim_end_matches('/'));
    // `repository: app@sha256` and `tag: <digits>`, for charts that know no digests.
    let (repository, is_tag_digest) =
        repository.strip_suffix("@sha256").map_or((repository, false), |name| (name, true));
    let mut image = match registry {
        Some(registry) if !registry.is_empty() => images::parse(&format!("{registry}/{repository}")),
        _ => images::parse(repository),
    }?;
    let (tag, digest) = text("tag").map_or(("", None), |tag| match tag.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None if is_tag_digest => ("", Some(tag)),
        None => (tag, None),
    });
    if !tag.is_empty() {
        image.tag = tag.to_owned();
    }
    if let Some(digest) = text("digest").or(digest) {
        image.digest =
            if digest.contains(':') || digest.contains("${") { digest.to_owned() } else { format!("sha256:{digest}") };
    }
    Some(image)
}
