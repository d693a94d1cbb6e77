//! Pages of the lists, asked in GraphQL of a reader that knows no answer yet, against the same SQL sent by hand.

use async_graphql::Request;
use kubestats::graphql::{Limits, Schema, execute, schema};
use kubestats::store::query::{
    Direction, EventCount, EventField, EventOrder, Events, FailureOrder, Failures, Filter, Operator, Order, Page,
    PageEnd, Question, Repositories, RepositoryOrder, ResourceField, ResourceOrder, Resources,
};
use serde_json::Value;

use super::Result;
use super::engine::Engine;
use super::report::{Goal, Report, in_turn};

const TIMES: usize = 9;
const GOAL: Goal = Goal::AtMost(1.5, "");

pub async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    let asked = Asked { engine, schema: schema(None, Limits::default()), version: engine.version().await? };
    let alive = Filter::default().and(ResourceField::Status, Operator::In(vec!["ACTIVE".to_owned()]));
    let helm_release = || Operator::Equal("HelmRelease".to_owned());
    let newest = || page(EventOrder::keys(Direction::Descending));

    let by_name = page(RepositoryOrder::keys(&[(RepositoryOrder::FullName, Direction::Ascending)]));
    let question = Repositories { filter: Filter::default(), page: Some(by_name) };
    asked.compare(report, "repositories(first: 100) { nodes { fullName resourceCount } }", &question).await?;

    let by_kind = [(ResourceOrder::Kind, Direction::Ascending), (ResourceOrder::Name, Direction::Ascending)];
    let by_kind = || Some(page(ResourceOrder::keys(&by_kind)));
    let question = Resources { filter: alive.clone(), page: by_kind() };
    asked.compare(report, "resources(first: 100) { nodes { kind name path } }", &question).await?;
    let question = Resources { filter: alive.and(ResourceField::Kind, helm_release()), page: by_kind() };
    let document = "resources(first: 100, filter: {kind: {eq: \"HelmRelease\"}}) { nodes { kind name path } }";
    asked.compare(report, document, &question).await?;

    let question = Events { filter: Filter::default(), page: Some(newest()) };
    let fields = "pageInfo { endCursor } nodes { type kind name time }";
    asked.compare(report, &format!("events(first: 100) {{ {fields} }}"), &question).await?;
    let filter = Filter::default().and(EventField::Kind, helm_release());
    let question = Events { filter, page: Some(newest()) };
    let document = format!("events(first: 100, filter: {{kind: {{eq: \"HelmRelease\"}}}}) {{ {fields} }}");
    asked.compare(report, &document, &question).await?;

    let middle =
        asked.engine.number("SELECT toUInt64(quantile(toUnixTimestamp64Second(time))) FROM resource_events").await?;
    let filter = Filter::default().and(EventField::Time, Operator::Before(i64::try_from(middle)?));
    let bound = format!("filter: {{time: {{lt: {}}}}}", middle * 1_000);
    let cursor = asked.cursor(&format!("events(first: 1, {bound}) {{ pageInfo {{ endCursor }} }}")).await?;
    let question = Events { filter, page: Some(newest()) };
    let document = format!("events(first: 100, after: \"{cursor}\") {{ {fields} }}");
    asked.compare_as(report, "events(first: 100, after: the middle of all)", &document, &question, GOAL).await?;
    let one = Events { filter: Filter::default(), page: Some(Page { size: 1, ..newest() }) };
    let count = EventCount { filter: Filter::default() };
    let value = async || asked.ask("events(first: 1) { totalCount }").await;
    let floor = async || Ok((engine.by_hand(&one, asked.version).await?, engine.by_hand(&count, asked.version).await?));
    let (value, floor) = in_turn(TIMES, value, floor).await?;
    report.ratio("`events(first: 1) { totalCount }`; floor: both statements", value, floor, GOAL);

    let question = Failures { filter: Filter::default(), page: page(FailureOrder::keys(Direction::Descending)) };
    asked.compare(report, "scanFailures(first: 100) { nodes { path message } }", &question).await
}

pub fn page(order: Order) -> Page {
    Page { end: PageEnd::First, size: 100, order, after: None, before: None }
}

/// How a document is asked.
pub struct Asked<'a> {
    pub engine: &'a Engine,
    pub schema: Schema,
    pub version: u64,
}

impl Asked<'_> {
    async fn compare(&self, report: &mut Report, field: &str, question: &impl Question) -> Result<()> {
        self.compare_as(report, field, field, question, GOAL).await
    }

    pub async fn compare_as(
        &self,
        report: &mut Report,
        what: &str,
        field: &str,
        question: &impl Question,
        goal: Goal,
    ) -> Result<()> {
        let value = async || self.ask(field).await;
        let floor = async || self.engine.by_hand(question, self.version).await;
        let (value, floor) = in_turn(TIMES, value, floor).await?;
        report.ratio(&format!("`{}`", what.replace('|', "")), value, floor, goal);
        Ok(())
    }

    /// An answer of which nothing is cached.
    async fn ask(&self, field: &str) -> Result<Value> {
        let response = execute(&self.schema, &self.engine.reader(), Request::new(format!("{{ {field} }}"))).await;
        match response.errors.first() {
            None => Ok(serde_json::to_value(&response.data)?),
            Some(error) => Err(format!("{field}: {}", error.message).into()),
        }
    }

    async fn cursor(&self, field: &str) -> Result<String> {
        let data = self.ask(field).await?;
        let cursor = data["events"]["pageInfo"]["endCursor"].as_str();
        Ok(cursor.ok_or("no cursor")?.to_owned())
    }
}
