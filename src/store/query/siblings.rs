//! Resources of other repositories that are like one.

use uuid::Uuid;

use super::page::Page;
use super::resources::ResourceRecord;
use super::statement::{Fragment, Parameter};
use super::{Question, Statement};

const SQL: &str = include_str!("../../../clickhouse/queries/siblings.sql");

/// What a resource is like: others that are alive, and install its chart or have its group, kind and name.
#[derive(Clone, Debug)]
pub struct Likeness {
    /// Its own repository, which is left out.
    pub repository: Uuid,
    pub group: String,
    pub kind: String,
    pub name: String,
    /// Identity of its chart; empty for none.
    pub chart: String,
}

/// A page of siblings.
#[derive(Clone, Debug)]
pub struct Siblings {
    pub of: Likeness,
    pub page: Page,
}

impl Question for Siblings {
    type Row = ResourceRecord;
    const NAME: &'static str = "siblings";

    fn statement(&self) -> Statement {
        statement(&self.of, "*", self.page.between(), &self.page.tail())
    }
}

/// How many siblings there are.
#[derive(Clone, Debug)]
pub struct SiblingCount {
    pub of: Likeness,
}

impl Question for SiblingCount {
    type Row = u64;
    const NAME: &'static str = "sibling_count";

    fn statement(&self) -> Statement {
        statement(&self.of, "count()", Fragment::default(), &Fragment::default())
    }
}

fn statement(of: &Likeness, columns: &'static str, between: Fragment, tail: &Fragment) -> Statement {
    let text = |text: &String| Parameter::Text(text.clone());
    Statement::new(SQL)
        .with_text("of", "true")
        .with_text("columns", columns)
        .with("between", &Fragment::default().text("true").append(between))
        .with("tail", tail)
        .bind("repository", Parameter::Text(of.repository.to_string()))
        .bind("group", text(&of.group))
        .bind("kind", text(&of.kind))
        .bind("name", text(&of.name))
        .bind("chart", text(&of.chart))
}
