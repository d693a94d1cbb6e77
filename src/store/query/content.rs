//! What resources contain: now, at a time, after a commit, and around an event.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::statement::Parameter;
use super::{Question, Statement};

/// The content of some resources.
#[derive(Clone, Debug)]
pub struct ContentAt {
    /// Repositories that hold the resources; they make the search short.
    pub repositories: Vec<Uuid>,
    pub resources: Vec<Uuid>,
    /// `None` for now (of a deleted resource: what it was before).
    pub moment: Option<Moment>,
}

/// A point in a repository's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Seconds since 1970.
    Time(i64),
    /// After an event, by its place in the walk.
    Sequence(u64),
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct Content {
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    /// JSON text.
    pub content: String,
    /// The last event up to the moment is a deletion; the content is the one before it.
    pub deleted: bool,
}

impl Question for ContentAt {
    type Row = Content;
    const NAME: &'static str = "resource_content";

    fn statement(&self) -> Statement {
        let (at, until) = match self.moment {
            None => (None, None),
            Some(Moment::Time(at)) => (Some(at), None),
            Some(Moment::Sequence(until)) => (None, Some(until)),
        };
        Statement::new(include_str!("../../../clickhouse/queries/resource_content.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("resources", Parameter::uuids(&self.resources))
            .bind("any_time", Parameter::Bool(at.is_none()))
            .bind("at", Parameter::Integer(at.unwrap_or_default()))
            .bind("until", Parameter::Text(until.unwrap_or(u64::MAX).to_string()))
    }
}

/// Where some commits stand in the walks of their repositories.
#[derive(Clone, Debug)]
pub struct CommitEnds {
    pub repositories: Vec<Uuid>,
    /// Hexadecimal ids.
    pub commits: Vec<String>,
}

/// A commit in which a resource changed.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct CommitEnd {
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    pub commit: String,
    /// Of its last event.
    pub last_sequence: u64,
}

impl Question for CommitEnds {
    type Row = CommitEnd;
    const NAME: &'static str = "commit_ends";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/commit_ends.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("commits", Parameter::Texts(self.commits.clone()))
    }
}

/// The contents of some events, and of those before them.
#[derive(Clone, Debug)]
pub struct EventContents {
    /// Repositories and resources of the events; they make the search short.
    pub repositories: Vec<Uuid>,
    pub resources: Vec<Uuid>,
    pub events: Vec<Uuid>,
}

/// The content that an event left behind (before it, for DELETED).
#[derive(Clone, Debug, Row, Deserialize)]
pub struct EventContent {
    #[serde(with = "clickhouse::serde::uuid")]
    pub resource_id: Uuid,
    /// Of the event.
    pub sequence: u64,
    /// JSON text.
    pub content: String,
}

impl Question for EventContents {
    type Row = EventContent;
    const NAME: &'static str = "event_contents";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/event_contents.sql"))
            .bind("repositories", Parameter::uuids(&self.repositories))
            .bind("resources", Parameter::uuids(&self.resources))
            .bind("events", Parameter::uuids(&self.events))
    }
}
