//! Global ids: type and UUID, opaque to clients.

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
}

impl NodeType {
    const ALL: [Self; 4] = [Self::Repository, Self::Resource, Self::ResourceEvent, Self::Job];

    const fn name(self) -> &'static str {
        match self {
            Self::Repository => "Repository",
            Self::Resource => "Resource",
            Self::ResourceEvent => "ResourceEvent",
            Self::Job => "Job",
        }
    }
}

pub fn encode(node: NodeType, id: Uuid) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{}:{id}", node.name())))
}

/// # Errors
/// An id that is none of ours.
pub fn decode(id: &ID) -> Result<(NodeType, Uuid), Error> {
    let invalid = || bad_input(format!("{:?} is no id of this API; ids come from its `id` fields", shorten(id)));
    let bytes = URL_SAFE_NO_PAD.decode(id.as_bytes()).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (name, uuid) = text.split_once(':').ok_or_else(invalid)?;
    let node = NodeType::ALL.into_iter().find(|node| node.name() == name).ok_or_else(invalid)?;
    Ok((node, Uuid::parse_str(uuid).map_err(|_| invalid())?))
}

/// # Errors
/// An id of another type, or none of ours.
pub fn decode_as(wanted: NodeType, id: &ID) -> Result<Uuid, Error> {
    match decode(id)? {
        (node, uuid) if node == wanted => Ok(uuid),
        (node, _) => Err(bad_input(format!("this is the id of a {}, a {} is wanted", node.name(), wanted.name()))),
    }
}

fn shorten(id: &ID) -> String {
    id.chars().take(40).collect()
}
