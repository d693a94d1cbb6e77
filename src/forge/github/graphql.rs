//! Repositories as the GraphQL API describes them, 100 at a time.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::rest::{NAMELESS, cloneable, owner_and_name, seconds};
use crate::forge::{ForgeError, Found, KnownAs};
use crate::model::{ForgeId, ForgeMetrics, ForgeRepository, Profile};

/// What `nodes(ids:)` takes.
pub(super) const MOST_IDS: usize = 100;

const QUERY: &str = include_str!("repositories.graphql");

/// `data` stands beside `errors`: a repository that is gone is null and an error of its own, and the others are there.
#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Data {
    nodes: Vec<Value>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
    /// `["nodes", 3]`
    #[serde(default)]
    path: Vec<Value>,
}

/// Asks for all that have a node id and no answer yet.
///
/// # Errors
/// As [`ForgeError`] says; what was answered before stands in `answers`.
pub(super) async fn ask(client: &Client, ids: &[KnownAs], answers: &mut [Option<Found>]) -> Result<(), ForgeError> {
    let asked: Vec<(usize, &KnownAs, &str)> = ids
        .iter()
        .enumerate()
        .filter_map(|(index, known)| Some((index, known, known.node_id.as_deref()?)))
        .filter(|(index, ..)| answers[*index].is_none())
        .collect();
    for batch in asked.chunks(MOST_IDS) {
        let ids: Vec<&str> = batch.iter().map(|(.., node_id)| *node_id).collect();
        let answer = client.graphql(&json!({ "query": QUERY, "variables": { "ids": ids } })).await?;
        let answer: Answer = client.read(&answer)?;
        let problems = by_position(&answer.errors);
        let Some(data) = answer.data else { return Err(refused(client, &answer.errors)) };
        if data.nodes.len() != batch.len() {
            return Err(client.unexpected("another number of repositories than was asked for"));
        }
        for (position, (node, (index, known, _))) in data.nodes.into_iter().zip(batch).enumerate() {
            answers[*index] = Some(match node {
                Value::Null => match problems.get(&position) {
                    Some(problem) if problem.kind == "NOT_FOUND" => Found::Gone,
                    problem => not_told(client, problem.copied().or(answer.errors.first())),
                },
                node => described(client, node, known),
            });
        }
    }
    Ok(())
}

/// What is said of single repositories, by their position.
fn by_position(errors: &[Problem]) -> HashMap<usize, &Problem> {
    let positions = errors.iter().filter_map(|error| match error.path.as_slice() {
        [Value::String(field), position, ..] if field == "nodes" => {
            Some((usize::try_from(position.as_u64()?).ok()?, error))
        }
        _ => None,
    });
    positions.collect()
}

fn not_told(client: &Client, problem: Option<&Problem>) -> Found {
    let reason = match problem {
        Some(problem) if problem.kind.is_empty() => problem.message.clone(),
        Some(problem) => format!("{}: {}", problem.kind, problem.message),
        None => "nothing of it, and no reason".to_owned(),
    };
    Found::Unknown(client.unexpected(&reason).to_string())
}

/// Why there is no data at all.
fn refused(client: &Client, errors: &[Problem]) -> ForgeError {
    let error = |kind: &str| errors.iter().find(|error| error.kind == kind);
    if let Some(error) = error("FORBIDDEN").or_else(|| error("INSUFFICIENT_SCOPES")) {
        return client.unauthorized(&error.message);
    }
    client.unexpected(errors.first().map_or("no data", |error| &error.message))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    id: String,
    database_id: Option<u64>,
    name_with_owner: String,
    url: String,
    description: Option<String>,
    license_info: Option<License>,
    primary_language: Option<Named>,
    repository_topics: Nodes<Topic>,
    default_branch_ref: Option<Named>,
    created_at: String,
    pushed_at: Option<String>,
    updated_at: String,
    is_archived: bool,
    is_fork: bool,
    is_template: bool,
    is_private: bool,
    stargazer_count: u64,
    fork_count: u64,
    watchers: Count,
    issues: Count,
    pull_requests: Count,
    disk_usage: Option<u64>,
    languages: Option<Languages>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct License {
    spdx_id: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Option<Vec<Option<T>>>,
}

#[derive(Deserialize)]
struct Topic {
    topic: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: u64,
}

#[derive(Deserialize)]
struct Languages {
    edges: Option<Vec<Option<LanguageEdge>>>,
}

#[derive(Deserialize)]
struct LanguageEdge {
    size: u64,
    node: Named,
}

/// One that is not what was asked for (another thing, another id, a part that could not be told) is asked for another time.
fn described(client: &Client, node: Value, known: &KnownAs) -> Found {
    let unknown = |reason: &str| Found::Unknown(client.unexpected(reason).to_string());
    // The error tells of the field that is missing, and quotes at most one value.
    let repository = match serde_json::from_value::<Repository>(node) {
        Ok(repository) => repository,
        Err(error) => return unknown(&format!("a repository of another form: {error}")),
    };
    if repository.database_id.is_some_and(|id| id.to_string() != known.id.id) {
        return unknown("another repository than was asked for");
    }
    match repository.described(client, known.id.id.clone()) {
        Ok(repository) => Found::Here(Box::new(repository)),
        Err(error) => Found::Unknown(error.to_string()),
    }
}

impl Repository {
    fn described(self, client: &Client, id: String) -> Result<ForgeRepository, ForgeError> {
        let Some((owner, name)) = owner_and_name(&self.name_with_owner) else {
            return Err(client.unexpected(NAMELESS));
        };
        let clone_url = cloneable(client, &format!("{}.git", self.url))?;
        let topics = self.repository_topics.nodes.into_iter().flatten().flatten();
        let languages = self.languages.map(|languages| {
            let edges = languages.edges.into_iter().flatten().flatten();
            edges.map(|edge| (edge.node.name, edge.size)).collect()
        });
        Ok(ForgeRepository {
            id: Some(ForgeId { forge: client.forge.clone(), id }),
            node_id: Some(self.id),
            owner: owner.to_owned(),
            name: name.to_owned(),
            clone_url,
            profile: Profile {
                description: self.description,
                license: self.license_info.and_then(|license| license.spdx_id),
                language: self.primary_language.map(|language| language.name),
                topics: topics.map(|topic| topic.topic.name).collect(),
                default_branch: self.default_branch_ref.map(|branch| branch.name).unwrap_or_default(),
                created_at: seconds(&self.created_at),
                is_archived: self.is_archived,
                is_fork: self.is_fork,
                is_template: self.is_template,
            },
            metrics: ForgeMetrics {
                stars: self.stargazer_count,
                forks: self.fork_count,
                watchers: Some(self.watchers.total_count),
                // As the REST API counts: the series must not jump when a token comes or goes.
                open_issues: self.issues.total_count.saturating_add(self.pull_requests.total_count),
                size_kb: self.disk_usage.unwrap_or(0),
                languages,
                pushed_at: self.pushed_at.as_deref().and_then(seconds),
                updated_at: seconds(&self.updated_at),
            },
            is_private: self.is_private,
        })
    }
}
