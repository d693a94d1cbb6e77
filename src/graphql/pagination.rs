//! Relay pages: arguments in, connections out. Cursors hold the sort values of their row, after a mark of the order they
//! belong to.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Error, InputObject, ObjectType, OutputType};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::error::bad_input;
use crate::store::query::{Direction, Order, Page, PageEnd};

/// Rows of a page that asks for no number.
pub const DEFAULT_SIZE: u32 = 50;
/// No cursor of ours is longer.
const MAX_CURSOR: usize = 16 << 10;

/// The arguments of a connection.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl Arguments {
    /// The page they ask for.
    ///
    /// # Errors
    /// `first` with `last`, a negative number, a cursor that is none of this list's. Too large a page was refused with its document.
    pub fn page(&self, order: Order) -> Result<Page, Error> {
        let (end, asked, name) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad_input("give `first` or `last`, not both")),
            (None, Some(last)) => (PageEnd::Last, Some(last), "last"),
            (first, None) => (PageEnd::First, first, "first"),
        };
        let size = match asked {
            None => DEFAULT_SIZE,
            Some(asked) => {
                u32::try_from(asked).map_err(|_| bad_input(format!("`{name}` is {asked}; it has to be 0 or more")))?
            }
        };
        let after = self.after.as_deref().map(|cursor| decode(cursor, "after", &order)).transpose()?;
        let before = self.before.as_deref().map(|cursor| decode(cursor, "before", &order)).transpose()?;
        Ok(Page { end, size, order, after, before })
    }
}

/// The direction of an order.
#[derive(async_graphql::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Smallest, earliest, first in the alphabet first.
    Asc,
    /// Largest, latest, last in the alphabet first.
    Desc,
}

impl From<OrderDirection> for Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// A half-open range of time: from the first instant up to, but not including, the second.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct TimeRange {
    /// The first instant of the range; without it the range has no beginning.
    pub from: Option<super::scalars::DateTime>,
    /// The first instant after the range; without it the range has no end.
    pub to: Option<super::scalars::DateTime>,
}

/// The size of a list that is no connection.
///
/// # Errors
/// A number of rows that no list of this length has.
pub fn list_size(first: i32, most: i32) -> Result<u32, Error> {
    let size = u32::try_from(first).ok().filter(|_| (1..=most).contains(&first));
    size.ok_or_else(|| bad_input(format!("`first` is {first}; it has to be between 1 and {most}")))
}

/// A number of things that somebody has to have at least.
///
/// # Errors
/// A negative one.
pub fn least(given: i32, name: &str) -> Result<u32, Error> {
    u32::try_from(given).map_err(|_| bad_input(format!("`{name}` is {given}; it has to be 0 or more")))
}

/// The connection of one page. `values` gives the sort values of a row, `node` what clients see of it.
pub fn connection<R, N, F>(
    page: &Page,
    rows: &[R],
    fields: F,
    values: impl Fn(&R, &Order) -> Vec<String>,
    node: impl Fn(&R) -> N,
) -> Connection<String, N, F, EmptyFields>
where
    N: OutputType,
    F: ObjectType,
{
    let (rows, more) = page.cut(rows);
    let (has_previous, has_next) = match page.end {
        PageEnd::First => (page.after.is_some(), more),
        PageEnd::Last => (more, page.before.is_some()),
    };
    let mut connection = Connection::with_additional_fields(has_previous, has_next, fields);
    let mark = mark(&page.order);
    connection.edges =
        rows.into_iter().map(|row| Edge::new(encode(&mark, values(row, &page.order)), node(row))).collect();
    connection
}

fn encode(mark: &str, mut values: Vec<String>) -> String {
    values.insert(0, mark.to_owned());
    URL_SAFE_NO_PAD.encode(serde_json::Value::from(values).to_string())
}

/// Tells orders apart, those of different lists too: a cursor of one means nothing in another.
fn mark(order: &Order) -> String {
    let mut hash = Sha256::new();
    for (key, direction) in &order.0 {
        hash.update(key.column);
        hash.update(if *direction == Direction::Ascending { " ASC," } else { " DESC," });
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..6])
}

fn decode(cursor: &str, name: &str, order: &Order) -> Result<Vec<String>, Error> {
    let values = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let mut values: Vec<String> = serde_json::from_slice(&bytes).ok()?;
        if values.is_empty() || values.remove(0) != mark(order) {
            return None;
        }
        let fits =
            values.len() == order.0.len() && values.iter().zip(&order.0).all(|(value, (key, _))| key.accepts(value));
        fits.then_some(values)
    };
    let values = if cursor.len() <= MAX_CURSOR { values() } else { None };
    values.ok_or_else(|| bad_input(format!("`{name}` is no cursor of this list in this order")))
}
