//! What one request may ask for at most. Past a limit a client learns its name, what it asked for and what is allowed.

use async_graphql::{Context, Error, ErrorExtensions, Value};

use super::error::{Code, error};

/// Bytes of the body of a request.
pub const BODY_BYTES: usize = 1 << 20;

/// Something that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    BodyBytes,
    DocumentBytes,
    Tokens,
    Nesting,
    Fragments,
    Fields,
    Depth,
    Aliases,
    Directives,
    Complexity,
    PageSize,
    Buckets,
    TrendRows,
    RowsRead,
    BytesRead,
    Seconds,
    ConcurrentRequests,
    Dimensions,
    Measures,
    Groups,
    FilterComparisons,
    FilterValues,
    FilterTextBytes,
    SocketOperations,
}

impl Limit {
    /// All of them, in the order in which they are looked at.
    pub const ALL: [Self; 24] = [
        Self::ConcurrentRequests,
        Self::SocketOperations,
        Self::BodyBytes,
        Self::DocumentBytes,
        Self::Tokens,
        Self::Nesting,
        Self::Fragments,
        Self::Fields,
        Self::Aliases,
        Self::Directives,
        Self::Depth,
        Self::PageSize,
        Self::Complexity,
        Self::FilterTextBytes,
        Self::FilterValues,
        Self::FilterComparisons,
        Self::Dimensions,
        Self::Measures,
        Self::Groups,
        Self::Buckets,
        Self::TrendRows,
        Self::RowsRead,
        Self::BytesRead,
        Self::Seconds,
    ];

    /// How clients call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BodyBytes => "bodyBytes",
            Self::DocumentBytes => "documentBytes",
            Self::Tokens => "tokens",
            Self::Nesting => "nesting",
            Self::Fragments => "fragments",
            Self::Fields => "fields",
            Self::Depth => "depth",
            Self::Aliases => "aliases",
            Self::Directives => "directives",
            Self::Complexity => "complexity",
            Self::PageSize => "pageSize",
            Self::Buckets => "buckets",
            Self::TrendRows => "trendRows",
            Self::RowsRead => "rowsRead",
            Self::BytesRead => "bytesRead",
            Self::Seconds => "seconds",
            Self::ConcurrentRequests => "concurrentRequests",
            Self::Dimensions => "dimensions",
            Self::Measures => "measures",
            Self::Groups => "groups",
            Self::FilterComparisons => "filterComparisons",
            Self::FilterValues => "filterValues",
            Self::FilterTextBytes => "filterTextBytes",
            Self::SocketOperations => "socketOperations",
        }
    }

    /// What it counts.
    pub const fn description(self) -> &'static str {
        match self {
            Self::BodyBytes => "Bytes of the body of a request, and of a message of a WebSocket.",
            Self::DocumentBytes => "Bytes of the document; variables are not counted.",
            Self::Tokens => "Names, values and punctuators of the document.",
            Self::Nesting => {
                "Levels to which brackets of the document are nested, of any kind, and lists and objects of a variable."
            }
            Self::Fragments => "Fragments that the document defines.",
            Self::Fields => "Fields of all operations of the document, each fragment counted wherever it is spread.",
            Self::Depth => "Levels to which fields are nested.",
            Self::Aliases => "Fields with an alias, each fragment counted wherever it is spread.",
            Self::Directives => "Directives, each fragment counted wherever it is spread.",
            Self::Complexity => {
                "Fields of an operation, those below a page as often as it may have rows, and those below a list of ids as often as it has ids."
            }
            Self::PageSize => "Rows of a page, and ids of a list.",
            Self::Buckets => "Buckets of a trend.",
            Self::TrendRows => "Rows of a trend.",
            Self::RowsRead => "Rows that one question reads in ClickHouse.",
            Self::BytesRead => "Bytes that one question reads in ClickHouse.",
            Self::Seconds => "Seconds that one question takes in ClickHouse.",
            Self::ConcurrentRequests => {
                "Requests that one client has running, by its address; whoever is at the server's own machine has no such limit."
            }
            Self::Dimensions => "Dimensions by which a trend is grouped.",
            Self::Measures => "Measures of a trend.",
            Self::Groups => "Groups that a trend names one by one, by `top`; the others are measured together.",
            Self::FilterComparisons => "Comparisons of a filter, those of the filters in it counted.",
            Self::FilterValues => "Values of a list in a filter.",
            Self::FilterTextBytes => "Bytes of a text in a filter.",
            Self::SocketOperations => "Operations that one WebSocket has running.",
        }
    }

    /// The value where nobody chose one.
    pub const fn usual(self) -> u64 {
        match self {
            Self::BodyBytes => BODY_BYTES as u64,
            Self::DocumentBytes => 256 << 10,
            Self::Tokens => 20_000,
            // Introspection, as GraphiQL sends it, needs 15 here, too. Values are read level by level on the stack of a thread: those of the
            // server have room for several times as many, even where the program is not optimised.
            Self::Nesting => 40,
            Self::Fragments => 200,
            Self::Fields => 2_000,
            // Introspection, as GraphiQL sends it, needs 15.
            Self::Depth => 20,
            Self::Aliases => 200,
            Self::Directives => 200,
            Self::Complexity => 250_000,
            Self::PageSize => 500,
            Self::Buckets => 10_000,
            Self::TrendRows => 100_000,
            Self::RowsRead => 1_000_000_000,
            Self::BytesRead => 100 << 30,
            Self::Seconds => 30,
            Self::ConcurrentRequests => 50,
            Self::Dimensions => 5,
            Self::Measures => 10,
            Self::Groups | Self::FilterValues => 1_000,
            Self::FilterComparisons => 200,
            Self::FilterTextBytes => 4 << 10,
            Self::SocketOperations => 20,
        }
    }

    /// Checks a value against a limit that no configuration changes.
    ///
    /// # Errors
    /// As those of [`Limits::check`].
    pub fn check(self, value: usize, message: impl FnOnce(u64) -> String) -> Result<(), Error> {
        Limits::default().check(self, value as u64, message)
    }
}

/// The value of each limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits([u64; Limit::ALL.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.map(Limit::usual))
    }
}

impl Limits {
    /// The same, but for one limit.
    #[must_use]
    pub fn with(mut self, limit: Limit, maximum: u64) -> Self {
        self.0[Self::place(limit)] = maximum;
        self
    }

    pub fn maximum(&self, limit: Limit) -> u64 {
        self.0[Self::place(limit)]
    }

    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the value is past the limit. `message` completes a sentence such as "the document has more than 20 tokens".
    pub fn check(&self, limit: Limit, value: u64, message: impl FnOnce(u64) -> String) -> Result<(), Error> {
        let maximum = self.maximum(limit);
        if value <= maximum { Ok(()) } else { Err(exceeded(limit, Some(value), maximum, message(maximum))) }
    }

    fn place(limit: Limit) -> usize {
        Limit::ALL.iter().position(|other| *other == limit).expect("every limit is listed")
    }
}

/// The error past a limit. `value` is what was asked for, where that is known.
pub fn exceeded(limit: Limit, value: Option<u64>, maximum: u64, message: impl Into<String>) -> Error {
    error(Code::ResourceExhausted, message).extend_with(|_, extensions| past(limit, value, maximum, extensions))
}

/// What the extensions of an error say of the limit that was passed.
pub fn past(limit: Limit, value: Option<u64>, maximum: u64, extensions: &mut async_graphql::ErrorExtensionValues) {
    extensions.set("limit", limit.name());
    if let Some(value) = value {
        extensions.set("value", Value::from(value));
    }
    extensions.set("maximum", Value::from(maximum));
}

/// The limits in force.
///
/// # Errors
/// None in a request that came through [`super::Schema`].
pub fn limits<'c>(context: &Context<'c>) -> Result<&'c Limits, Error> {
    context.data::<Limits>()
}

/// A limit as a number of things in memory.
pub fn as_size(maximum: u64) -> usize {
    usize::try_from(maximum).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_a_value_of_its_own() {
        let limits = Limits::default();
        for limit in Limit::ALL {
            assert_eq!(limits.maximum(limit), limit.usual());
            let changed = limits.with(limit, 7);
            let kept = Limit::ALL.iter().filter(|other| changed.maximum(**other) == limits.maximum(**other));
            assert_eq!((changed.maximum(limit), kept.count()), (7, Limit::ALL.len() - 1));
        }
    }
}
