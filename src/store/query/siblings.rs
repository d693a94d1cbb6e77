//! Resources of other repositories that are like some.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::page::Page;
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/siblings.sql");

/// What a resource is like: others that are alive, and install its chart or have its group, kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Likeness {
    /// Its own repository, which is left out.
    pub repository: Uuid,
    pub group: String,
    pub kind: String,
    pub name: String,
    /// Identity of its chart; empty for none.
    pub chart: String,
}

/// A page of the siblings of each of some resources.
#[derive(Clone, Debug)]
pub struct Siblings {
    pub of: Vec<Likeness>,
    pub page: Page,
}

/// A sibling.
#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct SiblingRecord {
    /// Which one it is like, from 1 on.
    pub number: u32,
    #[serde(with = "clickhouse::serde::uuid")]
    pub repository_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
}

impl Question for Siblings {
    type Row = SiblingRecord;
    const NAME: &'static str = "siblings";

    fn statement(&self) -> Statement {
        statement(&self.of, "number, repository_id, id", self.page.between(), &self.page.tail_of_each("number"))
    }
}

/// How many siblings each of some resources has.
#[derive(Clone, Debug)]
pub struct SiblingCounts {
    pub of: Vec<Likeness>,
}

#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub struct SiblingCountRecord {
    /// Which one, from 1 on.
    pub number: u32,
    pub siblings: u64,
}

impl Question for SiblingCounts {
    type Row = SiblingCountRecord;
    const NAME: &'static str = "sibling_counts";

    fn statement(&self) -> Statement {
        let each = Fragment::default().text("GROUP BY number");
        statement(&self.of, "number, count() AS siblings", Fragment::default(), &each)
    }
}

fn statement(of: &[Likeness], columns: &'static str, between: Fragment, tail: &Fragment) -> Statement {
    let texts = |text: fn(&Likeness) -> &String| Parameter::Texts(of.iter().map(|one| text(one).clone()).collect());
    Statement::new(SQL)
        .with_text("of", "true")
        .with_text("columns", columns)
        .with("between", &Fragment::default().text("true").append(between))
        .with("tail", tail)
        .bind("repositories", Parameter::uuids(&of.iter().map(|one| one.repository).collect::<Vec<Uuid>>()))
        .bind("groups", texts(|one| &one.group))
        .bind("kinds", texts(|one| &one.kind))
        .bind("names", texts(|one| &one.name))
        .bind("charts", texts(|one| &one.chart))
}
