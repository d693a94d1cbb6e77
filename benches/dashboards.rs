//! The pages that people open most, each as one request.

use std::time::{Duration, Instant};

use async_graphql::{Request, Variables};
use kubestats::graphql::{Limits, Schema, answer, schema};
use kubestats::store::Reader;
use serde_json::{Value, json};

use super::Result;
use super::engine::Engine;
use super::report::{Goal, Report, quantile};

const TIMES: usize = 9;
/// Requests whose answer is known come one right after the other.
const AGAIN: u32 = 50;
const PAGES: [(&str, &str); 3] = [
    ("ecosystem overview", include_str!("../playground/queries/33-the-ecosystem.graphql")),
    ("page of a repository", include_str!("../playground/queries/11-a-repository.graphql")),
    ("page of a chart", include_str!("../playground/queries/65-a-chart.graphql")),
];

/// Of the rows that are there now, which `what` names.
pub async fn measure(engine: &Engine, what: &str, report: &mut Report) -> Result<()> {
    let schema = schema(None, Limits::default());
    let popular = "{ ecosystem { charts(first: 1) { name } } }";
    let popular = ask(&schema, &engine.reader(), popular, json!({})).await?;
    let popular: Value = serde_json::from_slice(&popular)?;
    let chart = &popular["data"]["ecosystem"]["charts"][0]["name"];
    for (page, document) in PAGES {
        let variables = if document.contains("$chart") { json!({ "chart": chart }) } else { json!({}) };
        let (mut cold, mut known) = (Vec::new(), Vec::new());
        // The first one warms what every later one finds warm.
        for round in 0..=TIMES {
            let reader = engine.reader();
            let started = Instant::now();
            ask(&schema, &reader, document, variables.clone()).await?;
            let asked = started.elapsed();
            let started = Instant::now();
            for _ in 0..AGAIN {
                ask(&schema, &reader, document, variables.clone()).await?;
            }
            if round > 0 {
                cold.push(asked);
                known.push(started.elapsed() / AGAIN);
            }
        }
        let milliseconds = |times: &mut Vec<Duration>| quantile(times, 0.5).as_secs_f64() * 1_000.0;
        let goal = |limit| Goal::AtMost(limit, "ms");
        report.value(&format!("{page}, {what}, nothing cached"), milliseconds(&mut cold), "ms", goal(100.0));
        report.value(&format!("{page}, {what}, cached"), milliseconds(&mut known), "ms", goal(2.0));
    }
    Ok(())
}

async fn ask(schema: &Schema, reader: &Reader, document: &str, variables: Value) -> Result<Vec<u8>> {
    let request = Request::new(document).variables(Variables::from_json(variables));
    match answer(schema, reader, request).await {
        Ok(answer) => Ok(answer.to_vec()),
        Err(response) => Err(format!("{:?}", response.errors).into()),
    }
}
