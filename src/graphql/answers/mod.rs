//! Answers to what people ask about the whole ecosystem: one field a question. What groups and counts is asked of the trends.

mod behind;
mod changes;
mod chart_by;
mod courses;
mod coverage;
mod ecosystem;
mod lag;
mod movers;
mod together;
mod values;

use async_graphql::MergedObject;

/// The answers.
#[derive(MergedObject, Default)]
pub struct AnswerQuery(
    coverage::CoverageQuery,
    ecosystem::EcosystemQuery,
    movers::MoverQuery,
    changes::ChangeQuery,
    lag::LagQuery,
    behind::BehindQuery,
    together::TogetherQuery,
    values::ValueQuery,
);
