//! Limits of requests, as clients see them.

use async_graphql::SimpleObject;

use crate::graphql::limits::{Limit, Limits};
use crate::graphql::scalars::Long;

/// Something that a request may ask only so much of. Past it the request fails with `RESOURCE_EXHAUSTED`, and `extensions` hold the
/// limit's name as `limit`, what is allowed as `maximum`, and what was asked for as `value`, where that is known.
#[derive(SimpleObject)]
pub struct RequestLimit {
    /// Its name, as `extensions.limit` has it.
    name: &'static str,
    /// The most that is allowed.
    value: Long,
    /// What it counts.
    description: &'static str,
}

/// All limits with their values.
pub fn request_limits(limits: &Limits) -> Vec<RequestLimit> {
    let limit = |limit: Limit| RequestLimit {
        name: limit.name(),
        value: limits.maximum(limit).into(),
        description: limit.description(),
    };
    Limit::ALL.map(limit).into()
}
