//! The section `limits`: what one GraphQL request may ask for.

use super::kinds;
use super::values::Values;

/// Most of anything that is counted one by one.
const MOST: u64 = 1_000_000_000_000;
/// Most that a document may have of anything: the body of a request has 1 MiB.
const MOST_OF_A_DOCUMENT: u64 = 1 << 20;
/// Introspection, as GraphiQL sends it, needs the first; the executor goes no deeper than the second.
const DEPTH: std::ops::RangeInclusive<u64> = 15..=32;
/// Each fragment may be a level of the recursion by which a document is measured.
const MOST_FRAGMENTS: u64 = 200;
/// A page that asks for no number has the first; more rows than the second are no page.
const PAGE: std::ops::RangeInclusive<u64> = 50..=10_000;
const MOST_ROWS_OF_A_TREND: u64 = 10_000_000;

/// Each limit as the API calls it.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    pub document_bytes: u64,
    pub tokens: u64,
    pub fragments: u64,
    pub fields: u64,
    pub aliases: u64,
    pub directives: u64,
    pub depth: u64,
    pub page_size: u64,
    pub complexity: u64,
    pub buckets: u64,
    pub trend_rows: u64,
    pub rows_read: u64,
    pub bytes_read: u64,
    pub concurrent_requests: u64,
}

impl LimitsConfig {
    pub(super) fn read(values: &mut Values) -> Self {
        let of_document = || kinds::number(1..=MOST_OF_A_DOCUMENT);
        Self {
            document_bytes: values.read("limits.document_bytes", of_document()),
            tokens: values.read("limits.tokens", of_document()),
            fragments: values.read("limits.fragments", kinds::number(0..=MOST_FRAGMENTS)),
            fields: values.read("limits.fields", of_document()),
            aliases: values.read("limits.aliases", kinds::number(0..=MOST_OF_A_DOCUMENT)),
            directives: values.read("limits.directives", kinds::number(0..=MOST_OF_A_DOCUMENT)),
            depth: values.read("limits.depth", kinds::number(DEPTH)),
            page_size: values.read("limits.page_size", kinds::number(PAGE)),
            complexity: values.read("limits.complexity", kinds::number(1..=MOST)),
            buckets: values.read("limits.buckets", kinds::number(1..=MOST_ROWS_OF_A_TREND)),
            trend_rows: values.read("limits.trend_rows", kinds::number(1..=MOST_ROWS_OF_A_TREND)),
            rows_read: values.read("limits.million_rows_read", kinds::number(1..=MOST / 1_000_000)) * 1_000_000,
            bytes_read: values.read("limits.mb_read", kinds::number(1..=super::MOST_MB)) << 20,
            concurrent_requests: values.read("limits.concurrent_requests", kinds::number(1..=MOST_OF_A_DOCUMENT)),
        }
    }
}
