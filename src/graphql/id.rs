//! Global ids: type and key, opaque to clients. The key of most is a UUID; that of what has a name of its own all over the world is the name.

use std::fmt;

use async_graphql::{Error, ID};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::error::bad_input;

/// A type that implements `Node`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    Repository,
    Resource,
    ResourceEvent,
    Job,
    /// By its identity.
    Chart,
    /// By its repository's text.
    Image,
}

/// What names one thing among those of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Uuid(Uuid),
    Text(String),
}

impl NodeType {
    const ALL: [Self; 6] = [Self::Repository, Self::Resource, Self::ResourceEvent, Self::Job, Self::Chart, Self::Image];

    const fn name(self) -> &'static str {
        match self {
            Self::Repository => "Repository",
            Self::Resource => "Resource",
            Self::ResourceEvent => "ResourceEvent",
            Self::Job => "Job",
            Self::Chart => "Chart",
            Self::Image => "Image",
        }
    }

    const fn has_uuid(self) -> bool {
        !matches!(self, Self::Chart | Self::Image)
    }
}

pub fn encode(node: NodeType, key: impl fmt::Display) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{}:{key}", node.name())))
}

/// # Errors
/// An id that is none of ours.
pub fn decode(id: &ID) -> Result<(NodeType, Key), Error> {
    let invalid = || bad_input(format!("{:?} is no id of this API; ids come from its `id` fields", shorten(id)));
    let bytes = URL_SAFE_NO_PAD.decode(id.as_bytes()).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (name, key) = text.split_once(':').ok_or_else(invalid)?;
    let node = NodeType::ALL.into_iter().find(|node| node.name() == name).ok_or_else(invalid)?;
    let key = match node.has_uuid() {
        true => Key::Uuid(Uuid::parse_str(key).map_err(|_| invalid())?),
        false => Key::Text(key.to_owned()),
    };
    Ok((node, key))
}

/// # Errors
/// An id of another type, or none of ours.
pub fn decode_as(wanted: NodeType, id: &ID) -> Result<Uuid, Error> {
    match decode(id)? {
        (node, Key::Uuid(uuid)) if node == wanted => Ok(uuid),
        (node, _) => Err(bad_input(format!("this is the id of a {}, a {} is wanted", node.name(), wanted.name()))),
    }
}

fn shorten(id: &ID) -> String {
    id.chars().take(40).collect()
}
