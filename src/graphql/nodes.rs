//! Anything by its global id: one question for all of one type.

use async_graphql::{Context, Error, ID};
use uuid::Uuid;

use super::id::{self, Key, NodeType};
use super::sight::loaders;
use super::types::{Chart, Image, Job, Node, Repository, events_by_id, resources_by_id};

/// What an id names: `None` when it is not stored, an error when the id is none of ours.
pub type Named = Option<Result<Node, Error>>;

/// What the ids name, in their order.
///
/// # Errors
/// When the database does not answer.
pub async fn by_ids(context: &Context<'_>, ids: &[ID]) -> Result<Vec<Named>, Error> {
    let ids: Vec<Result<(NodeType, Key), Error>> = ids.iter().map(id::decode).collect();
    let of = |wanted: NodeType| ids.iter().flatten().filter(move |(node, _)| *node == wanted).map(|(_, key)| key);
    let uuids = |wanted: NodeType| -> Vec<Uuid> {
        let uuid = |key: &Key| if let Key::Uuid(uuid) = key { Some(*uuid) } else { None };
        of(wanted).filter_map(uuid).collect()
    };
    let texts = |wanted: NodeType| -> Vec<String> {
        let text = |key: &Key| if let Key::Text(text) = key { Some(text.clone()) } else { None };
        of(wanted).filter_map(text).collect()
    };
    let loaders = loaders(context)?;
    let (repositories, resources, events, jobs, charts, images) = futures_util::try_join!(
        loaders.repositories.load_many(uuids(NodeType::Repository)),
        resources_by_id(context, uuids(NodeType::Resource)),
        events_by_id(context, uuids(NodeType::ResourceEvent)),
        loaders.jobs.load_many(uuids(NodeType::Job)),
        loaders.charts.load_many(texts(NodeType::Chart)),
        loaders.images.load_many(texts(NodeType::Image)),
    )?;
    let node = |(node, key): (NodeType, Key)| match (node, &key) {
        (NodeType::Repository, Key::Uuid(id)) => repositories.get(id).cloned().map(Repository).map(Node::Repository),
        (NodeType::Resource, Key::Uuid(id)) => resources.get(id).cloned().map(Node::Resource),
        (NodeType::ResourceEvent, Key::Uuid(id)) => events.get(id).cloned().map(Node::ResourceEvent),
        (NodeType::Job, Key::Uuid(id)) => jobs.get(id).cloned().map(Job::from).map(Node::Job),
        (NodeType::Chart, Key::Text(identity)) => charts.get(identity).cloned().map(Chart).map(Node::Chart),
        (NodeType::Image, Key::Text(repository)) => images.get(repository).cloned().map(Image).map(Node::Image),
        _ => None,
    };
    Ok(ids.into_iter().map(|id| id.map(node).transpose()).collect())
}
