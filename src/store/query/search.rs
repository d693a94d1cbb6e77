//! What a text may mean.

use clickhouse::Row;
use serde::Deserialize;

use super::statement::Parameter;
use super::{Question, Statement};

/// Repositories, charts and resources whose names, or what else tells of them, hold a text; the best first.
#[derive(Clone, Debug)]
pub struct Search {
    /// Not empty.
    pub text: String,
    /// `REPOSITORY`, `CHART`, `RESOURCE`.
    pub types: Vec<&'static str>,
    pub first: u32,
}

#[derive(Clone, Debug, Row, Deserialize)]
pub struct SearchRecord {
    /// As the question names them.
    pub r#type: String,
    /// A repository's or resource's id, a chart's identity.
    pub key: String,
    /// Stars of a repository; repositories with the chart, or with a resource of the kind and name.
    pub popularity: u64,
    /// 1: the text is a whole field; 2: it begins one; 3: it stands in one.
    pub rank: u8,
    /// `FULL_NAME`, `NAME`, `DESCRIPTION`, `TOPIC`.
    pub field: String,
    /// What stands in that field.
    pub matched: String,
}

impl Question for Search {
    type Row = SearchRecord;
    const NAME: &'static str = "search";

    fn statement(&self) -> Statement {
        Statement::new(include_str!("../../../clickhouse/queries/search.sql"))
            .with_text("of", "true")
            .bind("text", Parameter::Text(self.text.clone()))
            .bind("types", Parameter::Texts(self.types.iter().map(|&name| name.to_owned()).collect()))
            .bind("first", Parameter::Integer(self.first.into()))
    }
}
