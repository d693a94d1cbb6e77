//! Anything by its global id: one question for all of one type.

use async_graphql::{Context, Error, ID};
use uuid::Uuid;

use super::id::{self, NodeType};
use super::sight::loaders;
use super::types::{Job, Node, Repository, events_by_id, resources_by_id};

/// What the ids name, in their order; `None` for what is not stored.
///
/// # Errors
/// An id that is none of ours, or when the database does not answer.
pub async fn by_ids(context: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>, Error> {
    let ids = ids.iter().map(id::decode).collect::<Result<Vec<(NodeType, Uuid)>, Error>>()?;
    let of = |wanted: NodeType| ids.iter().filter(move |(node, _)| *node == wanted).map(|(_, id)| *id);
    let loaders = loaders(context)?;
    let (repositories, resources, events, jobs) = futures_util::try_join!(
        loaders.repositories.load_many(of(NodeType::Repository)),
        resources_by_id(context, of(NodeType::Resource).collect()),
        events_by_id(context, of(NodeType::ResourceEvent).collect()),
        loaders.jobs.load_many(of(NodeType::Job)),
    )?;
    let node = |(node, id): &(NodeType, Uuid)| match node {
        NodeType::Repository => repositories.get(id).cloned().map(Repository).map(Node::Repository),
        NodeType::Resource => resources.get(id).cloned().map(Node::Resource),
        NodeType::ResourceEvent => events.get(id).cloned().map(Node::ResourceEvent),
        NodeType::Job => jobs.get(id).cloned().map(Job::from).map(Node::Job),
    };
    Ok(ids.iter().map(node).collect())
}
