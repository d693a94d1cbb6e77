//! Answers to what people ask about the whole ecosystem: one field a question. What groups and counts is asked of the trends.

mod changes;
mod coverage;
mod ecosystem;
mod movers;

use async_graphql::MergedObject;

/// The answers.
#[derive(MergedObject, Default)]
pub struct AnswerQuery(coverage::CoverageQuery, ecosystem::EcosystemQuery, movers::MoverQuery, changes::ChangeQuery);
